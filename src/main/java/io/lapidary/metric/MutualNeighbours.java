package io.lapidary.metric;

import io.lapidary.Check;

/**
 * Mutual k-nearest-neighbour alignment of two representations of the same items (Huh et al. 2024):
 * the mean share of neighbours that both have in common. Neighbours are the rows of largest inner
 * product, so rows should have unit length; chance gives k/(n − 1).
 */
public final class MutualNeighbours {
  private MutualNeighbours() {}

  /**
   * The alignment, from 0 to 1.
   *
   * @param first [n][width]
   * @param second [n][other width]
   * @param k neighbours of each row, below n
   */
  public static double alignment(double[][] first, double[][] second, int k) {
    int n = first.length;
    Check.that(second.length == n, "%d rows against %d", n, second.length);
    Check.that(k >= 1 && k < n, "k must be in [1, %d] for %d rows, got %d", n - 1, n, k);
    long common = 0;
    double[] a = new double[n];
    double[] b = new double[n];
    boolean[] chosen = new boolean[n];
    for (int i = 0; i < n; i++) {
      Rows.require("row " + i, first[i], 1, first[i].length);
      Rows.require("row " + i, second[i], 1, second[i].length);
      products(first, i, a);
      products(second, i, b);
      java.util.Arrays.fill(chosen, false);
      for (int j : largest(a, k)) {
        chosen[j] = true;
      }
      for (int j : largest(b, k)) {
        common += chosen[j] ? 1 : 0;
      }
    }
    return (double) common / ((long) n * k);
  }

  private static void products(double[][] rows, int i, double[] out) {
    for (int j = 0; j < out.length; j++) {
      double sum = 0;
      for (int f = 0; f < rows[i].length; f++) {
        sum += rows[i][f] * rows[j][f];
      }
      out[j] = sum;
    }
    out[i] = Double.NEGATIVE_INFINITY; // never its own neighbour
  }

  /** Places of the k largest values; of equal ones the first. */
  private static int[] largest(double[] values, int k) {
    int[] places = new int[k];
    int count = 0;
    for (int j = 0; j < values.length; j++) {
      int at = count;
      while (at > 0 && values[places[at - 1]] < values[j]) {
        at--;
      }
      if (at < k) {
        int end = Math.min(count, k - 1);
        System.arraycopy(places, at, places, at + 1, end - at);
        places[at] = j;
        count = Math.min(k, count + 1);
      }
    }
    return places;
  }
}
