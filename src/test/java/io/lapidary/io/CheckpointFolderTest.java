package io.lapidary.io;

import static io.lapidary.io.SafetensorsTest.fails;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class CheckpointFolderTest {
  private static final Path GOLDEN = Path.of("src/test/resources/golden/clip");

  @TempDir Path folder;

  @Test
  void readsAFolderOfThePythonLibrary() {
    try (CheckpointFolder clip = CheckpointFolder.open(GOLDEN)) {
      assertThat(clip.layout()).isEqualTo(CheckpointFolder.Layout.TRANSFORMERS);
      assertThat(clip.config().path("text_config").path("vocab_size").asInt()).isEqualTo(99);
      assertThat(clip.info("logit_scale").shape()).isEmpty();
      assertThat(clip.read("logit_scale", DataType.FLOAT).getFloat()).isEqualTo(0.010810236f);
      Map<String, long[]> shapes = shapes(clip);
      Map<String, INDArray> all = clip.readAll(shapes, DataType.DOUBLE);
      assertThat(all.keySet()).containsExactlyElementsOf(shapes.keySet());
      assertThat(all.get("text_projection.weight").shape()).containsExactly(24, 32);
      assertThat(all.get("text_projection.weight").dataType()).isEqualTo(DataType.DOUBLE);
    }
  }

  @Test
  void savedFoldersAreTheSameBytes() throws Exception {
    try (CheckpointFolder clip = CheckpointFolder.open(GOLDEN)) {
      CheckpointFolder.save(folder, clip.config(), all(clip), null);
      assertThat(clip.config()).isEqualTo(Jsons.readObject(folder.resolve("config.json")));
    }
    assertThat(
            Files.mismatch(
                GOLDEN.resolve("model.safetensors"), folder.resolve("model.safetensors")))
        .isEqualTo(-1);
  }

  @Test
  void shardsHoldTheSameTensors() throws Exception {
    try (CheckpointFolder clip = CheckpointFolder.open(GOLDEN)) {
      CheckpointFolder.save(folder, clip.config(), all(clip), null);
      CheckpointFolder.save(folder, clip.config(), all(clip), null, 100_000);
      assertThat(folder.resolve("model.safetensors")).doesNotExist();
      assertThat(folder.resolve("model-00004-of-00004.safetensors")).exists();
      try (CheckpointFolder sharded = CheckpointFolder.open(folder)) {
        assertThat(sharded.names()).hasSameElementsAs(clip.names());
        for (String name : clip.names()) {
          assertThat(sharded.read(name, DataType.FLOAT)).isEqualTo(clip.read(name, DataType.FLOAT));
        }
      }
      CheckpointFolder.save(folder, clip.config(), all(clip), Dtype.BF16);
      assertThat(folder.resolve("model.safetensors.index.json")).doesNotExist();
      try (CheckpointFolder half = CheckpointFolder.open(folder)) {
        assertThat(half.info("logit_scale").dtype()).isEqualTo(Dtype.BF16);
      }
    }
  }

  @Test
  void incompleteShardsAreNamed() throws Exception {
    Map<String, INDArray> tensors = Map.of("a", Nd4j.ones(4), "b", Nd4j.ones(3));
    CheckpointFolder.save(folder, Jsons.object(), tensors, null, 16);
    Path second = folder.resolve("model-00002-of-00002.safetensors");
    Safetensors.write(second, Map.of("c", Nd4j.ones(3)), Map.of());
    fails(
        () -> CheckpointFolder.open(folder).close(),
        second.getFileName().toString(),
        "'b' is missing");
    Files.delete(second);
    fails(() -> CheckpointFolder.open(folder).close(), "shard", "-00002-", "missing", "'b'");
    Path index = folder.resolve("model.safetensors.index.json");
    for (String map :
        new String[] {
          "{\"weight_map\":{\"a\":\"../model-00001-of-00002.safetensors\"}}",
          "{\"weight_map\":{\"a\":3}}",
          "{\"weight_map\":{\"a\":\"..\"}}",
          "{\"weight_map\":[]}",
          "{}",
          "[]",
          "{\"weight_map\":{\"a\":\"x\",\"a\":\"y\"}}",
          "{\"weight_map\":"
        }) {
      Files.writeString(index, map);
      fails(() -> CheckpointFolder.open(folder).close(), index.toString());
    }
  }

  @Test
  void unusableFoldersSayWhy() throws Exception {
    fails(() -> CheckpointFolder.open(folder).close(), "config.json is missing");
    fails(() -> CheckpointFolder.open(folder.resolve("x")).close(), "nothing of that name");
    Files.writeString(folder.resolve("config.json"), "{}");
    fails(() -> CheckpointFolder.open(folder).close(), "model.safetensors", "neither");
    Files.writeString(folder.resolve("pytorch_model.bin"), "x");
    fails(() -> CheckpointFolder.open(folder).close(), "pickled", "save_pretrained");
    Files.writeString(folder.resolve("config.json"), "{\"quantization_config\":{\"bits\":4}}");
    fails(() -> CheckpointFolder.open(folder).close(), "quantised");
    Files.writeString(folder.resolve("config.json"), "{\"a\":1,\n\"a\":2}");
    fails(() -> CheckpointFolder.open(folder).close(), "config.json, line 2", "Duplicate");
    Files.write(folder.resolve("config.json"), new byte[] {'{', '"', (byte) 0xC0, '"'});
    fails(() -> CheckpointFolder.open(folder).close(), "config.json", "UTF-8");
  }

  @Test
  void prefixesAndBuffers() {
    INDArray one = Nd4j.ones(1);
    ObjectNode config = Jsons.object();
    CheckpointFolder.save(
        folder,
        config,
        Map.of(
            "model.norm.weight", one,
            "h.0.ln_1.weight", one,
            "h.0.attn.bias", one,
            "h.0.attn.masked_bias", one,
            "position_ids", one,
            "model.layers.0.self_attn.rotary_emb.inv_freq", one,
            "base_model.model.model.x.lora_A.weight", one),
        null);
    try (CheckpointFolder opened = CheckpointFolder.open(folder)) {
      assertThat(opened.names())
          .containsExactlyInAnyOrder(
              "model.norm.weight", "h.0.ln_1.weight", "base_model.model.model.x.lora_A.weight");
      assertThat(opened.resolve("norm.weight")).contains("model.norm.weight");
      assertThat(opened.resolve("transformer.h.0.ln_1.weight")).contains("h.0.ln_1.weight");
      assertThat(opened.resolve("model.x.lora_A.weight"))
          .contains("base_model.model.model.x.lora_A.weight");
      assertThat(opened.has("ln_1.weight")).isFalse();
      fails(() -> opened.read("lm_head.weight", DataType.FLOAT), "'lm_head.weight' is missing");
    }
  }

  @Test
  void everyMisfitIsReportedInOneBoundedLine() {
    try (CheckpointFolder clip = CheckpointFolder.open(GOLDEN)) {
      Map<String, long[]> shapes = shapes(clip);
      shapes.remove("logit_scale");
      shapes.put("text_projection.weight", new long[] {32, 24});
      shapes.put("lm_head.weight", new long[] {99, 32});
      fails(
          () -> clip.readAll(shapes, DataType.FLOAT),
          "missing 'lm_head.weight' [99, 32]",
          "unexpected 'logit_scale' []",
          "'text_projection.weight' in model.safetensors: expected [32, 24], found [24, 32]");
      fails(() -> clip.readAll(Map.of(), DataType.FLOAT), "unexpected", "more");
      assertThat(clip.readAll(Map.of(), DataType.FLOAT, name -> true)).isEmpty();
    }
  }

  private static Map<String, long[]> shapes(CheckpointFolder checkpoint) {
    Map<String, long[]> shapes = new LinkedHashMap<>();
    checkpoint.names().forEach(name -> shapes.put(name, checkpoint.info(name).shape()));
    return shapes;
  }

  private static Map<String, INDArray> all(CheckpointFolder checkpoint) {
    return checkpoint.readAll(shapes(checkpoint), DataType.FLOAT);
  }
}
