package io.lapidary.method.tivit.baseline;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * The outputs of the 84 kernels of length 9 with weight 2 at three places and −1 at the others,
 * over a series with zeros beyond its ends: minus the sum of all nine values, plus three times the
 * three. One object serves one thread.
 */
final class FixedKernels {
  /** Number of kernels: all choices of three of nine places, in lexicographic order. */
  static final int COUNT = 84;

  private static final int K = Dilations.KERNEL;
  private static final int[][] PLACES = places();
  private static final VectorSpecies<Float> SPECIES = Shares.SPECIES;
  private static final int WIDTH = SPECIES.length();

  private final int length;
  private final int margin; // zeros on either side of the series
  private final float[] series;
  private final float[] tripled;
  private final float[] negative; // minus the sum of the nine
  private final float[] pair; // and three times the first two
  private final float[] output;
  private int dilation;
  private int first = -1; // the places that `pair` holds
  private int second;

  /**
   * @param length of the series
   * @param most the largest dilation
   */
  FixedKernels(int length, int most) {
    this.length = length;
    margin = K / 2 * most;
    int padded = (length + WIDTH - 1) / WIDTH * WIDTH;
    series = new float[padded + 2 * margin];
    tripled = new float[padded + 2 * margin];
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

  /** Takes a series [length]; a dilation must follow. */
  void read(float[] x) {
    for (int t = 0; t < length; t++) {
      series[margin + t] = x[t];
      tripled[margin + t] = 3 * x[t];
    }
  }

  /** Prepares the kernels of one dilation, at most the largest. */
  void dilate(int dilation) {
    this.dilation = dilation;
    first = -1;
    for (int t = 0; t < negative.length; t += WIDTH) {
      FloatVector sum = FloatVector.zero(SPECIES);
      for (int j = 0; j < K; j++) {
        sum = sum.sub(FloatVector.fromArray(SPECIES, series, t + start(j)));
      }
      sum.intoArray(negative, t);
    }
  }

  /** Where the values that place {@code j} of a kernel sees begin. */
  private int start(int j) {
    return margin + (j - K / 2) * dilation;
  }

  /** The sum over all but the last place of a kernel [length], valid until the next call. */
  float[] pair(int kernel) {
    int[] at = PLACES[kernel];
    if (at[0] != first || at[1] != second) {
      first = at[0];
      second = at[1];
      add(start(first), start(second));
    }
    return pair;
  }

  private void add(int i, int j) {
    for (int t = 0; t < pair.length; t += WIDTH) {
      FloatVector.fromArray(SPECIES, negative, t)
          .add(FloatVector.fromArray(SPECIES, tripled, i + t))
          .add(FloatVector.fromArray(SPECIES, tripled, j + t))
          .intoArray(pair, t);
    }
  }

  /** What the last place adds begins at {@link #lastStart} of these values. */
  float[] last() {
    return tripled;
  }

  int lastStart(int kernel) {
    return start(PLACES[kernel][2]);
  }

  /** The output of a kernel [length], valid until the next call. */
  float[] output(int kernel) {
    float[] most = pair(kernel);
    int from = lastStart(kernel);
    for (int t = 0; t < output.length; t += WIDTH) {
      FloatVector.fromArray(SPECIES, most, t)
          .add(FloatVector.fromArray(SPECIES, tripled, from + t))
          .intoArray(output, t);
    }
    return output;
  }
}
