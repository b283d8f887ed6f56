package io.lapidary.app;

import io.lapidary.model.ResNet;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Last feature map and pooled output of a ResNet. */
final class ResNetGolden implements GoldenFamily {
  private static final String PIXELS = "pixel_values";

  @Override
  public Set<String> inputs() {
    return Set.of(PIXELS);
  }

  @Override
  public Map<String, INDArray> outputs(Path folder, Map<String, INDArray> golden) {
    INDArray pixels = golden.get(PIXELS);
    try (ResNet net = ResNet.load(folder)) {
      INDArray pooled = net.pooled(pixels);
      return Map.of(
          "last_hidden_state",
          net.lastHidden(pixels),
          "pooler_output",
          pooled.reshape(pooled.size(0), pooled.size(1), 1, 1));
    }
  }
}
