package io.lapidary.metric;

import io.lapidary.Check;
import java.util.Arrays;
import java.util.List;
import org.hipparchus.distribution.continuous.ChiSquaredDistribution;
import org.hipparchus.stat.ranking.NaNStrategy;
import org.hipparchus.stat.ranking.NaturalRanking;
import org.hipparchus.stat.ranking.TiesStrategy;

/**
 * Several methods on several data sets: ranks by score and Friedman's test that all methods are
 * alike (Friedman 1937; Demšar 2006).
 *
 * @param methods names, at least two
 * @param scores [method][data set], higher is better
 */
public record MethodRanks(List<String> methods, double[][] scores) {
  // q of the two-tailed Nemenyi test at 0.05 for 2 to 10 methods (Demšar 2006, table 5)
  private static final double[] NEMENYI = {
    1.960, 2.344, 2.569, 2.728, 2.850, 2.948, 3.031, 3.102, 3.164
  };

  /** Checks the table. */
  public MethodRanks {
    methods = List.copyOf(methods);
    Check.that(methods.size() >= 2, "a comparison needs two methods, got %d", methods.size());
    Check.that(
        scores.length == methods.size(),
        "%d methods, but scores of %d",
        methods.size(),
        scores.length);
    for (int m = 0; m < scores.length; m++) {
      Check.that(
          scores[m].length == scores[0].length && scores[m].length > 0,
          "%s has scores on %d data sets, %s on %d",
          methods.get(m),
          scores[m].length,
          methods.get(0),
          scores[0].length);
      for (int d = 0; d < scores[m].length; d++) {
        Check.that(
            Double.isFinite(scores[m][d]),
            "%s: score on data set %d is %s",
            methods.get(m),
            d + 1,
            scores[m][d]);
      }
    }
  }

  /** Number of data sets. */
  public int dataSets() {
    return scores[0].length;
  }

  /** Ranks [method][data set]: 1 for the best score; equal scores share their mean rank. */
  public double[][] ranks() {
    NaturalRanking ranking = new NaturalRanking(NaNStrategy.FAILED, TiesStrategy.AVERAGE);
    double[][] ranks = new double[methods.size()][dataSets()];
    for (int d = 0; d < dataSets(); d++) {
      int set = d;
      // differences of rounding are no differences
      double[] column =
          Arrays.stream(scores).mapToDouble(row -> -Math.rint(row[set] * 1e9) / 1e9).toArray();
      double[] own = ranking.rank(column);
      for (int m = 0; m < own.length; m++) {
        ranks[m][d] = own[m];
      }
    }
    return ranks;
  }

  /** Mean rank of every method. */
  public double[] averageRanks() {
    return Arrays.stream(ranks())
        .mapToDouble(r -> Arrays.stream(r).average().orElseThrow())
        .toArray();
  }

  /** Friedman's statistic, corrected for ties; 0 when all methods tie on every data set. */
  public double friedman() {
    double[][] ranks = ranks();
    double k = methods.size();
    double n = dataSets();
    double squares = 0;
    for (double[] row : ranks) {
      double sum = Arrays.stream(row).sum();
      squares += sum * sum;
    }
    double ties = 0;
    for (int d = 0; d < n; d++) {
      int set = d;
      double[] column = Arrays.stream(ranks).mapToDouble(row -> row[set]).toArray();
      for (double rank : Arrays.stream(column).distinct().toArray()) {
        double t = Arrays.stream(column).filter(r -> r == rank).count();
        ties += t * t * t - t;
      }
    }
    double correction = 1 - ties / (n * k * (k * k - 1));
    return correction <= 0 ? 0 : (12 / (k * n * (k + 1)) * squares - 3 * n * (k + 1)) / correction;
  }

  /** Probability of such ranks or more uneven ones when all methods are alike. */
  public double friedmanP() {
    double value = Math.max(0, friedman());
    return 1 - new ChiSquaredDistribution(methods.size() - 1).cumulativeProbability(value);
  }

  /**
   * Difference of average ranks that is significant at 0.05 by Nemenyi's test.
   *
   * @throws IllegalArgumentException for more than 10 methods
   */
  public double nemenyiDifference() {
    int k = methods.size();
    Check.that(k <= NEMENYI.length + 1, "Nemenyi's table ends at 10 methods, got %d", k);
    return NEMENYI[k - 2] * Math.sqrt(k * (k + 1) / (6.0 * dataSets()));
  }

  /** Data sets on which {@code a} scores above, equal to and below {@code b}. */
  public int[] winsTiesLosses(int a, int b) {
    int[] counts = new int[3];
    for (int d = 0; d < dataSets(); d++) {
      double difference = Math.rint((scores[a][d] - scores[b][d]) * 1e9);
      counts[difference > 0 ? 0 : difference == 0 ? 1 : 2]++;
    }
    return counts;
  }
}
