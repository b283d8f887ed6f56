package io.lapidary.engine.vector;

import static io.lapidary.engine.vector.Lanes.SPECIES;
import static io.lapidary.engine.vector.Lanes.WIDTH;

import java.nio.ByteBuffer;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;

/**
 * Gradients of {@link FlashAttention} (Dao et al. 2022, algorithm 4): the weights of each pair of
 * blocks are made again from the scores, so no table of all pairs is kept. One thread does all
 * queries of a key-value head, in a fixed order.
 *
 * @param up gradient of the result
 * @param top largest score of each query, from the forward pass
 * @param factor 1 / Σ exp(score − largest), likewise
 */
record FlashAttentionGradient(
    AttentionSizes sizes,
    Heads q,
    Heads k,
    Heads v,
    Heads y,
    ByteBuffer top,
    ByteBuffer factor,
    Heads up,
    ByteBuffer padding,
    Heads dq,
    Heads dk,
    Heads dv) {
  /** Keys in a block: their scores and slopes against a block of queries stay in the cache. */
  static final int KEYS = 96;

  void run() {
    int pairs = sizes.batch() * sizes.groups();
    long work = (long) sizes.repeat() * sizes.queries() * sizes.keys() * sizes.width() / 3;
    Workers.run(
        pairs,
        work,
        (from, to) -> {
          for (int i = from; i < to; i++) {
            pair(i / sizes.groups(), i % sizes.groups());
          }
        });
  }

  private void pair(int b, int g) {
    Scratch scratch = Scratch.get();
    float[] bias = FlashAttention.bias(scratch, padding, sizes, b);
    int heads = sizes.repeat();
    float[] means = scratch.take(11, heads * sizes.queries()); // of slopes under the weights
    for (int i = 0; i < heads * sizes.queries(); i++) {
      int h = g * heads + i / sizes.queries();
      means[i] = y.dot(b, h, i % sizes.queries(), up);
    }
    for (int j = 0; j < sizes.keyBlocks(); j++) {
      Keys block = Keys.pack(this, scratch, b, g, j);
      for (int h = g * heads; h < (g + 1) * heads; h++) {
        for (int i = 0; i < sizes.queryBlocks(); i++) {
          queries(b, h, i * sizes.queryBlock(), block, bias, means, scratch);
        }
      }
      block.write(this, b, g);
    }
  }

  /** One packed block of keys and values, with their gradients. */
  private record Keys(
      int start,
      int size,
      float[] rows,
      float[] columns,
      float[] values,
      float[] keyGradient,
      float[] valueGradient) {
    static Keys pack(FlashAttentionGradient in, Scratch scratch, int b, int g, int j) {
      AttentionSizes sizes = in.sizes;
      int lead = sizes.lead();
      int start = j * sizes.keyBlock();
      int size = Math.min(sizes.keyBlock(), sizes.keys() - start);
      int columnLength = sizes.width() * sizes.scoreLead();
      int rowLength = Tiles.rows(size) * lead;
      Keys block =
          new Keys(
              start,
              size,
              scratch.take(8, rowLength),
              scratch.take(0, columnLength),
              scratch.take(1, columnLength),
              scratch.take(9, rowLength),
              scratch.take(10, rowLength));
      in.k.pack(b, g, start, start + size, size, 1, block.rows, 0);
      in.k.packTransposed(b, g, start, start + size, sizes.scoreLead(), block.columns, 0);
      in.v.packTransposed(b, g, start, start + size, sizes.scoreLead(), block.values, 0);
      Arrays.fill(block.keyGradient, 0, rowLength, 0);
      Arrays.fill(block.valueGradient, 0, rowLength, 0);
      return block;
    }

    void write(FlashAttentionGradient out, int b, int g) {
      int lead = out.sizes.lead();
      for (int r = 0; r < size; r++) {
        out.dk.write(b, g, start + r, 1, false, keyGradient, r * lead);
        out.dv.write(b, g, start + r, 1, false, valueGradient, r * lead);
      }
    }
  }

  private void queries(
      int b, int h, int from, Keys block, float[] bias, float[] means, Scratch scratch) {
    AttentionKernels.Mask mask = sizes.mask();
    int count = Math.min(sizes.queryBlock(), sizes.queries() - from);
    if (mask.first(from) >= block.start + block.size || mask.last(from + count - 1) < block.start) {
      return;
    }
    int rows = Tiles.rows(count);
    int lead = sizes.lead();
    int scoreLead = sizes.scoreLead();
    float[] queries = scratch.take(2, rows * lead);
    float[] ups = scratch.take(3, rows * lead);
    float[] weights = scratch.take(4, rows * scoreLead);
    float[] slopes = scratch.take(5, rows * scoreLead);
    float[] gradient = scratch.take(6, rows * lead);
    q.pack(b, h, from, from + count, rows, sizes.scale(), queries, 0);
    up.pack(b, h, from, from + count, rows, 1, ups, 0);
    for (int r = 0; r < rows; r += Tiles.ROWS) {
      int last = Math.min(r + Tiles.ROWS, count) - 1;
      int first = Math.max(0, mask.first(from + r) - block.start) / WIDTH * WIDTH;
      int end = Math.min(block.size, mask.last(from + last) + 1 - block.start);
      if (first >= end) {
        Arrays.fill(weights, r * scoreLead, (r + Tiles.ROWS) * scoreLead, 0);
        Arrays.fill(slopes, r * scoreLead, (r + Tiles.ROWS) * scoreLead, 0);
        Arrays.fill(gradient, r * lead, (r + Tiles.ROWS) * lead, 0);
        continue;
      }
      int at = r * scoreLead + first;
      int wide = Tiles.columns(end - first);
      int width = sizes.width();
      Tiles.product(
          queries,
          r * lead,
          lead,
          1,
          block.columns,
          first,
          scoreLead,
          weights,
          at,
          scoreLead,
          wide,
          width,
          false);
      Tiles.product(
          ups,
          r * lead,
          lead,
          1,
          block.values,
          first,
          scoreLead,
          slopes,
          at,
          scoreLead,
          wide,
          width,
          false);
      for (int i = r; i <= last; i++) {
        int low = mask.first(from + i) - block.start;
        int high = Math.min(block.size, mask.last(from + i) + 1 - block.start);
        int row = i * scoreLead;
        FlashAttention.hide(weights, row, first, end, low, high, bias, block.start);
        int place = (b * sizes.heads() + h) * sizes.queries() + from + i;
        float mean = means[h % sizes.repeat() * sizes.queries() + from + i];
        slopes(
            weights,
            slopes,
            row,
            first,
            end,
            Lanes.get(top, place),
            Lanes.get(factor, place),
            mean);
        clear(weights, row, first, first + wide, scoreLead);
        clear(slopes, row, first, first + wide, scoreLead);
      }
      Tiles.product(
          slopes,
          at,
          scoreLead,
          1,
          block.rows,
          first * lead,
          lead,
          gradient,
          r * lead,
          lead,
          lead,
          end - first,
          false);
    }
    boolean later = block.start > mask.first(from);
    for (int r = 0; r < count; r++) {
      dq.write(b, h, from + r, sizes.scale(), later, gradient, r * lead);
    }
    keyGradients(from, count, block, queries, ups, weights, slopes);
  }

  private void keyGradients(
      int from,
      int count,
      Keys block,
      float[] queries,
      float[] ups,
      float[] weights,
      float[] slopes) {
    int lead = sizes.lead();
    int scoreLead = sizes.scoreLead();
    for (int c = 0; c < block.size; c += Tiles.ROWS) {
      int key = block.start + c;
      int first = Math.max(0, sizes.mask().firstQuery(key) - from);
      int end = Math.min(count, sizes.mask().lastQuery(key + Tiles.ROWS - 1) + 1 - from);
      if (first < end) {
        int left = first * scoreLead + c;
        Tiles.product(
            weights,
            left,
            1,
            scoreLead,
            ups,
            first * lead,
            lead,
            block.valueGradient,
            c * lead,
            lead,
            lead,
            end - first,
            true);
        Tiles.product(
            slopes,
            left,
            1,
            scoreLead,
            queries,
            first * lead,
            lead,
            block.keyGradient,
            c * lead,
            lead,
            lead,
            end - first,
            true);
      }
    }
  }

  /** Scores to weights, and gradients of weights to gradients of scores, along a row. */
  private static void slopes(
      float[] weights,
      float[] slopes,
      int row,
      int from,
      int to,
      float top,
      float factor,
      float mean) {
    for (int j = row + from; j < row + to; j += WIDTH) {
      FloatVector w =
          Lanes.expUpTo88(FloatVector.fromArray(SPECIES, weights, j).sub(top)).mul(factor);
      w.intoArray(weights, j);
      FloatVector.fromArray(SPECIES, slopes, j).sub(mean).mul(w).intoArray(slopes, j);
    }
  }

  /** Zeros a row outside [from, to), all of whole vectors. */
  private static void clear(float[] values, int row, int from, int to, int length) {
    FloatVector zero = FloatVector.zero(SPECIES);
    for (int j = 0; j < from; j += WIDTH) {
      zero.intoArray(values, row + j);
    }
    for (int j = to; j < length; j += WIDTH) {
      zero.intoArray(values, row + j);
    }
  }
}
