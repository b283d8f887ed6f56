package io.lapidary.metric;

import io.lapidary.Check;

/** Checks of matrices that come as one array, row after row. */
final class Rows {
  private Rows() {}

  /** Requires at least {@code count} rows of finite numbers and names the first that is not. */
  static void require(String name, double[] values, int count, int columns) {
    Check.positive("rows", count);
    Check.that(
        values.length >= (long) count * columns,
        "%s: expected %d rows of %d numbers, found %d numbers",
        name,
        count,
        columns,
        values.length);
    for (int at = 0; at < count * columns; at++) {
      if (!Double.isFinite(values[at])) {
        throw new IllegalArgumentException(
            String.format(
                java.util.Locale.ROOT,
                "%s: row %d, column %d is %s",
                name,
                at / columns,
                at % columns,
                values[at]));
      }
    }
  }
}
