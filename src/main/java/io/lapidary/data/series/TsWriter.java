package io.lapidary.data.series;

import io.lapidary.InputException;

/** The text of a {@code .ts} file. */
final class TsWriter {
  private TsWriter() {}

  static String text(SeriesSet set) {
    for (String name : set.classes()) {
      if (name.isBlank() || name.matches(".*[\\s:,].*")) {
        throw InputException.of(
            "%s: class '%s' cannot stand in a .ts file, which parts with blanks, colons and commas",
            set.name(), name);
      }
    }
    StringBuilder text = new StringBuilder();
    text.append("@problemName ").append(set.name().replaceAll("\\s+", "_")).append('\n');
    text.append("@timeStamps false\n@missing ").append(set.hasMissing()).append('\n');
    text.append("@univariate ").append(set.channels() == 1).append('\n');
    if (set.channels() > 1) {
      text.append("@dimensions ").append(set.channels()).append('\n');
    }
    text.append("@equalLength ").append(set.equalLength()).append('\n');
    if (set.equalLength()) {
      text.append("@seriesLength ").append(set.maxLength()).append('\n');
    }
    text.append("@classLabel true ").append(String.join(" ", set.classes())).append("\n@data\n");
    for (TimeSeries one : set.cases()) {
      for (double[] channel : one.values()) {
        for (int t = 0; t < channel.length; t++) {
          text.append(t == 0 ? "" : ",");
          text.append(Double.isNaN(channel[t]) ? "?" : Double.toString(channel[t]));
        }
        text.append(':');
      }
      text.append(set.classes().get(one.label())).append('\n');
    }
    return text.toString();
  }
}
