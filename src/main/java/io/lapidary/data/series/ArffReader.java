package io.lapidary.data.series;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * {@code .arff} of the archives: {@code @relation}, {@code @attribute} lines and {@code @data};
 * univariate cases are values and the class between commas, multivariate ones a quoted string with
 * {@code \n} between channels, and the class.
 */
final class ArffReader implements SeriesFiles.Format {

  @Override
  public void read(SeriesFiles.Lines lines, SeriesCollector cases) throws IOException {
    boolean data = false;
    boolean any = false;
    for (String line = lines.next(); line != null; line = lines.next()) {
      String text = line.strip();
      if (text.isEmpty() || text.startsWith("%")) {
        continue;
      }
      any = true;
      if (data) {
        add(text, lines.number(), cases);
      } else if (text.toLowerCase(Locale.ROOT).equals("@data")) {
        data = true;
      } else if (!text.startsWith("@")) {
        throw cases.error(lines.number(), "expected @relation, @attribute, @end or @data");
      }
    }
    if (!data) {
      throw cases.error(any ? "has a header, but no @data" : "is empty; expected an ARFF header");
    }
  }

  private static void add(String text, int line, SeriesCollector cases) {
    char quote = text.charAt(0);
    if (text.startsWith("{")) {
      throw cases.error(line, "sparse ARFF rows are not read");
    }
    int close = quote == '\'' || quote == '"' ? text.indexOf(quote, 1) : -1;
    // a quoted label may stand first only when nothing else is quoted: channels hold commas
    if (close > 0 && text.substring(1, close).contains(",")) {
      String[] channels = text.substring(1, close).split("\\\\n", -1);
      String rest = text.substring(close + 1).strip();
      if (!rest.startsWith(",")) {
        throw cases.error(line, "expected a comma and the class after the quoted channels");
      }
      List<double[]> values = new ArrayList<>();
      for (String channel : channels) {
        values.add(values(channel.split(",", -1), channel.split(",", -1).length, line, cases));
      }
      cases.add(line, unquoted(rest.substring(1)), values.toArray(double[][]::new));
      return;
    }
    String[] cells = text.split(",", -1);
    if (cells.length < 2) {
      throw cases.error(line, "expected values and the class between commas");
    }
    int last = cells.length - 1;
    cases.add(line, unquoted(cells[last]), new double[][] {values(cells, last, line, cases)});
  }

  private static double[] values(String[] cells, int count, int line, SeriesCollector cases) {
    double[] values = new double[count];
    for (int t = 0; t < count; t++) {
      values[t] = cases.value(line, cells[t], "value " + (t + 1));
    }
    return values;
  }

  private static String unquoted(String label) {
    String text = label.strip();
    boolean quoted = text.length() >= 2 && (text.startsWith("'") || text.startsWith("\""));
    return quoted && text.charAt(text.length() - 1) == text.charAt(0)
        ? text.substring(1, text.length() - 1)
        : text;
  }
}
