package io.lapidary.method.tivit.baseline;

import io.lapidary.Check;
import java.util.Arrays;

/**
 * Which dilations the 84 fixed kernels have for a length, and how many features each gets
 * (Dempster, Schmidt and Webb 2021).
 *
 * @param steps dilations in ascending order
 * @param features features of each kernel at each dilation
 */
record Dilations(int[] steps, int[] features) {
  /** Values of a kernel. */
  static final int KERNEL = 9;

  private static final int MOST = 32;
  private static final double GOLDEN = (Math.sqrt(5) + 1) / 2;

  /**
   * @param length of the series, at least 9
   * @param perKernel features of each kernel over all dilations
   */
  static Dilations of(int length, int perKernel) {
    Check.that(length >= KERNEL, "series need at least %d values, got %d", KERNEL, length);
    int most = Math.min(perKernel, MOST);
    double top = Math.log((length - 1) / (double) (KERNEL - 1)) / Math.log(2);
    int[] all = new int[most];
    for (int i = 0; i < most; i++) {
      double exponent = most == 1 ? 0 : i * top / (most - 1);
      all[i] = (int) Math.floor(Math.pow(2, exponent) + 1e-9); // 2^2 must not become 3
    }
    int[] steps = Arrays.stream(all).distinct().toArray();
    int[] features = new int[steps.length];
    int sum = 0;
    for (int d = 0; d < steps.length; d++) {
      int step = steps[d];
      long times = Arrays.stream(all).filter(s -> s == step).count();
      features[d] = (int) (times * perKernel / most);
      sum += features[d];
    }
    for (int d = 0; sum < perKernel; d = (d + 1) % steps.length) {
      features[d]++;
      sum++;
    }
    return new Dilations(steps, features);
  }

  /** Features over all dilations, of one kernel. */
  int perKernel() {
    return Arrays.stream(features).sum();
  }

  /** Quantile number {@code m}, from 1: the low-discrepancy sequence of the golden ratio. */
  static double quantile(int m) {
    double v = m * GOLDEN;
    return v - Math.floor(v);
  }
}
