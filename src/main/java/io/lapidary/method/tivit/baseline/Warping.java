package io.lapidary.method.tivit.baseline;

import java.util.Arrays;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Dependent dynamic time warping of one series against others, along the diagonals i + j = k of the
 * cost matrix, whose cells do not depend on each other. One object serves one thread.
 */
final class Warping {
  private static final VectorSpecies<Double> SPECIES =
      VectorSpecies.of(double.class, HeapVectors.SHAPE);
  private static final int WIDTH = SPECIES.length();

  private final int length;
  private final double[][] series; // behind the end infinity, so that no path leads there
  private double[] older; // cell i of diagonal k − 2 stands at i + 1
  private double[] old; // k − 1
  private double[] now;

  /**
   * @param series [channel][time]
   */
  Warping(double[][] series) {
    length = series[0].length;
    this.series = new double[series.length][];
    for (int c = 0; c < series.length; c++) {
      this.series[c] = Arrays.copyOf(series[c], length + WIDTH);
      Arrays.fill(this.series[c], length, length + WIDTH, Double.POSITIVE_INFINITY);
    }
    older = new double[length + 2 + WIDTH];
    old = new double[length + 2 + WIDTH];
    now = new double[length + 2 + WIDTH];
  }

  /** A series as {@link #cost} reads it: backwards, then minus infinity, [channel][time + some]. */
  static double[][] reversed(double[][] series) {
    double[][] reversed = new double[series.length][];
    for (int c = 0; c < series.length; c++) {
      int length = series[c].length;
      reversed[c] = new double[length + WIDTH];
      for (int t = 0; t < length; t++) {
        reversed[c][length - 1 - t] = series[c][t];
      }
      Arrays.fill(reversed[c], length, length + WIDTH, Double.NEGATIVE_INFINITY);
    }
    return reversed;
  }

  /**
   * Squared cost of the cheapest path; infinite as soon as it must exceed {@code limit}.
   *
   * @param other as {@link #reversed} gives it
   * @param window largest |i − j| as a share of the longer series, rounded up
   */
  double cost(double[][] other, double window, double limit) {
    int m = other[0].length - WIDTH;
    int band = (int) Math.max(Math.ceil(window * Math.max(length, m)), Math.abs(length - m));
    Arrays.fill(older, Double.POSITIVE_INFINITY);
    Arrays.fill(old, Double.POSITIVE_INFINITY);
    double before = Double.POSITIVE_INFINITY;
    for (int k = 0; k <= length + m - 2; k++) {
      int from = Math.max(Math.max(0, k - m + 1), (k - band + 1) >> 1);
      int to = Math.min(Math.min(length - 1, k), (k + band) >> 1);
      if (k == 0) {
        older[0] = 0; // the path begins before the first cell
      }
      double least = diagonal(from, to, other, m - 1 - k);
      now[from] = Double.POSITIVE_INFINITY;
      now[to + 2] = Double.POSITIVE_INFINITY;
      if (least > limit && before > limit) { // every path meets one of two neighbours
        return Double.POSITIVE_INFINITY;
      }
      before = least;
      double[] spare = older;
      older = old;
      old = now;
      now = spare;
    }
    return old[length];
  }

  /** Cells {@code from} to {@code to} of a diagonal; the least of them, or less. */
  private double diagonal(int from, int to, double[][] other, int shift) {
    DoubleVector least = DoubleVector.broadcast(SPECIES, Double.POSITIVE_INFINITY);
    double[] a = series[0];
    double[] b = other[0];
    for (int i = from; i <= to; i += WIDTH) {
      DoubleVector d =
          DoubleVector.fromArray(SPECIES, a, i).sub(DoubleVector.fromArray(SPECIES, b, shift + i));
      d = d.mul(d);
      for (int c = 1; c < series.length; c++) {
        DoubleVector more =
            DoubleVector.fromArray(SPECIES, series[c], i)
                .sub(DoubleVector.fromArray(SPECIES, other[c], shift + i));
        d = d.add(more.mul(more));
      }
      DoubleVector reached =
          min(
              DoubleVector.fromArray(SPECIES, older, i),
              min(
                  DoubleVector.fromArray(SPECIES, old, i),
                  DoubleVector.fromArray(SPECIES, old, i + 1)));
      d = d.add(reached);
      d.intoArray(now, i + 1);
      least = min(least, d);
    }
    return least.reduceLanes(VectorOperators.MIN);
  }

  /** Of numbers; the library's minimum also orders NaN and zeros. */
  private static DoubleVector min(DoubleVector a, DoubleVector b) {
    return b.blend(a, a.compare(VectorOperators.LT, b));
  }
}
