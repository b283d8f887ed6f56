package io.lapidary.data.series;

import java.io.IOException;
import java.util.Arrays;

/**
 * The tables of the UCR archive: no header, one case a line, the label and then the values between
 * tabs, commas or blanks. Missing values at the end are the end of a shorter series.
 */
final class TableReader implements SeriesFiles.Format {

  @Override
  public void read(SeriesFiles.Lines lines, SeriesCollector cases) throws IOException {
    boolean any = false;
    for (String line = lines.next(); line != null; line = lines.next()) {
      if (line.isBlank()) {
        continue;
      }
      any = true;
      String text = line.strip();
      String separator = line.contains("\t") ? "\t" : text.contains(",") ? "," : "\\s+";
      String[] cells = text.split(separator, -1);
      double[] values = new double[cells.length - 1];
      int length = 0;
      for (int t = 0; t < values.length; t++) {
        values[t] = cases.value(lines.number(), cells[t + 1], "column " + (t + 2));
        length = Double.isNaN(values[t]) ? length : t + 1;
      }
      if (length == 0) {
        throw cases.error(
            lines.number(), "expected a label and values, found a label without any value");
      }
      cases.add(lines.number(), cells[0], new double[][] {Arrays.copyOf(values, length)});
    }
    if (!any) {
      throw cases.error("is empty; expected one case a line: the label, then the values");
    }
  }
}
