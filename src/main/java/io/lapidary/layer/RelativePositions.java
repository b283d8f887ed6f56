package io.lapidary.layer;

import io.lapidary.Check;
import io.lapidary.engine.Graph;
import io.lapidary.engine.Init;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Relative position bias (Raffel et al. 2020): a learned number per head for the distance of two
 * tokens. Small distances have buckets of their own, larger ones share buckets that grow with the
 * logarithm, and those from {@code farthest} on share the last; each direction has half the
 * buckets.
 *
 * @param buckets number of buckets; even, at least 4
 * @param farthest distance at which the last bucket begins
 */
public record RelativePositions(int buckets, int farthest) {

  /** Checks the fields. */
  public RelativePositions {
    Check.that(
        buckets >= 4 && buckets % 4 == 0, "buckets must be a multiple of 4, got %d", buckets);
    Check.that(farthest > buckets / 4, "farthest must be above %d, got %d", buckets / 4, farthest);
  }

  /** Bucket of a key {@code distance} positions after the query (negative: before it). */
  public int bucket(int distance) {
    int half = buckets / 2;
    int exact = half / 2;
    int far = Math.abs(distance);
    int within = far;
    if (far >= exact) {
      // float arithmetic, as in the reference: it decides borders such as 8, 16, 32
      float share =
          (float) Math.log((float) far / exact) / (float) Math.log((double) farthest / exact);
      within = Math.min(half - 1, exact + (int) (share * (half - exact)));
    }
    return (distance > 0 ? half : 0) + within;
  }

  /**
   * The bias [1, heads, T, T] of T tokens, from the parameter {@code name.weight} [buckets, heads].
   */
  public SDVariable bias(Graph g, String name, int tokens, int heads) {
    int[] ids = new int[tokens * tokens];
    for (int query = 0; query < tokens; query++) {
      for (int key = 0; key < tokens; key++) {
        ids[query * tokens + key] = bucket(key - query);
      }
    }
    SDVariable table = g.parameter(name + ".weight", Init.normal(0.02), buckets, heads);
    SDVariable values = g.ops().embedding(table, g.constant(Nd4j.createFromArray(ids)));
    return g.ops().reshape(g.ops().transpose(values), 1, heads, tokens, tokens);
  }
}
