package io.lapidary.metric;

import io.lapidary.Check;

/**
 * A measured number.
 *
 * @param name what was measured, for example {@code recall@1}
 * @param value the number; NaN when nothing was measured
 * @param unit the unit, empty for plain ratios and counts
 * @param count how many examples the number rests on
 */
public record MetricValue(String name, double value, String unit, long count) {
  public MetricValue {
    Check.that(name != null && !name.isBlank(), "a metric needs a name");
    Check.present("unit", unit);
    Check.that(count >= 0, "count must be at least 0, got %d", count);
  }

  /** A plain ratio or count. */
  public static MetricValue of(String name, double value, long count) {
    return new MetricValue(name, value, "", count);
  }
}
