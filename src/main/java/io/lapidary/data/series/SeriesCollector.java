package io.lapidary.data.series;

import io.lapidary.InputException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;

/** Gathers the cases of a file and checks that they fit together. */
final class SeriesCollector {
  private final Path file;
  private final List<String> known;
  private final List<double[][]> values = new ArrayList<>();
  private final List<String> labels = new ArrayList<>();
  private int firstLine;

  /**
   * @param known classes that labels must be among; null for any
   */
  SeriesCollector(Path file, List<String> known) {
    this.file = file;
    this.known = known;
  }

  /** An error at a line. */
  InputException error(int line, String format, Object... args) {
    return new InputException(
        file + ":" + line + ": " + InputException.of(format, args).getMessage());
  }

  /** An error of the whole file. */
  InputException error(String message) {
    return new InputException(file + ": " + message);
  }

  /**
   * A value; {@code ?} and {@code NaN} are missing.
   *
   * @param place what and where it is, for errors
   */
  double value(int line, String text, String place) {
    String value = text.strip();
    if (value.equals("?") || value.equalsIgnoreCase("nan")) {
      return Double.NaN;
    }
    double number;
    try {
      // Java also reads 1f, 1d and hexadecimal numbers
      boolean plain = value.matches("[-+]?[0-9.]+([eE][-+]?[0-9]+)?");
      number = plain ? Double.parseDouble(value) : Double.POSITIVE_INFINITY;
    } catch (NumberFormatException e) {
      number = Double.POSITIVE_INFINITY;
    }
    if (!Double.isFinite(number)) {
      throw error(
          line,
          "%s: expected a finite number, ? or NaN, found '%s'",
          place,
          value.length() > 40 ? value.substring(0, 40) + "..." : value);
    }
    return number;
  }

  /** Adds a case. */
  void add(int line, String label, double[][] channels) {
    String trimmed = label.strip();
    if (trimmed.isEmpty()) {
      throw error(line, "the case has no label");
    }
    if (known != null && !known.contains(trimmed)) {
      throw error(
          line,
          "class '%s' does not occur in the training part, which has %s",
          trimmed,
          known.size() <= 20 ? known : known.size() + " classes");
    }
    for (int c = 1; c < channels.length; c++) {
      if (channels[c].length != channels[0].length) {
        throw error(
            line,
            "channel %d has %d values, channel 1 has %d",
            c + 1,
            channels[c].length,
            channels[0].length);
      }
    }
    for (int c = 0; c < channels.length; c++) {
      if (channels[c].length < 2) {
        throw error(line, "channel %d has one value; a series needs two", c + 1);
      }
      if (Arrays.stream(channels[c]).allMatch(Double::isNaN)) {
        throw error(line, "channel %d has no known value; leave the case out", c + 1);
      }
    }
    if (values.isEmpty()) {
      firstLine = line;
    } else if (channels.length != values.get(0).length) {
      throw error(
          line,
          "the case has %d channels, that of line %d has %d",
          channels.length,
          firstLine,
          values.get(0).length);
    }
    values.add(channels);
    labels.add(trimmed);
  }

  /** All cases. */
  SeriesSet finish() {
    if (values.isEmpty()) {
      throw error("holds no case");
    }
    List<String> classes = known == null ? List.copyOf(new TreeSet<>(labels)) : known;
    List<TimeSeries> cases = new ArrayList<>();
    for (int i = 0; i < values.size(); i++) {
      cases.add(new TimeSeries(values.get(i), classes.indexOf(labels.get(i))));
    }
    String name = file.getFileName().toString().replaceFirst("\\.[^.]*$", "");
    return new SeriesSet(name.replaceFirst("_(TRAIN|TEST)$", ""), classes, cases);
  }
}
