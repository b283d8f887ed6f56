package io.lapidary.engine.vector;

import static io.lapidary.engine.vector.Lanes.SPECIES;
import static io.lapidary.engine.vector.Lanes.WIDTH;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Attention of one query at a time, keys and values read once and in place: what generation needs,
 * where packing keys would cost more than their products.
 */
final class FewQueries {
  /** Up to so many queries of a head this is faster than tiles. */
  static final int MOST = 3;

  private FewQueries() {}

  /** All queries of the heads that share one key-value head. */
  static void run(FlashAttention in, int b, int g, float[] bias, Scratch scratch) {
    AttentionSizes sizes = in.sizes();
    for (int h = g * sizes.repeat(); h < (g + 1) * sizes.repeat(); h++) {
      for (int t = 0; t < sizes.queries(); t++) {
        query(in, b, g, h, t, bias, scratch);
      }
    }
  }

  private static void query(
      FlashAttention in, int b, int g, int h, int t, float[] bias, Scratch scratch) {
    AttentionSizes sizes = in.sizes();
    int from = sizes.mask().first(t);
    int to = sizes.mask().last(t) + 1;
    float[] query = scratch.take(2, sizes.lead());
    float[] mixed = scratch.take(3, sizes.lead());
    float[] scores = scratch.take(6, sizes.keys());
    in.q().pack(b, h, t, t + 1, 1, sizes.scale(), query, 0);
    float top = -Float.MAX_VALUE;
    for (int j = from; j < to; j++) {
      scores[j] = in.k().dot(b, g, j, query) + (bias == null ? 0 : bias[j]);
      top = Math.max(top, scores[j]);
    }
    float factor = 1 / exponentials(scores, from, to, top);
    for (int c = 0; c < sizes.lead(); c += 4 * WIDTH) {
      in.v().mix(b, g, from, to, scores, c, mixed);
    }
    in.y().write(b, h, t, factor, false, mixed, 0);
    int out = (b * sizes.heads() + h) * sizes.queries() + t;
    Lanes.put(in.top(), out, top);
    Lanes.put(in.factor(), out, factor);
  }

  /** Replaces scores by exp(score − top) and gives their sum. */
  private static float exponentials(float[] scores, int from, int to, float top) {
    FloatVector sums = FloatVector.zero(SPECIES);
    int j = from;
    for (; j + WIDTH <= to; j += WIDTH) {
      FloatVector e = Lanes.expUpTo88(FloatVector.fromArray(SPECIES, scores, j).sub(top));
      e.intoArray(scores, j);
      sums = sums.add(e);
    }
    float sum = sums.reduceLanes(VectorOperators.ADD);
    for (; j < to; j++) {
      scores[j] = (float) Math.exp(scores[j] - top);
      sum += scores[j];
    }
    return sum;
  }
}
