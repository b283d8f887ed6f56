package io.lapidary.engine;

import io.lapidary.Check;
import java.util.Arrays;

/** Arithmetic on concrete shapes: sizes in elements, outermost axis first. */
public final class Shapes {
  private Shapes() {}

  /** Number of elements. */
  public static long length(long... shape) {
    long product = 1;
    for (long size : shape) {
      product = Math.multiplyExact(product, size);
    }
    return product;
  }

  /** {@code axis} counted from the front; negative axes count from the back. */
  public static int axis(int axis, int rank) {
    Check.that(axis >= -rank && axis < rank, "axis %d is outside rank %d", axis, rank);
    return axis < 0 ? axis + rank : axis;
  }

  /** Sorted non-negative axes; none given means all. */
  public static int[] axes(int rank, int... axes) {
    if (axes.length == 0) {
      int[] all = new int[rank];
      Arrays.setAll(all, i -> i);
      return all;
    }
    int[] normal = Arrays.stream(axes).map(a -> axis(a, rank)).sorted().toArray();
    for (int i = 1; i < normal.length; i++) {
      Check.that(normal[i] != normal[i - 1], "axis %d is named twice", normal[i]);
    }
    return normal;
  }

  /** The shape both operands broadcast to, by NumPy's rules. */
  public static long[] broadcast(long[] a, long[] b) {
    int rank = Math.max(a.length, b.length);
    long[] out = new long[rank];
    for (int i = 0; i < rank; i++) {
      long x = i < rank - a.length ? 1 : a[i - (rank - a.length)];
      long y = i < rank - b.length ? 1 : b[i - (rank - b.length)];
      Check.that(
          x == y || x == 1 || y == 1,
          "shapes %s and %s do not broadcast",
          Arrays.toString(a),
          Arrays.toString(b));
      out[i] = x == 1 ? y : x;
    }
    return out;
  }

  /** The shape after a reduction over {@code axes} (sorted, non-negative). */
  public static long[] reduce(long[] shape, boolean keepDims, int... axes) {
    boolean[] reduced = new boolean[shape.length];
    for (int axis : axes) {
      reduced[axis] = true;
    }
    long[] out = new long[keepDims ? shape.length : shape.length - axes.length];
    int next = 0;
    for (int i = 0; i < shape.length; i++) {
      if (!reduced[i]) {
        out[next++] = shape[i];
      } else if (keepDims) {
        out[next++] = 1;
      }
    }
    return out;
  }

  /** {@code shape} with one entry inferred where it is -1. */
  public static long[] infer(long length, long... shape) {
    long[] out = shape.clone();
    int unknown = -1;
    long known = 1;
    for (int i = 0; i < shape.length; i++) {
      if (shape[i] == -1) {
        Check.that(unknown < 0, "only one size can be -1 in %s", Arrays.toString(shape));
        unknown = i;
      } else {
        known *= shape[i];
      }
    }
    if (unknown >= 0) {
      Check.that(
          known > 0 && length % known == 0,
          "%d elements do not fit shape %s",
          length,
          Arrays.toString(shape));
      out[unknown] = length / known;
    }
    Check.that(
        length(out) == length, "%d elements do not fit shape %s", length, Arrays.toString(shape));
    return out;
  }

  /** {@code shape} with {@code size} put at {@code axis}. */
  public static long[] with(long[] shape, int axis, long size) {
    long[] out = shape.clone();
    out[axis] = size;
    return out;
  }

  /** The permutation that undoes {@code permutation}. */
  public static int[] inverse(int... permutation) {
    int[] out = new int[permutation.length];
    for (int i = 0; i < permutation.length; i++) {
      out[permutation[i]] = i;
    }
    return out;
  }

  /** {@code shape} in the order of {@code permutation}. */
  public static long[] permute(long[] shape, int... permutation) {
    long[] out = new long[permutation.length];
    for (int i = 0; i < permutation.length; i++) {
      out[i] = shape[permutation[i]];
    }
    return out;
  }
}
