package io.lapidary.data.series;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * {@code .ts}: header lines {@code @key value}, {@code @data}, then one case a line, channels
 * between colons and the label last. What the header says of lengths, channels and missing values
 * is not relied on, since published files leave it out or are wrong about it.
 */
final class TsReader implements SeriesFiles.Format {
  private boolean timeStamps;
  private boolean univariate;

  @Override
  public void read(SeriesFiles.Lines lines, SeriesCollector cases) throws IOException {
    header(lines, cases);
    for (String line = lines.next(); line != null; line = lines.next()) {
      String text = line.strip();
      if (text.isEmpty() || text.startsWith("#") || text.startsWith("%")) {
        continue;
      }
      int number = lines.number();
      List<double[]> channels = new ArrayList<>();
      String label =
          timeStamps
              ? stamped(text, number, cases, channels)
              : plain(text, number, cases, channels);
      if (univariate && channels.size() > 1) {
        throw cases.error(
            number, "the header says univariate, the case has %d channels", channels.size());
      }
      cases.add(number, label, channels.toArray(double[][]::new));
    }
  }

  private void header(SeriesFiles.Lines lines, SeriesCollector cases) throws IOException {
    boolean any = false;
    for (String line = lines.next(); line != null; line = lines.next()) {
      String text = line.strip();
      if (text.isEmpty() || text.startsWith("#") || text.startsWith("%")) {
        continue;
      }
      any = true;
      String[] words = text.split("\\s+");
      String key = words[0].toLowerCase(Locale.ROOT);
      if (!key.startsWith("@")) {
        throw cases.error(
            lines.number(), "expected a header line @key or @data, found '%s'", shown(text));
      }
      switch (key) {
        case "@data" -> {
          return;
        }
        case "@timestamps" -> timeStamps = flag(lines, cases, words);
        case "@univariate" -> univariate = flag(lines, cases, words);
        case "@missing", "@equallength" -> flag(lines, cases, words);
        case "@classlabel" -> {
          if (!flag(lines, cases, words)) {
            throw cases.error(
                lines.number(),
                "@classLabel false: the series have no labels; classification needs a label for"
                    + " each");
          }
          if (words.length < 3) {
            throw cases.error(lines.number(), "@classLabel true must name the classes, found none");
          }
        }
        case "@targetlabel" -> {
          if (flag(lines, cases, words)) {
            throw cases.error(
                lines.number(),
                "@targetlabel true: the series have numbers to predict; only classes are read");
          }
        }
        default -> {
          // problem name, advisory sizes and unknown keys
        }
      }
    }
    throw cases.error(any ? "has a header, but no @data" : "is empty; expected a header and @data");
  }

  private static boolean flag(SeriesFiles.Lines lines, SeriesCollector cases, String[] words) {
    String value = words.length < 2 ? "" : words[1].toLowerCase(Locale.ROOT);
    if (!value.equals("true") && !value.equals("false")) {
      throw cases.error(
          lines.number(), "%s must be true or false, found '%s'", words[0], shown(value));
    }
    return value.equals("true");
  }

  private static String shown(String text) {
    String cut = text.length() > 40 ? text.substring(0, 40) + "..." : text;
    return cut.replaceAll("\\p{Cntrl}", "?");
  }

  private static String plain(
      String text, int line, SeriesCollector cases, List<double[]> channels) {
    String[] parts = text.split(":", -1);
    if (parts.length < 2) {
      throw cases.error(line, "expected values, a colon and a label, found '%s'", shown(text));
    }
    for (int c = 0; c < parts.length - 1; c++) {
      String[] values = parts[c].split(",", -1);
      double[] channel = new double[values.length];
      for (int t = 0; t < channel.length; t++) {
        channel[t] = cases.value(line, values[t], place(c, t));
      }
      channels.add(channel);
    }
    return parts[parts.length - 1];
  }

  private static String place(int channel, int time) {
    return "channel " + (channel + 1) + ", value " + (time + 1);
  }

  /** Values are {@code (stamp,value)}; a stamp may hold blanks, commas and colons. */
  private static String stamped(
      String text, int line, SeriesCollector cases, List<double[]> channels) {
    int at = 0;
    while (at < text.length() && text.charAt(at) == '(') {
      List<Double> channel = new ArrayList<>();
      while (true) {
        int close = text.indexOf(')', at);
        int comma = close < 0 ? -1 : text.lastIndexOf(',', close);
        if (at >= text.length() || text.charAt(at) != '(' || comma <= at) {
          throw cases.error(
              line,
              "%s: expected (stamp,value), found '%s'",
              place(channels.size(), channel.size()),
              shown(text.substring(Math.min(at, text.length()))));
        }
        channel.add(
            cases.value(
                line, text.substring(comma + 1, close), place(channels.size(), channel.size())));
        at = close + 1;
        if (at >= text.length() || text.charAt(at) != ',') {
          break;
        }
        at++;
        while (at < text.length() && text.charAt(at) == ' ') {
          at++;
        }
      }
      channels.add(channel.stream().mapToDouble(v -> v).toArray());
      if (at >= text.length() || text.charAt(at) != ':') {
        throw cases.error(line, "expected a colon and a label after the values");
      }
      at++;
    }
    if (channels.isEmpty()) {
      throw cases.error(
          line, "the header says time stamps: expected (stamp,value), found '%s'", shown(text));
    }
    return text.substring(at);
  }
}
