package io.lapidary.method.tivit.baseline;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * The outputs of the 84 kernels of length 9 with weight 2 at three places and −1 at the others,
 * over a series with zeros beyond its ends. One object serves one thread.
 */
final class FixedKernels {
  /** Number of kernels: all choices of three of nine places, in lexicographic order. */
  static final int COUNT = 84;

  private static final int K = Dilations.KERNEL;
  private static final int[][] PLACES = places();
  private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
  private static final VectorSpecies<Integer> WHOLE = IntVector.SPECIES_PREFERRED;
  private static final int WIDTH = SPECIES.length();

  private final int length;
  private final float[][] tripled = new float[K][]; // 3 x[t + (j - 4) d]
  private final float[] negative; // minus the sum of the nine
  private final float[] pair;
  private final float[] output;
  private int first = -1; // the pair of places that `pair` holds
  private int second;

  FixedKernels(int length) {
    this.length = length;
    int padded = (length + WIDTH - 1) / WIDTH * WIDTH;
    for (int j = 0; j < K; j++) {
      tripled[j] = new float[padded];
    }
    negative = new float[padded];
    pair = new float[padded];
    output = new float[padded];
  }

  private static int[][] places() {
    int[][] all = new int[COUNT][];
    int n = 0;
    for (int i = 0; i < K; i++) {
      for (int j = i + 1; j < K; j++) {
        for (int k = j + 1; k < K; k++) {
          all[n++] = new int[] {i, j, k};
        }
      }
    }
    return all;
  }

  /** Prepares the kernels of one dilation over a series. */
  void dilate(float[] x, int dilation) {
    Arrays.fill(negative, 0);
    for (int j = 0; j < K; j++) {
      int shift = (j - K / 2) * dilation;
      int from = Math.max(0, -shift);
      int to = Math.min(length, length - shift);
      float[] row = tripled[j];
      Arrays.fill(row, 0);
      for (int t = from; t < to; t++) {
        float v = x[t + shift];
        negative[t] -= v;
        row[t] = 3 * v;
      }
    }
    first = -1;
  }

  /** The output of a kernel [length], valid until the next call. */
  float[] output(int kernel) {
    int[] at = PLACES[kernel];
    if (at[0] != first || at[1] != second) {
      add(negative, tripled[at[0]], pair);
      add(pair, tripled[at[1]], pair);
      first = at[0];
      second = at[1];
    }
    add(pair, tripled[at[2]], output);
    return output;
  }

  private static void add(float[] a, float[] b, float[] sum) {
    for (int t = 0; t < sum.length; t++) {
      sum[t] = a[t] + b[t];
    }
  }

  /**
   * Writes the share of outputs above each bias.
   *
   * @param from the first output that counts
   * @param to behind the last output that counts
   * @param biases biases from {@code at} on
   * @param count how many
   * @param shares gets the shares from {@code at} on
   */
  static void shares(
      float[] out, int from, int to, float[] biases, int at, int count, float[] shares) {
    float scale = to > from ? 1f / (to - from) : 0;
    int end = at + count;
    int b = at;
    for (; b + 3 < end; b += 4) {
      four(out, from, to, biases, b, scale, shares);
    }
    for (; b < end; b++) {
      FloatVector bias = FloatVector.broadcast(SPECIES, biases[b]);
      IntVector sum = IntVector.zero(WHOLE);
      int t = from;
      for (; t + WIDTH <= to; t += WIDTH) {
        sum = sum.add(above(bias, FloatVector.fromArray(SPECIES, out, t)));
      }
      shares[b] = scale * (sum.reduceLanes(VectorOperators.ADD) + rest(out, t, to, biases[b]));
    }
  }

  private static void four(
      float[] out, int from, int to, float[] biases, int b, float scale, float[] shares) {
    FloatVector b0 = FloatVector.broadcast(SPECIES, biases[b]);
    FloatVector b1 = FloatVector.broadcast(SPECIES, biases[b + 1]);
    FloatVector b2 = FloatVector.broadcast(SPECIES, biases[b + 2]);
    FloatVector b3 = FloatVector.broadcast(SPECIES, biases[b + 3]);
    IntVector s0 = IntVector.zero(WHOLE);
    IntVector s1 = IntVector.zero(WHOLE);
    IntVector s2 = IntVector.zero(WHOLE);
    IntVector s3 = IntVector.zero(WHOLE);
    int t = from;
    for (; t + WIDTH <= to; t += WIDTH) {
      FloatVector v = FloatVector.fromArray(SPECIES, out, t);
      s0 = s0.add(above(b0, v));
      s1 = s1.add(above(b1, v));
      s2 = s2.add(above(b2, v));
      s3 = s3.add(above(b3, v));
    }
    shares[b] = scale * (s0.reduceLanes(VectorOperators.ADD) + rest(out, t, to, biases[b]));
    shares[b + 1] = scale * (s1.reduceLanes(VectorOperators.ADD) + rest(out, t, to, biases[b + 1]));
    shares[b + 2] = scale * (s2.reduceLanes(VectorOperators.ADD) + rest(out, t, to, biases[b + 2]));
    shares[b + 3] = scale * (s3.reduceLanes(VectorOperators.ADD) + rest(out, t, to, biases[b + 3]));
  }

  /** 1 where the value is above the bias: there the difference has its sign bit set. */
  private static IntVector above(FloatVector bias, FloatVector value) {
    return bias.sub(value).reinterpretAsInts().lanewise(VectorOperators.LSHR, 31);
  }

  private static int rest(float[] out, int from, int to, float bias) {
    int count = 0;
    for (int t = from; t < to; t++) {
      count += out[t] > bias ? 1 : 0;
    }
    return count;
  }
}
