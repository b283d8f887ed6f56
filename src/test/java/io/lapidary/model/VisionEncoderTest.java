package io.lapidary.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lapidary.InputException;
import io.lapidary.io.Dtype;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

class VisionEncoderTest {
  @TempDir Path temporary;

  @ParameterizedTest
  @ValueSource(strings = {"vit", "dinov2", "dinov2_gated", "siglip_vision"})
  void matchesTheReferenceImplementation(String family) {
    Golden golden = Golden.of(family);
    try (VisionEncoder encoder = VisionEncoder.load(golden.folder())) {
      check(golden, encoder);
    }
  }

  private static void check(Golden golden, VisionEncoder encoder) {
    INDArray pixels = golden.get("pixel_values");
    VisionEncoder.States states = encoder.states(pixels);
    assertThat(states.hiddenStates()).hasSize(encoder.config().layers() + 1);
    for (int i = 0; i <= encoder.config().layers(); i++) {
      golden.assertClose(states.hiddenStates().get(i), "hidden_states." + i);
      golden.assertClose(encoder.hiddenState(pixels, i), "hidden_states." + i);
    }
    golden.assertClose(states.lastHidden(), "last_hidden_state");
    golden.assertClose(states.pooled(), "pooler_output");
    golden.assertClose(encoder.pooled(pixels), "pooler_output");
    Map<String, INDArray> graph =
        encoder
            .sameDiff(2)
            .output(Map.of("pixel_values", pixels), "last_hidden_state", "pooler_output");
    golden.assertClose(graph.get("pooler_output"), "pooler_output");
  }

  @Test
  void readsTheImageTowerOfClip() {
    Golden golden = Golden.of("clip");
    try (VisionEncoder encoder = VisionEncoder.load(golden.folder())) {
      VisionEncoder.States states = encoder.states(golden.get("pixel_values"));
      golden.assertClose(states.pooled(), "vision_pooler_output");
      golden.assertClose(states.lastHidden(), "vision_hidden_states.3");
      encoder.save(temporary, Dtype.F32);
    }
    try (VisionEncoder again = VisionEncoder.load(temporary)) { // the tower on its own
      golden.assertClose(again.pooled(golden.get("pixel_values")), "vision_pooler_output");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"vit", "dinov2", "dinov2_gated", "siglip_vision"})
  void saveThenLoadIsEqual(String family) {
    Golden golden = Golden.of(family);
    try (VisionEncoder encoder = VisionEncoder.load(golden.folder())) {
      encoder.save(temporary, Dtype.F32);
      Golden.assertSameTensors(temporary, golden.folder());
      try (VisionEncoder again = VisionEncoder.load(temporary)) {
        assertThat(again.config()).isEqualTo(encoder.config());
      }
      encoder.save(temporary, Dtype.BF16);
      try (VisionEncoder half = VisionEncoder.load(temporary)) {
        INDArray pooled = half.pooled(golden.get("pixel_values"));
        Golden.assertClose(pooled, golden.get("pooler_output"), 5e-2, family);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"vit,vit.", "dinov2,dinov2.", "siglip_vision,vision_model."})
  void shardsAndPrefixesAreNoSpecialCase(String family, String prefix) {
    Golden golden = Golden.of(family);
    golden.copyTo(
        temporary,
        config -> {},
        tensors -> {
          Map<String, INDArray> renamed = new LinkedHashMap<>();
          tensors.forEach((name, array) -> renamed.put(prefix + name, array));
          tensors.clear();
          tensors.putAll(renamed);
          tensors.put("classifier.weight", Nd4j.ones(3, 32));
        },
        Dtype.F32,
        20_000);
    assertThat(temporary.resolve("model.safetensors.index.json")).exists();
    try (VisionEncoder encoder = VisionEncoder.load(temporary)) {
      check(golden, encoder);
      Path again = temporary.resolve("again");
      encoder.save(again, Dtype.F32); // the prefix stays, the classifier is not the encoder's
      golden.copyTo(
          temporary.resolve("expected"),
          config -> {},
          tensors -> {
            Map<String, INDArray> renamed = new LinkedHashMap<>();
            tensors.forEach((name, array) -> renamed.put(prefix + name, array));
            tensors.clear();
            tensors.putAll(renamed);
          },
          Dtype.F32,
          Long.MAX_VALUE);
      Golden.assertSameTensors(again, temporary.resolve("expected"));
    }
  }

  @Test
  void aClassifierWithoutPoolerGivesTheClassToken() {
    Golden golden = Golden.of("vit");
    golden.copyTo(
        temporary,
        config -> {},
        tensors -> tensors.keySet().removeIf(name -> name.startsWith("pooler.")),
        Dtype.F32,
        Long.MAX_VALUE);
    try (VisionEncoder encoder = VisionEncoder.load(temporary)) {
      assertThat(encoder.config().head()).isFalse();
      VisionEncoder.States states = encoder.states(golden.get("pixel_values"));
      golden.assertClose(states.lastHidden(), "last_hidden_state");
      INDArray expected = states.lastHidden().get(NDArrayIndex.all(), NDArrayIndex.point(0));
      Golden.assertClose(states.pooled(), expected, 0, "pooled");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"CLIP", "SIGLIP", "VIT", "DINOV2"})
  void aFreshModelHasTheTensorsOfItsTable(VisionFamily family) {
    for (boolean gated : family == VisionFamily.DINOV2 ? List.of(false, true) : List.of(false)) {
      boolean biasIsOption = family == VisionFamily.VIT || family == VisionFamily.DINOV2;
      // 11 pixels with patches of 4: the last columns and rows are not read
      VisionConfig config =
          new VisionConfig(
              family,
              11,
              4,
              1,
              12,
              16,
              2,
              3,
              "gelu",
              1e-5,
              !biasIsOption,
              gated,
              family.names().head() != null);
      try (VisionEncoder encoder = VisionEncoder.create(config, 7)) {
        assertThat(config.patches()).isEqualTo(4);
        assertThat(encoder.pooled(Nd4j.rand(3, 1, 11, 11)).shape()).containsExactly(3, 12);
        encoder.save(temporary, Dtype.F32);
        try (VisionEncoder again = VisionEncoder.load(temporary)) {
          assertThat(again.config()).isEqualTo(config);
          assertThat(again.parameters().all()).isEqualTo(encoder.parameters().all());
        }
      }
    }
  }

  @Test
  void widthsOfGatedPerceptronsSurviveTheRatio() {
    IntStream.rangeClosed(1, 200)
        .forEach(
            i -> {
              boolean gated = i % 8 == 0;
              VisionConfig config =
                  new VisionConfig(
                      VisionFamily.DINOV2, 8, 4, 3, 24, i, 1, 2, "gelu", 1e-6, true, gated, false);
              var json = io.lapidary.io.Jsons.object();
              config.write(json);
              assertThat(VisionConfig.of(VisionFamily.DINOV2, new HubConfig(json, "x")))
                  .isEqualTo(config);
            });
  }

  @Test
  void saysWhatDoesNotFit() {
    Golden golden = Golden.of("dinov2");
    golden.copyTo(
        temporary,
        config -> {},
        tensors -> {
          tensors.remove("layernorm.bias");
          tensors.put("surplus", Nd4j.ones(2));
          tensors.put("encoder.layer.0.norm1.weight", Nd4j.ones(5));
        },
        Dtype.F32,
        Long.MAX_VALUE);
    assertThatThrownBy(() -> VisionEncoder.load(temporary))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("missing 'layernorm.bias' [32]")
        .hasMessageContaining("wrong shape of 'encoder.layer.0.norm1.weight'")
        .hasMessageContaining("expected [32], found [5]")
        .hasMessageContaining("unexpected 'surplus' [2]");
    golden.copyTo(
        temporary, config -> config.put("model_type", "swin"), t -> {}, Dtype.F32, Long.MAX_VALUE);
    assertThatThrownBy(() -> VisionEncoder.load(temporary))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("expected model_type vit, dinov2")
        .hasMessageContaining("found swin");
    golden.copyTo(
        temporary,
        config -> config.putNull("num_attention_heads").put("hidden_size", 31),
        t -> {},
        Dtype.F32,
        Long.MAX_VALUE);
    assertThatThrownBy(() -> VisionEncoder.load(temporary))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("num_attention_heads=12 must divide hidden_size=31");
  }
}
