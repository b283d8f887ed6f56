package io.lapidary;

import java.util.Locale;
import java.util.Objects;

/**
 * Argument checks whose messages name the argument and the value found. All throw {@link
 * IllegalArgumentException}.
 */
public final class Check {
  private Check() {}

  /**
   * Requires {@code condition}; the message is built as by {@link String#format} only when it
   * fails.
   */
  public static void that(boolean condition, String format, Object... args) {
    if (!condition) {
      throw new IllegalArgumentException(String.format(Locale.ROOT, format, args));
    }
  }

  /** Requires a value above zero. */
  public static void positive(String name, double value) {
    that(value > 0, "%s must be above 0, got %s", name, number(value));
  }

  /** Requires a value of at least zero. */
  public static void notNegative(String name, double value) {
    that(value >= 0, "%s must be at least 0, got %s", name, number(value));
  }

  /** Requires {@code low <= value <= high}. */
  public static void between(String name, double value, double low, double high) {
    that(
        value >= low && value <= high,
        "%s must be in [%s, %s], got %s",
        name,
        number(low),
        number(high),
        number(value));
  }

  /** Requires a value and returns it. */
  public static <T> T present(String name, T value) {
    that(Objects.nonNull(value), "%s is missing", name);
    return value;
  }

  private static String number(double value) {
    return value == Math.rint(value) && Math.abs(value) < 1e15
        ? Long.toString((long) value)
        : Double.toString(value);
  }
}
