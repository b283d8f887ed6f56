package io.lapidary.report;

import io.lapidary.metric.Interval;

/** What a measurement says about a claim. */
public enum Verdict {
  /** Every value of the interval satisfies the claim. */
  HOLDS,
  /** No value of the interval satisfies the claim. */
  FAILS,
  /** The interval holds values of both kinds, or nothing could be measured. */
  INCONCLUSIVE;

  /**
   * Decides a claim. Without an interval the value stands for itself.
   *
   * @param value what was measured; NaN is inconclusive
   * @param interval its confidence interval, or null
   */
  public static Verdict of(double value, Interval interval, Direction direction, double threshold) {
    if (Double.isNaN(value) || Double.isNaN(threshold)) {
      return INCONCLUSIVE;
    }
    Interval whole = interval == null ? Interval.point(value) : interval;
    boolean low = direction.satisfied(whole.low(), threshold);
    boolean high = direction.satisfied(whole.high(), threshold);
    return low && high ? HOLDS : low || high ? INCONCLUSIVE : FAILS;
  }
}
