package io.lapidary.metric;

import io.lapidary.Check;
import java.util.Arrays;
import org.hipparchus.linear.Array2DRowRealMatrix;
import org.hipparchus.linear.EigenDecompositionSymmetric;

/** How many principal components explain the variance of standardised features. */
public final class PrincipalComponents {
  private PrincipalComponents() {}

  /**
   * The smallest number of components whose share of the variance reaches {@code share}. Features
   * are brought to mean 0 and deviation 1 first; those that do not vary stay at 0.
   *
   * @param rows [n][width], at least two
   * @param share such as 0.95
   */
  public static int count(double[][] rows, double share) {
    Check.that(rows.length >= 2, "components need two rows, got %d", rows.length);
    Check.between("share", share, 0, 1);
    double[][] z = standardised(rows);
    boolean tall = z.length >= z[0].length;
    int size = tall ? z[0].length : z.length;
    double[][] products = new double[size][size];
    // the smaller of the two products has the same eigenvalues but for zeros
    if (tall) {
      for (double[] row : z) {
        for (int i = 0; i < size; i++) {
          for (int j = 0; j <= i; j++) {
            products[i][j] += row[i] * row[j];
          }
        }
      }
    } else {
      for (int i = 0; i < size; i++) {
        for (int j = 0; j <= i; j++) {
          for (int f = 0; f < z[0].length; f++) {
            products[i][j] += z[i][f] * z[j][f];
          }
        }
      }
    }
    for (int i = 0; i < size; i++) {
      for (int j = 0; j < i; j++) {
        products[j][i] = products[i][j];
      }
    }
    double[] values =
        new EigenDecompositionSymmetric(new Array2DRowRealMatrix(products, false)).getEigenvalues();
    double[] sorted = Arrays.stream(values).map(v -> -Math.max(0, v)).sorted().toArray();
    double total = -Arrays.stream(sorted).sum();
    Check.that(total > 0, "no feature varies over the %d rows", rows.length);
    double sum = 0;
    for (int k = 0; k < sorted.length; k++) {
      sum -= sorted[k];
      if (sum >= share * total - 1e-12 * total) {
        return k + 1;
      }
    }
    return sorted.length;
  }

  private static double[][] standardised(double[][] rows) {
    int width = rows[0].length;
    double[][] z = new double[rows.length][width];
    for (int i = 0; i < rows.length; i++) {
      Rows.require("row " + i, rows[i], 1, width);
    }
    for (int f = 0; f < width; f++) {
      int feature = f;
      double mean = Arrays.stream(rows).mapToDouble(r -> r[feature]).average().orElseThrow();
      double squares = 0;
      for (double[] row : rows) {
        squares += (row[f] - mean) * (row[f] - mean);
      }
      double deviation = Math.sqrt(squares / rows.length);
      for (int i = 0; i < rows.length && deviation > 1e-12 * Math.abs(mean); i++) {
        z[i][f] = (rows[i][f] - mean) / deviation;
      }
    }
    return z;
  }
}
