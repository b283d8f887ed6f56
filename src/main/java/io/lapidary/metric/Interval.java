package io.lapidary.metric;

import io.lapidary.Check;

/**
 * A confidence interval, both ends included. An end may be infinite (one-sided interval), never
 * NaN.
 */
public record Interval(double low, double high) {
  /** The confidence level used wherever none is asked for. */
  public static final double LEVEL = 0.95;

  public Interval {
    Check.that(
        !Double.isNaN(low) && !Double.isNaN(high) && low <= high,
        "interval must have low <= high, got [%s, %s]",
        low,
        high);
  }

  /** The interval that holds one value. */
  public static Interval point(double value) {
    return new Interval(value, value);
  }

  /** True when {@code value} lies in the interval, its ends included. */
  public boolean contains(double value) {
    return value >= low && value <= high;
  }
}
