package io.lapidary.report;

import io.lapidary.metric.Interval;
import java.util.Locale;

/** Numbers as people read them; the stored files keep every digit. */
final class Numbers {
  private Numbers() {}

  /** About four significant digits. */
  static String text(double value) {
    if (Double.isNaN(value)) {
      return "-";
    }
    if (Double.isInfinite(value)) {
      return value > 0 ? "inf" : "-inf";
    }
    double size = Math.abs(value);
    if (value == Math.rint(value) && size < 1e7) {
      return Long.toString((long) value);
    }
    if (size >= 1e7 || size < 1e-4) {
      return String.format(Locale.ROOT, "%.2e", value);
    }
    int digits = size >= 1000 ? 0 : size >= 100 ? 1 : size >= 10 ? 2 : size >= 0.1 ? 3 : 4;
    return String.format(Locale.ROOT, "%." + digits + "f", value);
  }

  /** A number someone chose: like {@link #text(double)}, without zeros at the end. */
  static String chosen(double value) {
    String text = text(value);
    return text.contains(".") && !text.contains("e") ? text.replaceAll("\\.?0+$", "") : text;
  }

  /** The number with its unit. */
  static String text(double value, String unit) {
    return withUnit(text(value), unit);
  }

  /** A text with a unit behind it. */
  static String withUnit(String text, String unit) {
    return unit.isEmpty() ? text : unit.equals("%") ? text + "%" : text + " " + unit;
  }

  /** {@code [low, high]}, or nothing. */
  static String text(Interval interval) {
    return interval == null ? "" : "[" + text(interval.low()) + ", " + text(interval.high()) + "]";
  }
}
