package io.lapidary.app;

import io.lapidary.model.VisionEncoder;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.nd4j.linalg.api.ndarray.INDArray;

/** All states and the pooled output of a vision transformer. */
final class VisionGolden implements GoldenFamily {
  private static final String PIXELS = "pixel_values";

  @Override
  public Set<String> inputs() {
    return Set.of(PIXELS);
  }

  @Override
  public Map<String, INDArray> outputs(Path folder, Map<String, INDArray> golden) {
    Map<String, INDArray> outputs = new LinkedHashMap<>();
    try (VisionEncoder encoder = VisionEncoder.load(folder)) {
      VisionEncoder.States states = encoder.states(golden.get(PIXELS));
      for (int i = 0; i < states.hiddenStates().size(); i++) {
        outputs.put("hidden_states." + i, states.hiddenStates().get(i));
      }
      outputs.put("last_hidden_state", states.lastHidden());
      outputs.put("pooler_output", states.pooled());
    }
    return outputs;
  }
}
