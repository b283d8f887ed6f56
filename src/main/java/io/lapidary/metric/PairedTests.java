package io.lapidary.metric;

import io.lapidary.Check;
import java.util.Arrays;
import org.hipparchus.distribution.continuous.NormalDistribution;
import org.hipparchus.stat.inference.TTest;
import org.hipparchus.stat.ranking.NaNStrategy;
import org.hipparchus.stat.ranking.NaturalRanking;
import org.hipparchus.stat.ranking.TiesStrategy;

/**
 * Two-sided tests of two measurements of the same items (the same seed, the same example), and the
 * correction for asking several questions. All return p-values.
 */
public final class PairedTests {
  private static final int EXACT_LIMIT = 50;

  private PairedTests() {}

  /**
   * Paired t-test that the mean difference is 0. Needs two pairs. When all differences are equal
   * the p-value is 1 for the difference 0 and else 0, the limit of the statistic.
   */
  public static double pairedT(double[] first, double[] second) {
    double[] differences = differences(first, second, 2);
    if (Arrays.stream(differences).allMatch(d -> d == differences[0])) {
      return differences[0] == 0 ? 1 : 0;
    }
    return new TTest().pairedTTest(first, second);
  }

  /**
   * Wilcoxon signed-rank test that the differences are symmetric around 0. Zero differences are
   * left out (Wilcoxon 1945) and equal magnitudes share their mean rank. Up to 50 differences the
   * p-value is exact under these very ranks, ties included; above, the normal approximation with
   * continuity and tie correction. With nothing but zero differences the p-value is 1.
   */
  public static double wilcoxonSignedRank(double[] first, double[] second) {
    double[] differences =
        Arrays.stream(differences(first, second, 1)).filter(d -> d != 0).toArray();
    int n = differences.length;
    if (n == 0) {
      return 1;
    }
    double[] ranks =
        new NaturalRanking(NaNStrategy.FAILED, TiesStrategy.AVERAGE)
            .rank(Arrays.stream(differences).map(Math::abs).toArray());
    double plus = 0;
    double total = 0;
    double squares = 0;
    for (int i = 0; i < n; i++) {
      plus += differences[i] > 0 ? ranks[i] : 0;
      total += ranks[i];
      squares += ranks[i] * ranks[i];
    }
    double smaller = Math.min(plus, total - plus);
    if (n <= EXACT_LIMIT) {
      return Math.min(1, 2 * lowerTail(ranks, smaller));
    }
    double z = (smaller + 0.5 - total / 2) / Math.sqrt(squares / 4);
    return Math.min(1, 2 * new NormalDistribution().cumulativeProbability(z));
  }

  /**
   * The test as comparisons of classifiers take it: differences are rounded to 1e-9 and zeros left
   * out; exact for at most 25 differences of distinct magnitude, else the normal approximation with
   * tie correction and without continuity correction. 1 with nothing but zeros.
   */
  public static double wilcoxonRounded(double[] first, double[] second) {
    double[] differences =
        Arrays.stream(differences(first, second, 1))
            .map(d -> Math.rint(d * 1e9) / 1e9)
            .filter(d -> d != 0)
            .toArray();
    int n = differences.length;
    if (n == 0) {
      return 1;
    }
    double[] magnitudes = Arrays.stream(differences).map(Math::abs).toArray();
    double[] ranks = new NaturalRanking(NaNStrategy.FAILED, TiesStrategy.AVERAGE).rank(magnitudes);
    double plus = 0;
    double total = 0;
    double squares = 0; // n(n+1)(2n+1)/6 less what ties take
    for (int i = 0; i < n; i++) {
      plus += differences[i] > 0 ? ranks[i] : 0;
      total += ranks[i];
      squares += ranks[i] * ranks[i];
    }
    double smaller = Math.min(plus, total - plus);
    if (n <= 25 && Arrays.stream(magnitudes).distinct().count() == n) {
      return Math.min(1, 2 * lowerTail(ranks, smaller));
    }
    double z = (smaller - total / 2) / Math.sqrt(squares / 4);
    return Math.min(1, 2 * new NormalDistribution().cumulativeProbability(z));
  }

  /**
   * Holm's step-down correction (Holm 1979): adjusted p-values, in the order given, that keep the
   * chance of any false finding at the level they are compared with.
   */
  public static double[] holm(double... pValues) {
    int n = pValues.length;
    Integer[] order = new Integer[n];
    for (int i = 0; i < n; i++) {
      Check.between("p-value " + i, pValues[i], 0, 1);
      order[i] = i;
    }
    Arrays.sort(order, (a, b) -> Double.compare(pValues[a], pValues[b]));
    double[] adjusted = new double[n];
    double least = 0;
    for (int i = 0; i < n; i++) {
      least = Math.max(least, Math.min(1, (n - i) * pValues[order[i]]));
      adjusted[order[i]] = least;
    }
    return adjusted;
  }

  /** First minus second, item by item. */
  public static double[] differences(double[] first, double[] second) {
    return differences(first, second, 1);
  }

  private static double[] differences(double[] first, double[] second, int least) {
    Check.that(
        first.length == second.length,
        "paired values must be equally many, got %d and %d",
        first.length,
        second.length);
    Statistics.requireFinite(first, least);
    Statistics.requireFinite(second, least);
    double[] differences = new double[first.length];
    for (int i = 0; i < differences.length; i++) {
      differences[i] = first[i] - second[i];
    }
    return differences;
  }

  /** P(sum of a random half of the signs' ranks <= bound), by counting over doubled ranks. */
  private static double lowerTail(double[] ranks, double bound) {
    int total = (int) Math.round(2 * Arrays.stream(ranks).sum());
    double[] probability = new double[total + 1];
    probability[0] = 1;
    for (double rank : ranks) {
      int step = (int) Math.round(2 * rank);
      for (int sum = total; sum >= 0; sum--) {
        probability[sum] = (probability[sum] + (sum >= step ? probability[sum - step] : 0)) / 2;
      }
    }
    double tail = 0;
    for (int sum = 0; sum <= Math.round(2 * bound); sum++) {
      tail += probability[sum];
    }
    return tail;
  }
}
