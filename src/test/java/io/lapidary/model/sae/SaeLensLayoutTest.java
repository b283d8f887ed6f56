package io.lapidary.model.sae;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.lapidary.InputException;
import io.lapidary.io.Jsons;
import io.lapidary.io.Safetensors;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class SaeLensLayoutTest {
  @TempDir private Path folder;

  static Stream<SaeVariant> variants() {
    ThresholdTracking tracking = new ThresholdTracking(0.9, 0);
    DeadLatents dead = DeadLatents.usual();
    return Stream.of(
        new StandardSae(0.1, 0),
        new GatedSae(0.1, 0),
        new JumpReluSae(0.1, 2, 0.01, 0),
        new TopKSae(3, dead, tracking),
        new BatchTopKSae(3, dead, tracking),
        new MatryoshkaSae(3, List.of(4, 8), dead, tracking, false));
  }

  @ParameterizedTest
  @MethodSource("variants")
  void whatIsWrittenReadsWithTheSameCodes(SaeVariant variant) {
    SparseAutoencoder sae =
        SparseAutoencoder.fresh(new SparseAutoencoderConfig(6, 12, variant), DataType.FLOAT, 4);
    INDArray x = Nd4j.linspace(DataType.FLOAT, -2, 0.11, 30).reshape(5, 6);
    SaeFolder.shapes(sae.config())
        .forEach(
            (name, shape) -> {
              if (!name.startsWith("W_")) {
                INDArray values =
                    Nd4j.linspace(DataType.FLOAT, -0.1, 0.03, shape[0]).reshape(shape);
                sae.parameters().put(name, name.equals("threshold") ? values.addi(0.2) : values);
              }
            });
    INDArray codes = sae.encode(x);
    assertThat(codes.sumNumber().doubleValue()).isPositive();
    for (SaeFolder.Layout layout : SaeFolder.Layout.values()) {
      Path written = folder.resolve(layout.name());
      SaeFolder.save(written, sae, layout);
      SparseAutoencoder read = SaeFolder.load(written);
      assertThat(read.encode(x).sub(codes).amaxNumber().doubleValue()).isLessThan(1e-5);
      assertThat(read.decode(codes)).isEqualTo(sae.decode(codes));
      Path again = folder.resolve(layout + " again"); // whatever was read can be written
      SaeFolder.save(again, read);
      assertThat(SaeFolder.load(again).encode(x).sub(codes).amaxNumber().doubleValue())
          .isLessThan(1e-5);
    }
  }

  private void write(Map<String, Object> config, Map<String, INDArray> tensors) {
    Jsons.write(folder.resolve("cfg.json"), config);
    Safetensors.write(folder.resolve("sae_weights.safetensors"), tensors, Map.of());
  }

  private static Map<String, Object> config(String architecture) {
    Map<String, Object> config = new LinkedHashMap<>();
    config.put("architecture", architecture);
    config.put("d_in", 2);
    config.put("d_sae", 3);
    config.put("apply_b_dec_to_input", false);
    return config;
  }

  private static Map<String, INDArray> tensors() {
    Map<String, INDArray> tensors = new LinkedHashMap<>();
    tensors.put("W_enc", Nd4j.createFromArray(new float[][] {{1, 0, 2}, {0, 1, -1}}));
    tensors.put("b_enc", Nd4j.createFromArray(0.5f, 0f, -1f));
    tensors.put("W_dec", Nd4j.createFromArray(new float[][] {{1, 0}, {0, 2}, {0.6f, 0.8f}}));
    tensors.put("b_dec", Nd4j.createFromArray(10f, -10f));
    return tensors;
  }

  /** By hand: z = x·W_enc + b_enc of x = (3, 1) is (3.5, 1, 4). */
  @Test
  void inputsThatAreNotCentred() {
    INDArray x = Nd4j.createFromArray(new float[][] {{3, 1}});
    write(config("standard"), tensors());
    assertThat(SaeFolder.load(folder).encode(x).toFloatVector())
        .containsExactly(new float[] {3.5f, 1, 4}, within(1e-5f));
    Map<String, INDArray> jump = tensors();
    jump.put("threshold", Nd4j.createFromArray(1f, 2f, 3.9f));
    write(config("jumprelu"), jump);
    assertThat(SaeFolder.load(folder).encode(x).toFloatVector())
        .containsExactly(new float[] {3.5f, 0, 4}, within(1e-5f));
    Map<String, Object> topK = config("topk");
    topK.put("k", 1);
    topK.put("rescale_acts_by_decoder_norm", true); // the second row has norm 2: 3.5, 2, 4
    write(topK, tensors());
    assertThat(SaeFolder.load(folder).encode(x).toFloatVector())
        .containsExactly(new float[] {0, 0, 4}, within(1e-5f));
    Map<String, Object> old = config("standard");
    old.put("activation_fn_str", "topk");
    old.put("activation_fn_kwargs", Map.of("k", 2));
    write(old, tensors());
    assertThat(SaeFolder.load(folder).encode(x).toFloatVector())
        .containsExactly(new float[] {3.5f, 0, 4}, within(1e-5f));
  }

  @Test
  void centredJumpReLu() {
    INDArray x = Nd4j.createFromArray(new float[][] {{13, -9}});
    Map<String, Object> config = config("jumprelu");
    config.put("apply_b_dec_to_input", true);
    Map<String, INDArray> tensors = tensors();
    tensors.put("threshold", Nd4j.createFromArray(1f, 0.5f, 4.1f));
    write(config, tensors);
    assertThat(SaeFolder.load(folder).encode(x).toFloatVector())
        .containsExactly(new float[] {3.5f, 1, 0}, within(1e-4f));
  }

  @Test
  void whatDoesNotFitIsNamed() {
    Map<String, Object> scaled = config("standard");
    scaled.put("normalize_activations", "layer_norm");
    write(scaled, tensors());
    refused("normalize_activations", "layer_norm");
    write(config("transcoder"), tensors());
    refused("architecture", "transcoder");
    Map<String, Object> narrow = config("standard");
    narrow.put("d_sae", 4);
    write(narrow, tensors());
    refused("W_enc");
    write(config("jumprelu"), tensors());
    refused("threshold");
    Map<String, Object> many = config("topk");
    many.put("k", 7);
    write(many, tensors());
    refused("cfg.json", "k must be at most");
    write(config("topk"), tensors());
    refused("cfg.json", "k must be");
  }

  private void refused(String... words) {
    assertThatThrownBy(() -> SaeFolder.load(folder))
        .isInstanceOf(InputException.class)
        .satisfies(e -> assertThat(e.getMessage()).contains(words));
  }

  private void writeSparsify(Map<String, Object> config, Map<String, INDArray> tensors) {
    Jsons.write(folder.resolve("cfg.json"), config);
    Safetensors.write(folder.resolve("sae.safetensors"), tensors, Map.of());
  }

  @Test
  void foldersOfSparsifyAreRead() {
    Map<String, INDArray> tensors = new LinkedHashMap<>();
    tensors.put("encoder.weight", Nd4j.createFromArray(new float[][] {{1, 0}, {0, 1}, {2, -1}}));
    tensors.put("encoder.bias", Nd4j.createFromArray(0.5f, 0f, -1f));
    tensors.put("W_dec", Nd4j.createFromArray(new float[][] {{1, 0}, {0, 2}, {0.6f, 0.8f}}));
    tensors.put("b_dec", Nd4j.createFromArray(10f, -10f));
    writeSparsify(new LinkedHashMap<>(Map.of("activation", "topk", "k", 1, "d_in", 2)), tensors);
    SparseAutoencoder sae = SaeFolder.load(folder);
    // x - b_dec = (3, 1): 3.5, 1, 4 before the choice of the largest
    INDArray codes = sae.encode(Nd4j.createFromArray(new float[][] {{13, -9}}));
    assertThat(codes.toFloatVector()).containsExactly(new float[] {0, 0, 4}, within(1e-5f));
    assertThat(sae.decode(codes).toFloatVector())
        .containsExactly(new float[] {12.4f, -6.8f}, within(1e-5f));
    writeSparsify(new LinkedHashMap<>(Map.of("activation", "groupmax", "k", 1)), tensors);
    assertThatThrownBy(() -> SaeFolder.load(folder))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("activation topk");
    writeSparsify(new LinkedHashMap<>(Map.of("activation", "topk", "k", 9)), tensors);
    assertThatThrownBy(() -> SaeFolder.load(folder))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("k must be at most the 3 latents");
  }

  @Test
  void wrongFoldersOfDictionaryLearningSayWhatIsWrong() {
    Map<String, INDArray> tensors = new LinkedHashMap<>(tensors());
    Path file = folder.resolve("ae.safetensors");
    Safetensors.write(file, tensors, Map.of());
    Jsons.write(folder.resolve("config.json"), Map.of("trainer", Map.of("dict_class", "GroupSAE")));
    assertThatThrownBy(() -> SaeFolder.load(folder))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("dict_class must be one of [AutoEncoder, ")
        .hasMessageContaining("GroupSAE");
    Jsons.write(
        folder.resolve("config.json"),
        Map.of("trainer", Map.of("dict_class", "MatroyshkaBatchTopKSAE")));
    assertThatThrownBy(() -> SaeFolder.load(folder))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("tensor 'k' is missing");
    tensors.put("k", Nd4j.scalar(2L));
    tensors.put("group_sizes", Nd4j.createFromArray(1L, 1L));
    tensors.put("threshold", Nd4j.scalar(0.5f));
    Safetensors.write(file, tensors, Map.of());
    assertThatThrownBy(() -> SaeFolder.load(folder)).isInstanceOf(InputException.class);
    tensors.put("group_sizes", Nd4j.createFromArray(1L, 2L));
    Safetensors.write(file, tensors, Map.of());
    assertThat(SaeFolder.load(folder).config().latentWidth()).isEqualTo(3);
    tensors.put("W_more", Nd4j.scalar(0.5f));
    Safetensors.write(file, tensors, Map.of());
    assertThatThrownBy(() -> SaeFolder.load(folder)).hasMessageContaining("'W_more' is unknown");
  }
}
