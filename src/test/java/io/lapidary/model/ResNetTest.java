package io.lapidary.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lapidary.InputException;
import io.lapidary.io.Dtype;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class ResNetTest {
  @TempDir Path temporary;

  @ParameterizedTest
  @ValueSource(strings = {"resnet", "resnet_bottleneck", "resnet_silu"})
  void matchesTheReferenceImplementation(String folder) {
    Golden golden = Golden.of(folder);
    try (ResNet net = ResNet.load(golden.folder())) {
      INDArray pixels = golden.get("pixel_values");
      golden.assertClose(net.lastHidden(pixels), "last_hidden_state");
      INDArray pooled = net.pooled(pixels);
      golden.assertClose(pooled.reshape(2, -1, 1, 1), "pooler_output");
      Map<String, INDArray> graph =
          net.sameDiff(2, (int) pixels.size(2), (int) pixels.size(3))
              .output(Map.of("pixel_values", pixels), "last_hidden_state");
      golden.assertClose(graph.get("last_hidden_state"), "last_hidden_state");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"resnet", "resnet_bottleneck", "resnet_silu"})
  void saveThenLoadIsEqual(String folder) {
    Golden golden = Golden.of(folder);
    try (ResNet net = ResNet.load(golden.folder())) {
      net.save(temporary, Dtype.F32);
      Golden.assertSameTensors(temporary, golden.folder());
      try (ResNet again = ResNet.load(temporary)) {
        assertThat(again.config()).isEqualTo(net.config());
      }
    }
  }

  @Test
  void freshModelsOfBothKindsSaveAndLoad() {
    for (boolean bottleneck : List.of(false, true)) {
      ResNetConfig config =
          new ResNetConfig(
              1, 4, List.of(8, 12), List.of(2, 1), bottleneck, "relu", true, bottleneck);
      try (ResNet net = ResNet.create(config, 3)) {
        assertThat(net.lastHidden(Nd4j.rand(2, 1, 33, 20)).shape()).containsExactly(2, 12, 3, 2);
        net.save(temporary, Dtype.F32);
        try (ResNet again = ResNet.load(temporary)) {
          assertThat(again.config()).isEqualTo(config);
          assertThat(again.parameters().all()).isEqualTo(net.parameters().all());
        }
      }
    }
  }

  @Test
  void saysWhatDoesNotFit() {
    Golden golden = Golden.of("resnet");
    golden.copyTo(
        temporary, config -> config.put("layer_type", "wide"), t -> {}, Dtype.F32, Long.MAX_VALUE);
    assertThatThrownBy(() -> ResNet.load(temporary))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("layer_type must be bottleneck or basic, got wide");
    golden.copyTo(
        temporary,
        config -> config.putArray("depths").add(1).add("two"),
        t -> {},
        Dtype.F32,
        Long.MAX_VALUE);
    assertThatThrownBy(() -> ResNet.load(temporary))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("depths must be a list of whole numbers");
    golden.copyTo(
        temporary,
        config -> {},
        t -> t.remove("embedder.embedder.normalization.running_var"),
        Dtype.F32,
        Long.MAX_VALUE);
    assertThatThrownBy(() -> ResNet.load(temporary))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("missing 'embedder.embedder.normalization.running_var' [8]");
  }
}
