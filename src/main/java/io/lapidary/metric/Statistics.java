package io.lapidary.metric;

import io.lapidary.Check;
import org.hipparchus.distribution.continuous.BetaDistribution;
import org.hipparchus.distribution.continuous.TDistribution;
import org.hipparchus.stat.StatUtils;
import org.hipparchus.stat.interval.BinomialProportion;
import org.hipparchus.stat.interval.ConfidenceInterval;

/** Means, spreads and closed-form confidence intervals. */
public final class Statistics {
  private Statistics() {}

  /** Arithmetic mean of at least one value. */
  public static double mean(double... values) {
    requireFinite(values, 1);
    return StatUtils.mean(values);
  }

  /** Sample standard deviation (divisor n - 1) of at least two values. */
  public static double sd(double... values) {
    requireFinite(values, 2);
    return Math.sqrt(StatUtils.variance(values));
  }

  /** Median; the mean of the two middle values when their number is even. */
  public static double median(double... values) {
    requireFinite(values, 1);
    double[] sorted = values.clone();
    java.util.Arrays.sort(sorted);
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1
        ? sorted[middle]
        : sorted[middle - 1] + (sorted[middle] - sorted[middle - 1]) / 2;
  }

  /** Student's t-interval for the mean at level 0.95; needs two values. */
  public static Interval meanInterval(double... values) {
    return meanInterval(values, Interval.LEVEL);
  }

  /** Student's t-interval for the mean; needs two values. */
  public static Interval meanInterval(double[] values, double level) {
    requireLevel(level);
    requireFinite(values, 2);
    double mean = StatUtils.mean(values);
    double t = new TDistribution(values.length - 1).inverseCumulativeProbability(0.5 + level / 2);
    double half = t * sd(values) / Math.sqrt(values.length);
    return new Interval(mean - half, mean + half);
  }

  /** Wilson score interval for a proportion (Wilson 1927); keeps its level for small counts. */
  public static Interval wilson(int successes, int trials, double level) {
    requireProportion(successes, trials, level);
    ConfidenceInterval interval =
        BinomialProportion.getWilsonScoreInterval(trials, (double) successes / trials, level);
    return new Interval( // rounding may leave the unit interval by an ulp
        successes == 0 ? 0 : Math.max(0, interval.getLowerBound()),
        successes == trials ? 1 : Math.min(1, interval.getUpperBound()));
  }

  /** Exact interval for a proportion (Clopper and Pearson 1934); never below its level. */
  public static Interval clopperPearson(int successes, int trials, double level) {
    requireProportion(successes, trials, level);
    // not Hipparchus' own method: it turns the share back into a count by cutting off, 1 of 49 -> 0
    double tail = (1 - level) / 2;
    int failures = trials - successes;
    return new Interval(
        successes == 0
            ? 0
            : new BetaDistribution(successes, failures + 1.0).inverseCumulativeProbability(tail),
        failures == 0
            ? 1
            : new BetaDistribution(successes + 1.0, failures)
                .inverseCumulativeProbability(1 - tail));
  }

  static void requireLevel(double level) {
    Check.that(level > 0 && level < 1, "level must be in (0, 1), got %s", level);
  }

  static void requireFinite(double[] values, int least) {
    Check.that(values.length >= least, "needs at least %d values, got %d", least, values.length);
    for (int i = 0; i < values.length; i++) {
      Check.that(Double.isFinite(values[i]), "value %d is %s", i, values[i]);
    }
  }

  private static void requireProportion(int successes, int trials, double level) {
    requireLevel(level);
    Check.positive("trials", trials);
    Check.that(
        successes >= 0 && successes <= trials,
        "successes must be in [0, trials=%d], got %d",
        trials,
        successes);
  }
}
