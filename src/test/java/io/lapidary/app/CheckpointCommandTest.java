package io.lapidary.app;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.lapidary.io.CheckpointFolder;
import io.lapidary.io.Dtype;
import io.lapidary.io.Jsons;
import io.lapidary.io.Safetensors;
import io.lapidary.io.SafetensorsFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class CheckpointCommandTest {
  private static final Path CLIP = Path.of("src/test/resources/golden/clip");
  @TempDir Path temporary;
  private Path model;

  @BeforeEach
  void copyTheModel() throws IOException {
    model = Files.createDirectory(temporary.resolve("model"));
    for (String name :
        new String[] {"config.json", "model.safetensors", "golden.json", "golden.safetensors"}) {
      Files.copy(CLIP.resolve(name), model.resolve(name));
    }
  }

  private Cli.Outcome verify() {
    return Cli.run("checkpoint", "verify", model.toString());
  }

  private void assertRefused(String... words) {
    Cli.Outcome outcome = verify();
    assertThat(outcome.code()).isEqualTo(2);
    assertThat(outcome.errors())
        .singleElement()
        .asString()
        .startsWith("lapidary: ")
        .contains(words);
  }

  private Map<String, INDArray> golden() {
    Map<String, INDArray> tensors = new LinkedHashMap<>();
    try (SafetensorsFile file = SafetensorsFile.open(CLIP.resolve("golden.safetensors"))) {
      file.names().forEach(name -> tensors.put(name, file.read(name)));
    }
    return tensors;
  }

  private void write(Map<String, INDArray> golden) {
    Safetensors.write(model.resolve("golden.safetensors"), golden, Map.of());
  }

  @Test
  void verifyComparesEveryOutput() {
    Cli.Outcome outcome = verify();
    assertThat(outcome.err()).isEmpty();
    assertThat(outcome.code()).isZero();
    assertThat(outcome.out())
        .contains("image_embeds", "vision_hidden_states.3", "text_last_hidden_state")
        .contains("9 of 9 tensors within 1.0E-4")
        .doesNotContain("not compared");
  }

  @Test
  void verifyFailsAboveTheTolerance() throws IOException {
    Map<String, INDArray> golden = golden();
    golden.get("image_embeds").putScalar(3, golden.get("image_embeds").getDouble(3) + 0.01);
    golden.put("text_embeds", Nd4j.zeros(DataType.FLOAT, 3, 5));
    golden.get("vision_pooler_output").putScalar(0, Double.NaN);
    golden.put("something_else", Nd4j.zeros(DataType.FLOAT, 1));
    write(golden);
    Cli.Outcome outcome = verify();
    assertThat(outcome.code()).isEqualTo(1);
    assertThat(outcome.out())
        .containsPattern("image_embeds +0.01.*above tolerance")
        .containsPattern("text_embeds +shape \\[3, 24\\], expected \\[3, 5\\]")
        .containsPattern("vision_pooler_output +NaN.*above tolerance")
        .containsPattern("something_else +not compared")
        .contains("6 of 9 tensors");
  }

  @Test
  void verifyRefusesFoldersThatCannotBeVerified() throws IOException {
    write(Map.of("pixels", Nd4j.zeros(DataType.FLOAT, 1)));
    assertRefused("golden.safetensors", "input_ids, pixel_values");
    write(Map.of("input_ids", Nd4j.create(new double[][] {{1, 999}}).castTo(DataType.INT)));
    assertRefused("golden.safetensors", "999");
    write(Map.of("pixel_values", Nd4j.zeros(DataType.FLOAT, 1, 3, 32, 32)));
    assertRefused("no output that can be compared");
    Files.writeString(model.resolve("golden.safetensors"), "short");
    assertRefused("golden.safetensors");
    Files.writeString(model.resolve("golden.json"), "{\"tolerance\": \"small\"}");
    assertRefused("golden.json", "tolerance must be a number");
    Files.delete(model.resolve("golden.json"));
    assertRefused("golden.json: no such file");
    ObjectNode config = Jsons.readObject(model.resolve("config.json"));
    Jsons.write(model.resolve("config.json"), config.put("model_type", "swin"));
    assertRefused("swin", "supported: bert, clip");
    Files.delete(model.resolve("config.json"));
    assertRefused("config.json is missing");
    model = temporary.resolve("gone");
    assertRefused("expected a model folder");
  }

  @Test
  void convertKeepsValuesAndSmallFiles() throws IOException {
    Files.writeString(model.resolve("tokenizer.json"), "{}");
    Files.writeString(model.resolve("run.py"), "print()");
    for (String type : new String[] {"f16", "bf16", "F32"}) {
      Path out = temporary.resolve(type);
      Cli.Outcome outcome =
          Cli.run("checkpoint", "convert", model.toString(), out.toString(), "--dtype", type);
      assertThat(outcome.err()).isEmpty();
      assertThat(outcome.code()).isZero();
      try (CheckpointFolder before = CheckpointFolder.open(model);
          CheckpointFolder after = CheckpointFolder.open(out)) {
        assertThat(after.names()).isEqualTo(before.names());
        for (String name : after.names()) {
          assertThat(after.info(name).dtype().name()).isEqualToIgnoringCase(type);
          double worst =
              after
                  .read(name, DataType.FLOAT)
                  .sub(before.read(name, DataType.FLOAT))
                  .amaxNumber()
                  .doubleValue();
          assertThat(worst).isLessThanOrEqualTo(type.equals("F32") ? 0 : 0.02);
        }
      }
      assertThat(out.resolve("tokenizer.json")).exists();
      assertThat(out.resolve("run.py")).doesNotExist();
      assertThat(out.resolve("golden.json")).doesNotExist();
    }
    Files.copy(CLIP.resolve("golden.json"), temporary.resolve("F32/golden.json"));
    Files.copy(CLIP.resolve("golden.safetensors"), temporary.resolve("F32/golden.safetensors"));
    model = temporary.resolve("F32");
    assertThat(verify().code()).isZero();
  }

  @Test
  void convertSplitsLargeFiles() throws IOException {
    Path out = temporary.resolve("shards");
    String[] args = {"checkpoint", "convert", model.toString(), out.toString()};
    assertThat(Cli.run(args).errors().get(0)).contains("--dtype TYPE, --shard-size SIZE or both");
    Cli.Outcome outcome = Cli.run(args[0], args[1], args[2], args[3], "--shard-size", "0.04 MiB");
    assertThat(outcome.err()).isEmpty();
    assertThat(out.resolve("model.safetensors")).doesNotExist();
    try (CheckpointFolder before = CheckpointFolder.open(model);
        CheckpointFolder after = CheckpointFolder.open(out);
        Stream<Path> files = Files.list(out)) {
      assertThat(files.filter(f -> f.toString().endsWith(".safetensors")))
          .hasSizeGreaterThan(5)
          .allMatch(f -> f.toFile().length() < 41_943 + 4_000);
      assertThat(after.names()).containsExactlyInAnyOrderElementsOf(before.names());
      for (String name : after.names()) {
        assertThat(after.info(name).dtype()).isEqualTo(before.info(name).dtype());
        assertThat(after.read(name, DataType.FLOAT)).isEqualTo(before.read(name, DataType.FLOAT));
      }
    }
    for (String size : new String[] {"0", "big", "-1MB", "5TB"}) {
      Cli.Outcome wrong = Cli.run(args[0], args[1], args[2], args[3] + 2, "--shard-size", size);
      assertThat(wrong.code()).isEqualTo(2);
      assertThat(wrong.errors().get(0)).contains("500MB");
    }
  }

  @Test
  void convertRefusesOverflowAndOccupiedFolders() throws IOException {
    Path large = temporary.resolve("large");
    CheckpointFolder.save(
        large, Jsons.object(), Map.of("w", Nd4j.createFromArray(1f, -70000f)), Dtype.F32);
    Path out = temporary.resolve("out");
    String[][] cases = {
      {large.toString(), out.toString(), "f16", "holds 70000.0, but f16 ends at 65504"},
      {model.toString(), model.toString(), "f16", "holds files"},
      {model.toString(), model.resolve("config.json").toString(), "f16", "a file stands there"},
      {temporary.resolve("gone").toString(), out.toString(), "f16", "expected a model folder"},
      {model.toString(), out.toString(), "int8", "--dtype"},
    };
    for (String[] c : cases) {
      Cli.Outcome outcome = Cli.run("checkpoint", "convert", c[0], c[1], "--dtype", c[2]);
      assertThat(outcome.code()).as(c[3]).isEqualTo(2);
      assertThat(outcome.errors().get(0)).startsWith("lapidary: ").contains(c[3]);
    }
    assertThat(
            Cli.run("checkpoint", "convert", large.toString(), out.toString(), "--dtype", "bf16")
                .code())
        .isZero();
  }

  @Test
  void infoSaysWhatReadsAFolder() {
    assertThat(Cli.run("checkpoint", "info", "checkpoints/emoji-vlm").out())
        .contains("loads as       VisionLanguageModel")
        .contains("tokenizer      tokenizer.json");
    assertThat(Cli.run("checkpoint", "info", "checkpoints/emoji-clip").out())
        .contains("loads as       Clip;");
    assertThat(Cli.run("checkpoint", "info", "src/test/resources/golden/llama").out())
        .contains("loads as       CausalLm")
        .contains("tokenizer      none");
    assertThat(Cli.run("checkpoint", "info", "src/test/resources/golden/vit").out())
        .contains("loads as       VisionEncoder");
    assertThat(Cli.run("checkpoint", "info", "src/test/resources/golden/llama_lora").out())
        .contains("loads as       LoraAdapter");
  }
}
