package io.lapidary.engine.vector;

import static io.lapidary.engine.vector.Lanes.SPECIES;
import static io.lapidary.engine.vector.Lanes.WIDTH;
import static io.lapidary.engine.vector.Lanes.load;
import static io.lapidary.engine.vector.Lanes.store;
import static io.lapidary.engine.vector.Lanes.tail;

import java.nio.ByteBuffer;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/** The masked softmax of written-out scores. */
final class AttentionKernels {
  private AttentionKernels() {}

  /** Which keys the query of a row sees. */
  record Mask(boolean causal, int window, int queries, int keys) {
    int first(int row) {
      return window == 0 ? 0 : Math.max(0, position(row) - window + 1);
    }

    int last(int row) {
      return causal ? position(row) : keys - 1;
    }

    /** The first query that sees a key. */
    int firstQuery(int key) {
      return causal ? Math.max(0, key - keys + queries) : 0;
    }

    /** The last query that sees a key. */
    int lastQuery(int key) {
      return window == 0 ? queries - 1 : Math.min(queries - 1, key - keys + queries + window - 1);
    }

    private int position(int row) {
      return row % queries + keys - queries;
    }
  }

  /** From the region's numbers: scale, causal, window, queries. */
  static Mask mask(double[] attributes, int keys) {
    return new Mask(attributes[1] != 0, (int) attributes[2], (int) attributes[3], keys);
  }

  /** Softmax of scale · x over the visible keys, 0 elsewhere. */
  static void weights(ByteBuffer x, ByteBuffer y, float scale, Mask mask, int from, int to) {
    int n = mask.keys();
    for (int r = from; r < to; r++) {
      int row = r * n;
      int first = row + mask.first(r);
      int end = row + mask.last(r) + 1;
      int whole = end - (end - first) % WIDTH;
      VectorMask<Float> rest = tail(end - whole);
      FloatVector best = FloatVector.broadcast(SPECIES, Float.NEGATIVE_INFINITY);
      for (int i = first; i < whole; i += WIDTH) {
        best = best.max(load(x, i).mul(scale));
      }
      float top = best.reduceLanes(VectorOperators.MAX);
      if (whole < end) {
        top = Math.max(top, Lanes.max(load(x, whole, rest).mul(scale), rest));
      }
      FloatVector sums = FloatVector.zero(SPECIES);
      for (int i = first; i < whole; i += WIDTH) {
        FloatVector e = Lanes.exp(load(x, i).mul(scale).sub(top));
        store(e, y, i);
        sums = sums.add(e);
      }
      float sum = sums.reduceLanes(VectorOperators.ADD);
      if (whole < end) {
        FloatVector e = Lanes.exp(load(x, whole, rest).mul(scale).sub(top));
        store(e, y, whole, rest, to * n);
        sum += Lanes.sum(e, rest);
      }
      float factor = 1 / sum;
      for (int i = first; i < whole; i += WIDTH) {
        store(load(y, i).mul(factor), y, i);
      }
      if (whole < end) {
        store(load(y, whole, rest).mul(factor), y, whole, rest, to * n);
      }
      Lanes.clear(y, row, first);
      Lanes.clear(y, end, row + n);
    }
  }
}
