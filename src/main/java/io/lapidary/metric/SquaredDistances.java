package io.lapidary.metric;

/** Squared Euclidean distances between rows. */
final class SquaredDistances {
  private SquaredDistances() {}

  /** All pairs [n][n]; by differences, so that near points keep their digits. */
  static double[][] between(double[][] rows) {
    int n = rows.length;
    double[][] distances = new double[n][n];
    for (int i = 0; i < n; i++) {
      Rows.require("row " + i, rows[i], 1, rows[i].length);
      for (int j = 0; j < i; j++) {
        double[] a = rows[i];
        double[] b = rows[j];
        double sum = 0;
        for (int f = 0; f < a.length; f++) {
          sum += (a[f] - b[f]) * (a[f] - b[f]);
        }
        distances[i][j] = sum;
        distances[j][i] = sum;
      }
    }
    return distances;
  }
}
