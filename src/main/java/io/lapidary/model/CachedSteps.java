package io.lapidary.model;

import io.lapidary.engine.Graph;
import io.lapidary.engine.Plan;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * Runs a decoder on prompts, then on one token at a time over cached keys (after rotation) and
 * values. Plans have fixed shapes, so prompts are padded at the left to a multiple of 16 tokens and
 * the cache has a multiple of 64 places, those not yet filled hidden by a mask. The caches are the
 * input arrays of the step plan.
 */
final class CachedSteps implements AutoCloseable {
  private static final int PROMPT_UNIT = 16;
  private static final int CACHE_UNIT = 64;
  private static final String IDS = "input_ids";
  private static final String EMBEDDINGS = "inputs_embeds";
  private static final String MASK = "attention_mask";
  private static final String POSITIONS = "position_ids";
  private static final String VISIBLE = "visible_in_window_";

  private final CausalLm model;
  private final LmConfig config;
  private final PlanCache plans = new PlanCache(4);
  private final List<Integer> windows; // of the blocks, each once

  private int filled; // columns of the cache in use
  private int[] padding; // columns before the first real token, by row
  private long length; // of the longest text, where frequencies depend on it; else 0
  private List<int[]> texts; // the prompts, or
  private List<INDArray> embedded; // the prompts as embeddings
  private int[][] added; // to each prompt, where frequencies depend on the length
  private int capacity;
  private PlanCache.Entry current;

  CachedSteps(CausalLm model) {
    this.model = model;
    this.config = model.config();
    this.windows = config.layers().stream().map(LmLayer::window).distinct().toList();
  }

  /** Logits [B, vocabulary] after the prompts; valid until the next call. */
  INDArray start(List<int[]> prompts) {
    texts = prompts;
    embedded = null;
    added = new int[prompts.size()][0];
    return fill();
  }

  /** As {@link #start(List)} after prompts given as embeddings [T, hidden] each. */
  INDArray startEmbedded(List<INDArray> prompts) {
    texts = null;
    embedded = prompts;
    added = new int[prompts.size()][0];
    return fill();
  }

  /** Runs the prompts and the tokens added to them since. */
  private INDArray fill() {
    int[] lengths = new int[added.length];
    for (int i = 0; i < lengths.length; i++) {
      int prompt = texts != null ? texts.get(i).length : (int) embedded.get(i).size(0);
      lengths[i] = prompt + added[i].length;
    }
    if (texts != null) {
      return start(
          lengths,
          false,
          (row, ids) -> {
            int[] prompt = texts.get(row);
            for (int j = 0; j < lengths[row]; j++) {
              int id = j < prompt.length ? prompt[j] : added[row][j - prompt.length];
              ids.putScalar(row, padding[row] + j, id);
            }
          });
    }
    return start(
        lengths,
        true,
        (row, rows) -> {
          INDArray prompt = embedded.get(row);
          int split = padding[row] + (int) prompt.size(0);
          between(rows, row, padding[row], split).assign(prompt);
          for (int j = 0; j < added[row].length; j++) {
            between(rows, row, split + j, split + j + 1).assign(model.embedding(added[row][j]));
          }
        });
  }

  private static INDArray between(INDArray rows, int row, int from, int to) {
    return rows.get(NDArrayIndex.point(row), NDArrayIndex.interval(from, to), NDArrayIndex.all());
  }

  private INDArray start(int[] lengths, boolean isEmbedded, PromptFill fill) {
    int batch = lengths.length;
    int longest = Arrays.stream(lengths).max().orElse(0);
    int columns = roundUp(longest, PROMPT_UNIT);
    length = dependsOnLength() ? longest : 0;
    String input = isEmbedded ? EMBEDDINGS : IDS;
    PlanCache.Entry prefill =
        plans.get(
            "prompt " + input + " " + batch + " " + columns + " " + frequencies(),
            () -> promptPlan(batch, columns, isEmbedded));
    INDArray values = prefill.plan().input(input);
    INDArray mask = prefill.plan().input(MASK);
    values.assign(0);
    padding = new int[batch];
    for (int i = 0; i < batch; i++) {
      padding[i] = columns - lengths[i];
      fill.row(i, values);
      for (int j = 0; j < columns; j++) {
        mask.putScalar(i, j, j >= padding[i] ? 1 : 0);
      }
    }
    prefill.plan().run(Map.of(input, values, MASK, mask));
    filled = columns;
    openCache(batch, roundUp(columns + 1, CACHE_UNIT));
    for (int i = 0; i < 2 * config.layers().size(); i++) {
      INDArray part = prefill.plan().output(prefill.outputs().get(i + 1));
      columns(current.plan().input(cacheName(i)), 0, columns).assign(part);
    }
    return prefill.plan().output(prefill.outputs().get(0));
  }

  /** Puts one prompt at the end of its row of the input. */
  private interface PromptFill {
    void row(int index, INDArray input);
  }

  /** Logits [B, vocabulary] after one more token per row; valid until the next call. */
  INDArray step(int[] ids) {
    if (dependsOnLength()) {
      for (int i = 0; i < ids.length; i++) {
        added[i] = Arrays.copyOf(added[i], added[i].length + 1);
        added[i][added[i].length - 1] = ids[i];
      }
      String before = frequencies();
      length++;
      if (!frequencies().equals(before)) { // the cached keys were turned by others
        return fill();
      }
    }
    if (filled == capacity) {
      growCache(ids.length);
    }
    Plan plan = current.plan();
    Map<String, INDArray> feeds = new HashMap<>();
    INDArray tokens = feed(feeds, IDS);
    INDArray positions = feed(feeds, POSITIONS);
    for (int i = 0; i < ids.length; i++) {
      tokens.putScalar(i, 0, ids[i]);
      positions.putScalar(i, 0, filled - padding[i]);
    }
    for (int window : windows) {
      fillVisible(feed(feeds, VISIBLE + window), window == 0 ? 0 : filled - window + 1);
    }
    for (int i = 0; i < 2 * config.layers().size(); i++) {
      feed(feeds, cacheName(i));
    }
    plan.run(feeds);
    for (int i = 0; i < 2 * config.layers().size(); i++) {
      INDArray part = plan.output(current.outputs().get(i + 1));
      columns(plan.input(cacheName(i)), filled, 1).assign(part);
    }
    filled++;
    return plan.output(current.outputs().get(0));
  }

  private INDArray feed(Map<String, INDArray> feeds, String name) {
    INDArray own = current.plan().input(name);
    feeds.put(name, own);
    return own;
  }

  /** 1 for cached columns from {@code first} on and for the token of the step itself. */
  private void fillVisible(INDArray visible, int first) {
    float[][] values = new float[padding.length][capacity + 1];
    for (int i = 0; i < padding.length; i++) {
      Arrays.fill(values[i], Math.min(filled, Math.max(first, padding[i])), filled, 1);
      values[i][capacity] = 1;
    }
    try (INDArray array = org.nd4j.linalg.factory.Nd4j.createFromArray(values)) {
      visible.assign(array);
    }
  }

  private static INDArray columns(INDArray cache, int from, int count) {
    return cache.get(
        NDArrayIndex.all(),
        NDArrayIndex.all(),
        NDArrayIndex.interval(from, from + count),
        NDArrayIndex.all());
  }

  private void openCache(int batch, int places) {
    capacity = places;
    current =
        plans.get(
            "step " + batch + " " + places + " " + frequencies(), () -> stepPlan(batch, places));
    for (int i = 0; i < 2 * config.layers().size(); i++) {
      current.plan().input(cacheName(i)).assign(0); // what the mask hides must still be a number
    }
  }

  private void growCache(int batch) {
    PlanCache.Entry old = current;
    openCache(batch, capacity + CACHE_UNIT);
    for (int i = 0; i < 2 * config.layers().size(); i++) {
      columns(current.plan().input(cacheName(i)), 0, filled).assign(old.plan().input(cacheName(i)));
    }
  }

  private static String cacheName(int index) {
    return (index % 2 == 0 ? "keys." : "values.") + index / 2;
  }

  private static int roundUp(int value, int unit) {
    return (value + unit - 1) / unit * unit;
  }

  // ---- graphs -------------------------------------------------------------------------------

  private PlanCache.Entry promptPlan(int batch, int columns, boolean embedded) {
    Graph g = new Graph(model.parameters(), false);
    SDVariable embeddings =
        embedded
            ? g.placeholder(EMBEDDINGS, batch, columns, config.hiddenSize())
            : model.embed(g, g.placeholder(IDS, DataType.INT, batch, columns));
    SDVariable mask = g.placeholder(MASK, batch, columns);
    SDVariable positions = Decoder.positions(g, mask);
    return entry(
        g,
        embeddings,
        new Decoder.Context(positions, columns, textLength(columns), mask, null, null));
  }

  private PlanCache.Entry stepPlan(int batch, int places) {
    Graph g = new Graph(model.parameters(), false);
    SDVariable ids = g.placeholder(IDS, DataType.INT, batch, 1);
    SDVariable positions = g.placeholder(POSITIONS, DataType.INT, batch, 1);
    Map<Integer, SDVariable> visible = new HashMap<>();
    for (int window : windows) {
      visible.put(window, g.placeholder(VISIBLE + window, batch, places + 1));
    }
    List<Decoder.KeysValues> past = new ArrayList<>();
    for (int i = 0; i < config.layers().size(); i++) {
      int heads = config.layers().get(i).keyValueHeads();
      int d = config.headSize();
      past.add(
          new Decoder.KeysValues(
              g.placeholder(cacheName(2 * i), batch, heads, places, d),
              g.placeholder(cacheName(2 * i + 1), batch, heads, places, d)));
    }
    return entry(
        g,
        model.embed(g, ids),
        new Decoder.Context(positions, places + 1, textLength(places), null, visible, past));
  }

  private boolean dependsOnLength() {
    return config.rotary() != null && config.rotary().dependsOnLength();
  }

  /** Those of the rotary positions at this length, where they depend on it. */
  private String frequencies() {
    return dependsOnLength() ? Arrays.toString(config.rotary().frequencies(length)) : "";
  }

  private long textLength(long otherwise) {
    return length == 0 ? otherwise : length;
  }

  /** Logits after the last column, then keys and values of all blocks. */
  private PlanCache.Entry entry(Graph g, SDVariable embeddings, Decoder.Context context) {
    List<Decoder.KeysValues> caches = new ArrayList<>();
    List<SDVariable> states = model.decoder().blocks(g, embeddings, context, caches);
    SDVariable last = states.get(states.size() - 1);
    long batch = g.size(embeddings, 0);
    SDVariable end = g.ops().slice(last, 1, g.size(embeddings, 1) - 1, 1);
    List<SDVariable> outputs = new ArrayList<>();
    outputs.add(model.logits(g, g.ops().reshape(end, batch, config.hiddenSize())));
    caches.forEach(c -> outputs.addAll(List.of(c.keys(), c.values())));
    return PlanCache.Entry.of(g, outputs);
  }

  @Override
  public void close() {
    plans.close();
  }
}
