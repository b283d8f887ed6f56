package io.lapidary.app;

import io.lapidary.engine.Graph;
import io.lapidary.engine.Plan;
import io.lapidary.model.Clip;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Embeddings, similarities and inner states of both towers of CLIP. */
final class ClipGolden implements GoldenFamily {
  private static final String PIXELS = "pixel_values";
  private static final String IDS = "input_ids";

  @Override
  public Set<String> inputs() {
    return Set.of(PIXELS, IDS);
  }

  @Override
  public Map<String, INDArray> outputs(Path folder, Map<String, INDArray> golden) {
    Map<String, INDArray> outputs = new LinkedHashMap<>();
    INDArray pixels = golden.get(PIXELS);
    INDArray ids = golden.get(IDS);
    try (Clip clip = Clip.load(folder)) {
      if (pixels != null) {
        outputs.put("image_embeds", clip.imageEmbeddings(pixels));
        outputs.put(
            "vision_pooler_output",
            run(clip, pixels, DataType.FLOAT, (g, in) -> clip.vision(g, in).pooled()));
        List<INDArray> states = clip.visionHiddenStates(pixels);
        for (int i = 0; i < states.size(); i++) {
          outputs.put("vision_hidden_states." + i, states.get(i));
        }
      }
      if (ids != null) {
        outputs.put("text_embeds", clip.textEmbeddings(ids));
        outputs.put(
            "text_last_hidden_state",
            run(clip, ids, DataType.INT, (g, in) -> clip.text(g, in).lastHidden()));
      }
      if (pixels != null && ids != null) {
        outputs.put(
            "logits_per_image",
            clip.logits(outputs.get("image_embeds"), outputs.get("text_embeds")));
      }
    }
    return outputs;
  }

  private static INDArray run(
      Clip clip,
      INDArray input,
      DataType type,
      java.util.function.BiFunction<Graph, SDVariable, SDVariable> build) {
    Graph g = new Graph(clip.parameters(), false);
    SDVariable output = build.apply(g, g.placeholder("input", type, input.shape()));
    try (Plan plan = Plan.compile(g, output);
        INDArray cast = input.castTo(type).dup('c')) {
      plan.run(Map.of("input", cast));
      return plan.output(output).dup('c');
    }
  }
}
