package io.lapidary.metric;

import io.lapidary.Check;
import io.lapidary.Seeds;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;

/**
 * TwoNN (Facco, d'Errico, Rodriguez and Laio 2017): the intrinsic dimension of points from the
 * ratios of their distances to the second and the first neighbour. Equal rows count once.
 */
public final class IntrinsicDimension {
  private static final double KEPT = 0.9;
  private static final int SMALLEST = 10;

  private IntrinsicDimension() {}

  /**
   * The dimension at one number of points.
   *
   * @param points in each subset
   * @param dimension mean over the subsets
   */
  public record Scale(int points, double dimension) {}

  /**
   * Dimension of all rows: ln μ of the 0.9·n smallest ratios against −ln(1 − i/n), least squares
   * through the origin.
   *
   * @param rows [n][width], at least three different ones
   */
  public static double twoNn(double[][] rows) {
    return fit(ratios(distinct(rows)));
  }

  /**
   * The dimension at n, n/2, n/4, ... points, each above 10: means over as many random subsets as
   * the fraction has parts. Noise makes the dimension grow with the number of points.
   */
  public static List<Scale> scaling(double[][] rows, long seed) {
    double[][] points = distinct(rows);
    int n = points.length;
    List<Scale> curve = new ArrayList<>();
    int most = Math.max(1, (int) Math.floor(Math.log(n) / Math.log(2)) - 1);
    for (int i = 0; i < most; i++) {
      int parts = 1 << i;
      int size = (int) Math.rint((double) n / parts);
      if (i > 0 && size <= SMALLEST) {
        break;
      }
      double sum = 0;
      for (int p = 0; p < parts; p++) {
        SplittableRandom random = new Seeds(seed).at(i).at(p).random();
        sum += fit(ratios(parts == 1 ? points : subset(points, size, random)));
      }
      curve.add(new Scale(size, sum / parts));
    }
    return curve;
  }

  private static double[][] subset(double[][] points, int size, SplittableRandom random) {
    double[][] shuffled = points.clone();
    for (int i = 0; i < size; i++) {
      int j = i + random.nextInt(shuffled.length - i);
      double[] swapped = shuffled[i];
      shuffled[i] = shuffled[j];
      shuffled[j] = swapped;
    }
    return Arrays.copyOf(shuffled, size);
  }

  private static double[][] distinct(double[][] rows) {
    Set<List<Double>> seen = new HashSet<>();
    double[][] points =
        Arrays.stream(rows)
            .filter(row -> seen.add(Arrays.stream(row).boxed().toList()))
            .toArray(double[][]::new);
    Check.that(
        points.length >= 3,
        "an intrinsic dimension needs 3 different rows, got %d of %d",
        points.length,
        rows.length);
    return points;
  }

  /** Ratio of the second to the first neighbour's distance, of every point, as logarithms. */
  private static double[] ratios(double[][] points) {
    double[][] distances = SquaredDistances.between(points);
    double[] logs = new double[points.length];
    for (int i = 0; i < logs.length; i++) {
      double first = Double.POSITIVE_INFINITY;
      double second = Double.POSITIVE_INFINITY;
      for (int j = 0; j < logs.length; j++) {
        double d = i == j ? Double.POSITIVE_INFINITY : distances[i][j];
        if (d < first) {
          second = first;
          first = d;
        } else if (d < second) {
          second = d;
        }
      }
      logs[i] = Math.log(second / first) / 2;
    }
    Arrays.sort(logs);
    return logs;
  }

  private static double fit(double[] sorted) {
    int n = sorted.length;
    int kept = (int) Math.floor(KEPT * n);
    double products = 0;
    double squares = 0;
    for (int i = 0; i < kept; i++) {
      products += -Math.log(1 - (i + 1.0) / n) * sorted[i];
      squares += sorted[i] * sorted[i];
    }
    Check.that(squares > 0, "all points have two equally near neighbours; no dimension fits");
    return products / squares;
  }
}
