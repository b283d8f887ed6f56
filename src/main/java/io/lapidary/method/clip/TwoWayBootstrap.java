package io.lapidary.method.clip;

import io.lapidary.Check;
import io.lapidary.Seeds;
import io.lapidary.metric.Interval;
import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * Percentile interval of a mean over seeds and emoji that counts both as drawn at random: each
 * resample draws seeds and emoji with replacement, every drawn emoji for every drawn seed. With one
 * seed only the emoji vary.
 */
final class TwoWayBootstrap {
  private static final int RESAMPLES = 2000;

  private TwoWayBootstrap() {}

  /**
   * The interval at level 0.95.
   *
   * @param values [seeds][emoji]
   */
  static Interval mean(double[][] values, long seed) {
    int seeds = values.length;
    int items = values[0].length;
    Check.that(items >= 2, "an interval needs at least 2 values, got %d", items);
    SplittableRandom random = new Seeds(seed).stream("bootstrap").random();
    double[] means = new double[RESAMPLES];
    double[] perItem = new double[items];
    for (int r = 0; r < RESAMPLES; r++) {
      Arrays.fill(perItem, 0);
      for (int s = 0; s < seeds; s++) {
        double[] row = values[random.nextInt(seeds)];
        for (int i = 0; i < items; i++) {
          perItem[i] += row[i];
        }
      }
      double sum = 0;
      for (int i = 0; i < items; i++) {
        sum += perItem[random.nextInt(items)];
      }
      means[r] = sum / seeds / items;
    }
    Arrays.sort(means);
    return new Interval(means[(int) (0.025 * RESAMPLES)], means[(int) (0.975 * RESAMPLES) - 1]);
  }
}
