package io.lapidary.data.series;

import io.lapidary.Check;
import io.lapidary.InputException;
import io.lapidary.Seeds;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.UnaryOperator;

/** What is done to series before a classifier sees them (as in Roschmann et al. 2025). */
public final class SeriesPreparation {
  private static final double CONSTANT = 1e-12;
  private static final double STANDARD = 0.01;

  private static final double NOISE = 0.001;

  private SeriesPreparation() {}

  /** How series of several lengths are given one. */
  public enum Lengths {
    /** Zeros at the end of the shorter ones. */
    ZEROS,
    /** Uniform noise from 0 to 0.001 at the end of the shorter ones, as others pad the archive. */
    NOISE,
    /** Straight lines between the values of the shorter ones, their ends on the ends. */
    STRETCH
  }

  /**
   * Both parts with one length and without missing values: zeros at the end up to the longest
   * series of both, then a straight line between the known neighbours of a missing value, and the
   * nearest known value before the first and after the last.
   *
   * @throws InputException when a channel has no known value
   */
  public static SeriesProblem complete(SeriesProblem problem) {
    int length = problem.maxLength();
    UnaryOperator<TimeSeries> pad = one -> padded(one, length);
    return new SeriesProblem(
        interpolated(mapped(problem.train(), pad), "train"),
        interpolated(mapped(problem.test(), pad), "test"));
  }

  /**
   * Both parts with the length of the longest series of both and without missing values.
   *
   * @param seed of the noise; the same series get the same noise whatever the lengths of others are
   * @throws InputException when a channel has no known value
   */
  public static SeriesProblem complete(SeriesProblem problem, Lengths lengths, long seed) {
    if (lengths == Lengths.ZEROS) {
      return complete(problem);
    }
    int length = problem.maxLength();
    Seeds seeds = new Seeds(seed).stream("padding");
    return new SeriesProblem(
        lengthened(interpolated(problem.train(), "train"), length, lengths, seeds.stream("train")),
        lengthened(interpolated(problem.test(), "test"), length, lengths, seeds.stream("test")));
  }

  private static SeriesSet lengthened(SeriesSet set, int length, Lengths lengths, Seeds seeds) {
    List<TimeSeries> cases = new ArrayList<>();
    for (int i = 0; i < set.size(); i++) {
      SplittableRandom random = seeds.at(i).random();
      UnaryOperator<double[]> change =
          lengths == Lengths.STRETCH
              ? channel -> stretched(channel, length)
              : channel -> {
                double[] values = Arrays.copyOf(channel, length);
                for (int t = channel.length; t < length; t++) {
                  values[t] = NOISE * random.nextDouble();
                }
                return values;
              };
      cases.add(mapped(set.cases().get(i), change));
    }
    return set.with(cases);
  }

  /** A channel stretched to a length, first and last value kept. */
  private static double[] stretched(double[] channel, int length) {
    if (channel.length == length) {
      return channel;
    }
    double[] values = new double[length];
    if (channel.length == 1) {
      Arrays.fill(values, channel[0]);
      return values;
    }
    for (int t = 0; t < length; t++) {
      double at = t * (channel.length - 1.0) / (length - 1);
      int left = Math.min((int) at, channel.length - 2);
      values[t] = channel[left] + (at - left) * (channel[left + 1] - channel[left]);
    }
    return values;
  }

  /** The set with missing values filled, as {@link #complete} does. */
  public static SeriesSet interpolated(SeriesSet set) {
    return interpolated(set, "");
  }

  private static SeriesSet interpolated(SeriesSet set, String part) {
    if (!set.hasMissing()) {
      return set;
    }
    List<TimeSeries> cases = new ArrayList<>();
    for (int i = 0; i < set.size(); i++) {
      TimeSeries one = set.cases().get(i);
      double[][] values = new double[one.channels()][];
      for (int c = 0; c < values.length; c++) {
        values[c] = filled(one.values()[c]);
        if (values[c] == null) {
          throw InputException.of(
              "%s: %s case %d: channel %d has no known value; leave the case out",
              set.name(), part, i + 1, c + 1);
        }
      }
      cases.add(new TimeSeries(values, one.label()));
    }
    return set.with(cases);
  }

  /** Missing values filled; null when there is no known one. */
  private static double[] filled(double[] channel) {
    double[] values = channel.clone();
    int known = -1;
    for (int t = 0; t < values.length; t++) {
      if (Double.isNaN(values[t])) {
        continue;
      }
      for (int gap = known + 1; gap < t; gap++) {
        values[gap] =
            known < 0
                ? values[t]
                : values[known] + (values[t] - values[known]) * (gap - known) / (t - known);
      }
      known = t;
    }
    if (known < 0) {
      return null;
    }
    Arrays.fill(values, known + 1, values.length, values[known]);
    return values;
  }

  /** The series with zeros at its end up to a length. */
  public static TimeSeries padded(TimeSeries one, int length) {
    Check.that(one.length() <= length, "a series of %d is longer than %d", one.length(), length);
    return mapped(one, channel -> Arrays.copyOf(channel, length));
  }

  /**
   * Both parts less the mean of all training values and divided by their deviation, unless these
   * are 0 and 1 to 0.01 already. A deviation of 0 divides by 1.
   */
  public static SeriesProblem standardised(SeriesProblem problem) {
    double[] values =
        problem.train().cases().stream()
            .flatMap(one -> Arrays.stream(one.values()))
            .flatMapToDouble(Arrays::stream)
            .toArray();
    double mean = mean(values);
    double deviation = deviation(values, mean);
    if (Math.abs(mean) <= STANDARD && Math.abs(deviation - 1) <= STANDARD) {
      return problem;
    }
    double scale = deviation < CONSTANT ? 1 : deviation;
    UnaryOperator<TimeSeries> change =
        one ->
            mapped(one, channel -> Arrays.stream(channel).map(v -> (v - mean) / scale).toArray());
    return new SeriesProblem(mapped(problem.train(), change), mapped(problem.test(), change));
  }

  /** Every series and channel less its mean, divided by its population deviation. */
  public static SeriesSet zNormalised(SeriesSet set) {
    return mapped(set, one -> mapped(one, SeriesPreparation::zNormalised));
  }

  /** A channel less its mean, divided by its population deviation; zeros when it is constant. */
  public static double[] zNormalised(double[] channel) {
    double mean = mean(channel);
    double deviation = deviation(channel, mean);
    return deviation < CONSTANT
        ? new double[channel.length]
        : Arrays.stream(channel).map(v -> (v - mean) / deviation).toArray();
  }

  /**
   * A channel stretched or shrunk to a length by straight lines between its points, whose places
   * are their middles: value i stands at (i + 0.5)·T/length − 0.5.
   */
  public static double[] resampled(double[] channel, int length) {
    double[] result = new double[length];
    int last = channel.length - 1;
    for (int i = 0; i < length; i++) {
      double place = (i + 0.5) * channel.length / length - 0.5;
      double at = Math.max(0, Math.min(last, place));
      int left = Math.min((int) at, Math.max(0, last - 1));
      int right = Math.min(last, left + 1);
      result[i] = channel[left] + (at - left) * (channel[right] - channel[left]);
    }
    return result;
  }

  /** Differences of neighbours; one value less than the channel has. */
  public static double[] differences(double[] channel) {
    double[] result = new double[channel.length - 1];
    Arrays.setAll(result, t -> channel[t + 1] - channel[t]);
    return result;
  }

  private static double mean(double[] values) {
    return Arrays.stream(values).sum() / values.length;
  }

  private static double deviation(double[] values, double mean) {
    return Math.sqrt(Arrays.stream(values).map(v -> (v - mean) * (v - mean)).sum() / values.length);
  }

  private static SeriesSet mapped(SeriesSet set, UnaryOperator<TimeSeries> change) {
    return set.with(set.cases().stream().map(change).toList());
  }

  private static TimeSeries mapped(TimeSeries one, UnaryOperator<double[]> change) {
    double[][] values = new double[one.channels()][];
    Arrays.setAll(values, c -> change.apply(one.values()[c]));
    return new TimeSeries(values, one.label());
  }
}
