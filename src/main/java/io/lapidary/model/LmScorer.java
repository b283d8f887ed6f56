package io.lapidary.model;

import io.lapidary.Check;
import io.lapidary.engine.Graph;
import io.lapidary.engine.Ops;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Log-probabilities that a language model gives to texts. One thread at a time. */
public final class LmScorer implements AutoCloseable {
  private static final int UNIT = 16; // lengths are rounded up, so that few plans serve all texts
  private static final int TOKENS_AT_ONCE = 1024;

  private final CausalLm model;
  private final PlanCache plans = new PlanCache(6);

  /** A scorer over a model, which stays the caller's. */
  public LmScorer(CausalLm model) {
    this.model = Check.present("model", model);
  }

  /**
   * Score of a completion.
   *
   * @param sum of the natural log-probabilities of its tokens
   * @param tokens their number
   */
  public record Score(double sum, int tokens) {
    /** Log-probability per token. */
    public double mean() {
      return sum / tokens;
    }
  }

  /**
   * Log-probability of completion i after prompt i; neither may be empty.
   *
   * @throws IllegalArgumentException also when a text is longer than the positions of the model
   */
  public List<Score> score(List<int[]> prompts, List<int[]> completions) {
    Check.that(
        prompts.size() == completions.size(),
        "%d prompts, but %d completions",
        prompts.size(),
        completions.size());
    List<Score> scores = new ArrayList<>();
    int from = 0;
    while (from < prompts.size()) {
      int columns = 0;
      int to = from;
      while (to < prompts.size()) {
        int here = columns(prompts.get(to).length + completions.get(to).length);
        boolean exact = exact() && to > from && here != columns;
        int wider = Math.max(columns, here);
        if (to > from && (exact || (to - from + 1) * wider > TOKENS_AT_ONCE)) {
          break;
        }
        columns = wider;
        to++;
      }
      scores.addAll(batch(prompts.subList(from, to), completions.subList(from, to), columns));
      from = to;
    }
    return scores;
  }

  /** Some rotary scalings depend on the length of the text, so it must not be rounded. */
  private boolean exact() {
    return model.config().rotary() != null && model.config().rotary().dependsOnLength();
  }

  private int columns(int tokens) {
    LmConfig config = model.config();
    Check.that(
        config.rotary() != null || tokens <= config.maxPositions(),
        "%d tokens, but the model has %d positions",
        tokens,
        config.maxPositions());
    int rounded = exact() ? tokens : (tokens + UNIT - 1) / UNIT * UNIT;
    return config.rotary() == null ? Math.min(rounded, config.maxPositions()) : rounded;
  }

  private List<Score> batch(List<int[]> prompts, List<int[]> completions, int columns) {
    int rows = prompts.size();
    int[][] ids = new int[rows][columns];
    int[][] labels = new int[rows][columns];
    for (int i = 0; i < rows; i++) {
      int[] prompt = prompts.get(i);
      int[] completion = completions.get(i);
      Check.that(prompt.length > 0, "prompt %d is empty", i);
      Check.that(completion.length > 0, "completion %d is empty", i);
      System.arraycopy(prompt, 0, ids[i], 0, prompt.length);
      System.arraycopy(completion, 0, ids[i], prompt.length, completion.length);
      Arrays.fill(labels[i], CausalLm.IGNORED);
      System.arraycopy(completion, 0, labels[i], prompt.length, completion.length);
    }
    PlanCache.Entry entry = plans.get(rows + " " + columns, () -> plan(rows, columns));
    try (INDArray idArray = Nd4j.createFromArray(ids);
        INDArray labelArray = Nd4j.createFromArray(labels)) {
      entry.plan().run(Map.of("ids", idArray, "labels", labelArray));
    }
    float[] losses = entry.plan().output(entry.outputs().get(0)).dup('c').data().asFloat();
    List<Score> scores = new ArrayList<>();
    for (int i = 0; i < rows; i++) {
      double sum = 0;
      for (int j = 0; j < columns - 1; j++) {
        sum -= losses[i * (columns - 1) + j];
      }
      scores.add(new Score(sum, completions.get(i).length));
    }
    return scores;
  }

  private PlanCache.Entry plan(int rows, int columns) {
    Graph g = new Graph(model.parameters(), false);
    SDVariable ids = g.placeholder("ids", DataType.INT, rows, columns);
    SDVariable labels = g.placeholder("labels", DataType.INT, rows, columns);
    // Padding stands at the end, which a causal model does not see from before
    return PlanCache.Entry.of(g, List.of(model.loss(g, ids, labels, null, Ops.Reduction.NONE)));
  }

  /**
   * Perplexity of a text: exp of the mean loss of all tokens but the first. Long texts are read in
   * windows that move by {@code stride}; each token counts once, with as much before it as its
   * window holds.
   *
   * @param window most tokens that the model reads at once, at least 2
   * @param stride how far the window moves, at most {@code window − 1}
   */
  public double perplexity(int[] ids, int window, int stride) {
    Check.that(ids.length > 1, "a perplexity needs at least two tokens");
    Check.that(
        window > 1 && stride > 0 && stride < window,
        "window and stride must satisfy 0 < stride < window, got %d and %d",
        stride,
        window);
    List<int[]> prompts = new ArrayList<>();
    List<int[]> completions = new ArrayList<>();
    int counted = 1;
    for (int begin = 0; counted < ids.length; begin += stride) {
      int end = Math.min(begin + window, ids.length);
      prompts.add(Arrays.copyOfRange(ids, begin, counted));
      completions.add(Arrays.copyOfRange(ids, counted, end));
      counted = end;
    }
    double sum = score(prompts, completions).stream().mapToDouble(Score::sum).sum();
    return Math.exp(-sum / (ids.length - 1));
  }

  /** Frees the plans; the model stays. */
  @Override
  public void close() {
    plans.close();
  }
}
