package io.lapidary.metric;

import io.lapidary.Check;
import java.util.Arrays;

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
    Check.that(second.length == first.length, "%d rows against %d", first.length, second.length);
    return common(neighbours(first, k), neighbours(second, k));
  }

  /**
   * The neighbours of every row [n][k], the nearest first; of equally near ones the first.
   *
   * @param rows [n][width]
   * @param k neighbours of each row, below n
   */
  public static int[][] neighbours(double[][] rows, int k) {
    int n = rows.length;
    Check.that(k >= 1 && k < n, "k must be in [1, %d] for %d rows, got %d", n - 1, n, k);
    int[][] neighbours = new int[n][];
    double[] near = new double[n];
    for (int i = 0; i < n; i++) {
      Rows.require("row " + i, rows[i], 1, rows[i].length);
      products(rows, i, near);
      neighbours[i] = largest(near, k);
    }
    return neighbours;
  }

  /** The mean share of neighbours [n][k] that two representations have in common. */
  public static double common(int[][] first, int[][] second) {
    int n = first.length;
    Check.that(second.length == n, "%d rows against %d", n, second.length);
    long common = 0;
    boolean[] chosen = new boolean[n];
    for (int i = 0; i < n; i++) {
      Arrays.fill(chosen, false);
      for (int j : first[i]) {
        chosen[j] = true;
      }
      for (int j : second[i]) {
        common += chosen[j] ? 1 : 0;
      }
    }
    return (double) common / ((long) n * first[0].length);
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
