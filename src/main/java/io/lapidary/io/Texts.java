package io.lapidary.io;

import java.util.Arrays;
import java.util.Collection;
import java.util.stream.Collectors;

/** Text from a file made fit for a one-line message: bounded and without control characters. */
final class Texts {
  private static final int LONGEST = 160;

  private Texts() {}

  /** The text on one line, cut to 160 characters. */
  static String line(String text) {
    if (text == null) {
      return "null";
    }
    String head = text.length() > LONGEST ? text.substring(0, LONGEST) + "..." : text;
    return head.codePoints()
        .mapToObj(c -> Character.isISOControl(c) ? " " : Character.toString(c))
        .collect(Collectors.joining());
  }

  /** The text as {@link #line}, between quotes. */
  static String quote(String text) {
    return "'" + line(text) + "'";
  }

  /** The first {@code limit} texts, quoted, and how many were left off. */
  static String some(Collection<String> texts, int limit) {
    String shown = texts.stream().limit(limit).map(Texts::quote).collect(Collectors.joining(", "));
    int left = texts.size() - limit;
    return left > 0 ? shown + " and " + left + " more" : shown;
  }

  /** A shape as {@code [2, 3]}, cut to one short line. */
  static String shape(long[] shape) {
    return line(Arrays.toString(shape));
  }
}
