package io.lapidary.app;

import io.lapidary.model.TextEncoder;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Token states, their mean and the sentence embedding of a text encoder. */
final class TextGolden implements GoldenFamily {
  private static final String IDS = "input_ids";
  private static final String MASK = "attention_mask";

  @Override
  public Set<String> inputs() {
    return Set.of(IDS, MASK);
  }

  @Override
  public Map<String, INDArray> outputs(Path folder, Map<String, INDArray> golden) {
    INDArray ids = golden.get(IDS);
    Map<String, INDArray> outputs = new LinkedHashMap<>();
    if (ids == null) {
      return outputs;
    }
    INDArray mask = golden.getOrDefault(MASK, Nd4j.onesLike(ids));
    try (TextEncoder encoder = TextEncoder.load(folder)) {
      List<INDArray> states = encoder.hiddenStates(ids, mask);
      for (int i = 0; i < states.size(); i++) {
        outputs.put("hidden_states." + i, states.get(i));
      }
      outputs.put("last_hidden_state", states.get(states.size() - 1));
      outputs.put("mean_pooled", encoder.meanPooled(ids, mask));
      outputs.put("sentence_embedding", encoder.sentenceEmbeddings(ids, mask));
    }
    return outputs;
  }
}
