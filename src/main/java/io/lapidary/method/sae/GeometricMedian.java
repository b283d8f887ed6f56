package io.lapidary.method.sae;

import io.lapidary.Check;

/** The point with the least sum of distances to given points, by Weiszfeld's iteration. */
final class GeometricMedian {
  private static final int ITERATIONS = 100;
  private static final double ENOUGH = 1e-5;

  private GeometricMedian() {}

  /**
   * The median of points [n][d], from their mean on; ends after 100 rounds or a move below 1e-5. A
   * point that is met counts as one at a tiny distance.
   */
  static double[] of(float[][] points) {
    Check.that(points.length > 0, "a median needs at least one point");
    double[] weights = new double[points.length];
    java.util.Arrays.fill(weights, 1);
    double[] median = mean(points, weights);
    double move = Double.POSITIVE_INFINITY;
    for (int round = 0; round < ITERATIONS && move >= ENOUGH; round++) {
      for (int i = 0; i < points.length; i++) {
        weights[i] = 1 / Math.max(distance(points[i], median), 1e-12);
      }
      double[] next = mean(points, weights);
      double squares = 0;
      for (int j = 0; j < next.length; j++) {
        squares += (next[j] - median[j]) * (next[j] - median[j]);
      }
      move = Math.sqrt(squares);
      median = next;
    }
    return median;
  }

  private static double distance(float[] point, double[] centre) {
    double squares = 0;
    for (int j = 0; j < centre.length; j++) {
      squares += (point[j] - centre[j]) * (point[j] - centre[j]);
    }
    return Math.sqrt(squares);
  }

  private static double[] mean(float[][] points, double[] weights) {
    double[] sum = new double[points[0].length];
    double all = 0;
    for (int i = 0; i < points.length; i++) {
      all += weights[i];
      for (int j = 0; j < sum.length; j++) {
        sum[j] += weights[i] * points[i][j];
      }
    }
    for (int j = 0; j < sum.length; j++) {
      sum[j] /= all;
    }
    return sum;
  }
}
