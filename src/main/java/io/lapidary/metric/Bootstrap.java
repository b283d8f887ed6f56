package io.lapidary.metric;

import io.lapidary.Check;
import io.lapidary.Seeds;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.function.ToDoubleFunction;
import org.hipparchus.distribution.continuous.NormalDistribution;

/**
 * Bootstrap confidence intervals (Efron and Tibshirani 1993, chapters 13 and 14): resample the
 * values with replacement and look at the spread of the statistic. The same seed gives the same
 * interval.
 *
 * @param resamples how many samples to draw, at least 100; 2,000 is usual for level 0.95
 * @param level confidence level in (0, 1)
 * @param seed where the draws start
 */
public record Bootstrap(int resamples, double level, long seed) {
  private static final NormalDistribution NORMAL = new NormalDistribution();

  public Bootstrap {
    Check.that(resamples >= 100, "resamples must be at least 100, got %d", resamples);
    Statistics.requireLevel(level);
  }

  /** 2,000 resamples at level 0.95. */
  public static Bootstrap of(long seed) {
    return new Bootstrap(2000, Interval.LEVEL, seed);
  }

  /** The percentile interval of a statistic over at least two values. */
  public Interval percentile(double[] values, ToDoubleFunction<double[]> statistic) {
    double tail = (1 - level) / 2;
    double[] draws = draws(values, statistic);
    return new Interval(quantile(draws, tail), quantile(draws, 1 - tail));
  }

  /**
   * The bias-corrected and accelerated interval: corrects the percentile interval for a skewed or
   * biased statistic. Falls back to the percentile interval where the correction is undefined (all
   * draws on one side of the estimate, or a statistic that no single value changes).
   */
  public Interval bca(double[] values, ToDoubleFunction<double[]> statistic) {
    double[] draws = draws(values, statistic);
    double estimate = statistic.applyAsDouble(values.clone());
    double below = 0;
    for (double draw : draws) {
      // half of the equal draws, so that a statistic with few values is not seen as biased
      below += draw < estimate ? 1 : draw == estimate ? 0.5 : 0;
    }
    double share = below / draws.length;
    double tail = (1 - level) / 2;
    if (share <= 0 || share >= 1) {
      return new Interval(quantile(draws, tail), quantile(draws, 1 - tail));
    }
    double bias = NORMAL.inverseCumulativeProbability(share);
    double acceleration = acceleration(values, statistic);
    return new Interval(
        quantile(draws, corrected(tail, bias, acceleration)),
        quantile(draws, corrected(1 - tail, bias, acceleration)));
  }

  private static double corrected(double probability, double bias, double acceleration) {
    double z = bias + NORMAL.inverseCumulativeProbability(probability);
    return NORMAL.cumulativeProbability(bias + z / (1 - acceleration * z));
  }

  /** Skewness of the statistic from leaving out one value at a time. */
  private static double acceleration(double[] values, ToDoubleFunction<double[]> statistic) {
    double[] left = new double[values.length];
    for (int i = 0; i < values.length; i++) {
      double[] rest = new double[values.length - 1];
      System.arraycopy(values, 0, rest, 0, i);
      System.arraycopy(values, i + 1, rest, i, rest.length - i);
      left[i] = statistic.applyAsDouble(rest);
    }
    double mean = Arrays.stream(left).average().orElseThrow();
    double squares = 0;
    double cubes = 0;
    for (double value : left) {
      double d = mean - value;
      squares += d * d;
      cubes += d * d * d;
    }
    return squares == 0 ? 0 : cubes / (6 * Math.pow(squares, 1.5));
  }

  private double[] draws(double[] values, ToDoubleFunction<double[]> statistic) {
    Statistics.requireFinite(values, 2);
    SplittableRandom random = new Seeds(seed).stream("bootstrap").random();
    double[] sample = new double[values.length];
    double[] draws = new double[resamples];
    for (int draw = 0; draw < resamples; draw++) {
      for (int i = 0; i < sample.length; i++) {
        sample[i] = values[random.nextInt(values.length)];
      }
      draws[draw] = statistic.applyAsDouble(sample.clone());
      Check.that(!Double.isNaN(draws[draw]), "the statistic of a resample is NaN");
    }
    Arrays.sort(draws);
    return draws;
  }

  private static double quantile(double[] sorted, double probability) {
    double position = probability * (sorted.length - 1);
    int below = (int) Math.floor(position);
    int above = Math.min(below + 1, sorted.length - 1);
    return sorted[below] + (position - below) * (sorted[above] - sorted[below]);
  }
}
