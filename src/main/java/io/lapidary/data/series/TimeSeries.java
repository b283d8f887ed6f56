package io.lapidary.data.series;

import io.lapidary.Check;

/**
 * One case: the values of every channel and the class. Not copied: whoever makes one leaves the
 * arrays alone afterwards.
 *
 * @param values [channels][time], all channels equally long, at least one value; a missing value is
 *     NaN
 * @param label index into {@link SeriesSet#classes}
 */
public record TimeSeries(double[][] values, int label) {

  public TimeSeries {
    Check.that(values.length > 0, "a series needs at least one channel");
    Check.that(values[0].length > 0, "a series needs at least one value");
    for (int c = 1; c < values.length; c++) {
      Check.that(
          values[c].length == values[0].length,
          "channels must be equally long: channel 0 has %d values, channel %d has %d",
          values[0].length,
          c,
          values[c].length);
    }
    Check.notNegative("label", label);
  }

  /** Number of channels. */
  public int channels() {
    return values.length;
  }

  /** Number of time steps. */
  public int length() {
    return values[0].length;
  }

  /** Whether any value is missing. */
  public boolean hasMissing() {
    for (double[] channel : values) {
      for (double value : channel) {
        if (Double.isNaN(value)) {
          return true;
        }
      }
    }
    return false;
  }
}
