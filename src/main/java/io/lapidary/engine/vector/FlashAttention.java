package io.lapidary.engine.vector;

import static io.lapidary.engine.vector.Lanes.SPECIES;
import static io.lapidary.engine.vector.Lanes.WIDTH;

import java.nio.ByteBuffer;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Attention without a table of all scores (Dao et al. 2022): blocks of queries meet blocks of keys,
 * the softmax is corrected as later keys raise the maximum, and pairs behind the mask are left out
 * by tiles. Beside the result it gives the largest score of every query and 1 / Σ exp(score −
 * largest), from which {@link FlashAttentionGradient} has the weights again.
 *
 * @param padding 1 for real keys, 0 for padding [B, Tk]; null when all are real
 */
record FlashAttention(
    AttentionSizes sizes,
    Heads q,
    Heads k,
    Heads v,
    ByteBuffer padding,
    Heads y,
    ByteBuffer top,
    ByteBuffer factor) {
  /** Keys in a block: many, as the largest score of a block costs a sum over lanes. */
  static final int KEYS = 256;

  private static final float LOWEST = -Float.MAX_VALUE;
  private static final float[] HIDE_LAST = edge(false);
  private static final float[] HIDE_FIRST = edge(true);

  void run() {
    int pairs = sizes.batch() * sizes.groups();
    int threads = Workers.count();
    int parts = pairs % threads == 0 ? 1 : Math.min(sizes.queryBlocks(), 2 * threads);
    long work =
        (long) sizes.repeat() * sizes.queries() * sizes.keys() * sizes.width() / 8 / parts + 1;
    Workers.run(
        pairs * parts,
        work,
        (from, to) -> {
          for (int i = from; i < to; i++) {
            part(i / parts / sizes.groups(), i / parts % sizes.groups(), i % parts, parts);
          }
        });
  }

  /** Every {@code parts}-th block of queries of the heads that share one key-value head. */
  private void part(int b, int g, int part, int parts) {
    Scratch scratch = Scratch.get();
    float[] bias = bias(scratch, padding, sizes, b);
    if (sizes.queries() <= FewQueries.MOST) {
      FewQueries.run(this, b, g, bias, scratch);
      return;
    }
    int block = sizes.keyBlock();
    int lead = sizes.lead();
    int blocks = sizes.keyBlocks();
    float[] keys = scratch.take(0, blocks * sizes.width() * sizes.scoreLead());
    float[] values = scratch.take(1, sizes.keys() * lead);
    for (int j = 0; j < blocks; j++) {
      int to = Math.min(sizes.keys(), (j + 1) * block);
      int at = j * sizes.width() * sizes.scoreLead();
      k.packTransposed(b, g, j * block, to, sizes.scoreLead(), keys, at);
    }
    v.pack(b, g, 0, sizes.keys(), sizes.keys(), 1, values, 0);
    for (int h = g * sizes.repeat(); h < (g + 1) * sizes.repeat(); h++) {
      for (int i = part; i < sizes.queryBlocks(); i += parts) {
        queries(b, h, i * sizes.queryBlock(), keys, values, bias, scratch);
      }
    }
  }

  private void queries(
      int b, int h, int from, float[] keys, float[] values, float[] bias, Scratch scratch) {
    int count = Math.min(sizes.queryBlock(), sizes.queries() - from);
    int rows = Tiles.rows(count);
    int lead = sizes.lead();
    float[] queries = scratch.take(2, rows * lead);
    float[] mixed = scratch.take(3, rows * lead);
    float[] best = scratch.take(4, rows);
    float[] sums = scratch.take(5, rows);
    q.pack(b, h, from, from + count, rows, sizes.scale(), queries, 0);
    Arrays.fill(mixed, 0, rows * lead, 0);
    Arrays.fill(best, 0, rows, LOWEST);
    Arrays.fill(sums, 0, rows, 0);
    for (int j = 0; j < sizes.keyBlocks(); j++) {
      for (int r = 0; r < rows; r += Tiles.ROWS) {
        tile(from, count, r, j, queries, keys, values, bias, mixed, best, sums, scratch);
      }
    }
    int out = (b * sizes.heads() + h) * sizes.queries() + from;
    for (int r = 0; r < count; r++) {
      float scale = 1 / sums[r];
      y.write(b, h, from + r, scale, false, mixed, r * lead);
      Lanes.put(top, out + r, best[r]);
      Lanes.put(factor, out + r, scale);
    }
  }

  /** Rows [r, r + ROWS) of a block of queries against one block of keys. */
  private void tile(
      int from,
      int count,
      int r,
      int j,
      float[] queries,
      float[] keys,
      float[] values,
      float[] bias,
      float[] mixed,
      float[] best,
      float[] sums,
      Scratch scratch) {
    int start = j * sizes.keyBlock();
    int size = Math.min(sizes.keyBlock(), sizes.keys() - start);
    int last = Math.min(r + Tiles.ROWS, count) - 1;
    int first = Math.max(0, sizes.mask().first(from + r) - start) / WIDTH * WIDTH;
    int end = Math.min(size, sizes.mask().last(from + last) + 1 - start);
    if (first >= end) {
      return;
    }
    int lead = sizes.lead();
    int scoreLead = sizes.scoreLead();
    float[] scores = scratch.take(6, Tiles.ROWS * scoreLead);
    Tiles.product(
        queries,
        r * lead,
        lead,
        1,
        keys,
        j * sizes.width() * scoreLead + first,
        scoreLead,
        scores,
        first,
        scoreLead,
        Tiles.columns(end - first),
        sizes.width(),
        false);
    for (int i = 0; i <= last - r; i++) {
      int low = sizes.mask().first(from + r + i) - start;
      int high = Math.min(size, sizes.mask().last(from + r + i) + 1 - start);
      float old = best[r + i];
      int row = i * scoreLead;
      hide(scores, row, first, end, low, high, bias, start);
      float now = largest(scores, row, first, end, old);
      float sum = exponentials(scores, row, first, end, now);
      float kept = old == now || old == LOWEST ? 1 : (float) Math.exp(old - now);
      if (kept != 1) {
        scale(mixed, (r + i) * lead, lead, kept);
      }
      best[r + i] = now;
      sums[r + i] = sums[r + i] * kept + sum;
    }
    Tiles.product(
        scores,
        first,
        scoreLead,
        1,
        values,
        (start + first) * lead,
        lead,
        mixed,
        r * lead,
        lead,
        lead,
        end - first,
        true);
  }

  /** Adds the bias to the scores [from, to) of a row, and −∞ to those outside [low, high). */
  static void hide(
      float[] scores, int row, int from, int to, int low, int high, float[] bias, int start) {
    for (int j = from; bias != null && j < to; j += WIDTH) {
      FloatVector.fromArray(SPECIES, scores, row + j)
          .add(FloatVector.fromArray(SPECIES, bias, start + j))
          .intoArray(scores, row + j);
    }
    for (int j = from; j < Math.min(low, to); j += WIDTH) {
      hide(scores, row + j, HIDE_FIRST, Math.min(WIDTH, low - j));
    }
    for (int j = Math.max(from, from + (high - from) / WIDTH * WIDTH); j < to; j += WIDTH) {
      hide(scores, row + j, HIDE_LAST, WIDTH - Math.max(0, high - j));
    }
  }

  private static void hide(float[] scores, int at, float[] edge, int hidden) {
    int from = edge == HIDE_FIRST ? WIDTH - hidden : hidden;
    FloatVector.fromArray(SPECIES, scores, at)
        .add(FloatVector.fromArray(SPECIES, edge, from))
        .intoArray(scores, at);
  }

  private static float largest(float[] scores, int row, int from, int to, float floor) {
    FloatVector best = FloatVector.broadcast(SPECIES, floor);
    for (int j = row + from; j < row + to; j += WIDTH) {
      best = best.max(FloatVector.fromArray(SPECIES, scores, j));
    }
    return best.reduceLanes(VectorOperators.MAX);
  }

  /** Replaces scores by exp(score − top) and gives their sum. */
  private static float exponentials(float[] scores, int row, int from, int to, float top) {
    FloatVector sums = FloatVector.zero(SPECIES);
    for (int j = from; j < to; j += WIDTH) {
      FloatVector e = Lanes.expUpTo88(FloatVector.fromArray(SPECIES, scores, row + j).sub(top));
      e.intoArray(scores, row + j);
      sums = sums.add(e);
    }
    return sums.reduceLanes(VectorOperators.ADD);
  }

  private static void scale(float[] values, int at, int count, float factor) {
    for (int j = at; j < at + count; j += WIDTH) {
      FloatVector.fromArray(SPECIES, values, j).mul(factor).intoArray(values, j);
    }
  }

  /** What padding adds to the scores of each key, as the plain ops do: (p − 1) · 10⁹. */
  static float[] bias(Scratch scratch, ByteBuffer padding, AttentionSizes sizes, int b) {
    if (padding == null) {
      return null;
    }
    float[] bias = scratch.take(7, sizes.keys() + sizes.scoreLead() + WIDTH);
    for (int j = 0; j < sizes.keys(); j++) {
      bias[j] = (Lanes.get(padding, b * sizes.keys() + j) - 1) * 1e9f;
    }
    Arrays.fill(bias, sizes.keys(), bias.length, 0);
    return bias;
  }

  /** WIDTH zeros and WIDTH −∞; in which order {@code hiddenFirst} says. */
  private static float[] edge(boolean hiddenFirst) {
    float[] edge = new float[2 * WIDTH];
    int hidden = hiddenFirst ? 0 : WIDTH;
    Arrays.fill(edge, hidden, hidden + WIDTH, Float.NEGATIVE_INFINITY);
    return edge;
  }
}
