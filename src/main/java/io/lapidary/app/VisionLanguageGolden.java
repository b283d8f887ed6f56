package io.lapidary.app;

import io.lapidary.InputException;
import io.lapidary.model.GenerateOptions;
import io.lapidary.model.LoraAdapter;
import io.lapidary.model.LoraBase;
import io.lapidary.model.SplicedText;
import io.lapidary.model.VisionLanguageModel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** Logits, states and greedy text of a vision-language model, or its logits with an adapter. */
final class VisionLanguageGolden implements GoldenFamily {
  private static final String IDS = "input_ids";
  private static final String PIXELS = "pixel_values";
  private static final String GREEDY = "greedy_ids";

  private final Path base;

  /** For a model; for an adapter over the model in {@code base} when that is not null. */
  VisionLanguageGolden(Path base) {
    this.base = base;
  }

  @Override
  public Set<String> inputs() {
    return Set.of(IDS, PIXELS);
  }

  @Override
  public Map<String, INDArray> outputs(Path folder, Map<String, INDArray> golden) {
    INDArray ids = golden.get(IDS);
    INDArray pixels = golden.get(PIXELS);
    if (ids == null) {
      throw new InputException(folder + ": the golden file lacks the input " + IDS);
    }
    List<int[]> texts = new ArrayList<>();
    for (int i = 0; i < ids.size(0); i++) {
      texts.add(ids.get(NDArrayIndex.point(i), NDArrayIndex.all()).dup('c').data().asInt());
    }
    Map<String, INDArray> outputs = new LinkedHashMap<>();
    try (VisionLanguageModel model = VisionLanguageModel.load(base == null ? folder : base)) {
      if (base != null) {
        LoraAdapter adapter = LoraAdapter.load(folder, LoraBase.of(model), "adapter");
        SplicedText spliced = model.splice(texts, pixels, SplicedText.Side.RIGHT);
        try (VisionLanguageModel over = model.with(adapter.applied())) {
          return Map.of("logits", over.logits(spliced, pixels));
        }
      }
      SplicedText spliced = model.splice(texts, pixels, SplicedText.Side.RIGHT);
      outputs.put("logits", model.logits(spliced, pixels));
      List<INDArray> states = model.hiddenStates(spliced, pixels);
      for (int i = 0; i < states.size(); i++) {
        outputs.put("hidden_states." + i, states.get(i));
      }
      outputs.put("lm_loss", Nd4j.createFromArray((float) model.loss(spliced, pixels)));
      if (golden.containsKey(GREEDY)) {
        outputs.put(GREEDY, greedy(model, texts, pixels, golden.get(GREEDY)));
      }
    }
    return outputs;
  }

  /** The first texts and their share of the images, continued to the recorded length. */
  private static INDArray greedy(
      VisionLanguageModel model, List<int[]> texts, INDArray pixels, INDArray expected) {
    int rows = Math.toIntExact(expected.size(0));
    List<int[]> prompts = texts.subList(0, Math.min(rows, texts.size()));
    INDArray images = null;
    if (pixels != null) {
      long share = prompts.stream().mapToLong(ids -> model.config().images(ids)).sum();
      images = share == 0 ? null : pixels.get(NDArrayIndex.interval(0, share)).dup('c');
    }
    int count = Math.toIntExact(expected.size(1)) - prompts.get(0).length;
    int[][] all = new int[prompts.size()][];
    var continued =
        model.generate(prompts, images, GenerateOptions.greedy(Math.max(1, count)), null);
    for (int i = 0; i < all.length; i++) {
      int[] added = continued.get(i).ids();
      all[i] = Arrays.copyOf(prompts.get(i), prompts.get(i).length + Math.max(count, added.length));
      System.arraycopy(added, 0, all[i], prompts.get(i).length, added.length);
    }
    return Nd4j.createFromArray(all);
  }
}
