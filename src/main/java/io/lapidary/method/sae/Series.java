package io.lapidary.method.sae;

import io.lapidary.metric.Interval;
import io.lapidary.metric.Statistics;
import io.lapidary.report.Figure;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Values per seed, compared and drawn. */
final class Series {
  private static final int POINTS = 200;

  private Series() {}

  static double[] ratio(double[] ours, double[] baseline) {
    double[] ratios = new double[ours.length];
    Arrays.setAll(ratios, i -> ours[i] / baseline[i]);
    return ratios;
  }

  static double[] difference(double[] ours, double[] baseline) {
    double[] differences = new double[ours.length];
    Arrays.setAll(differences, i -> ours[i] - baseline[i]);
    return differences;
  }

  /** Per seed the smallest step down from one list to the next. */
  static double[] smallestFall(List<double[]> falling) {
    double[] smallest = new double[falling.get(0).length];
    Arrays.fill(smallest, Double.POSITIVE_INFINITY);
    for (int i = 1; i < falling.size(); i++) {
      double[] before = falling.get(i - 1);
      double[] after = falling.get(i);
      Arrays.setAll(smallest, s -> Math.min(smallest[s], before[s] - after[s]));
    }
    return smallest;
  }

  /** Per seed the least that others are above {@code base}. */
  static double[] leastGain(double[] base, List<double[]> others) {
    double[] least = new double[base.length];
    Arrays.setAll(
        least, s -> others.stream().mapToDouble(o -> o[s] - base[s]).min().orElse(Double.NaN));
    return least;
  }

  /** Share of seeds in which every list is above the one before; a single number. */
  static double shareOfRising(List<double[]> lists) {
    int rising = 0;
    int seeds = lists.get(0).length;
    for (int s = 0; s < seeds; s++) {
      boolean up = true;
      for (int i = 1; i < lists.size(); i++) {
        up &= lists.get(i)[s] > lists.get(i - 1)[s];
      }
      rising += up ? 1 : 0;
    }
    return rising / (double) seeds;
  }

  /** Scores from best to worst over the share of units. */
  static Figure sortedScores(String title, List<String> names, List<double[]> scores) {
    List<Figure.Series> curves = new ArrayList<>();
    for (int i = 0; i < names.size(); i++) {
      double[] sorted =
          Arrays.stream(scores.get(i)).filter(v -> !Double.isNaN(v)).sorted().toArray();
      List<Double> x = new ArrayList<>();
      List<Double> y = new ArrayList<>();
      int stride = Math.max(1, sorted.length / POINTS);
      for (int j = 0; j < sorted.length; j += stride) {
        x.add(j / (double) Math.max(1, sorted.length - 1));
        y.add(sorted[sorted.length - 1 - j]);
      }
      curves.add(new Figure.Series(names.get(i), x, y));
    }
    return new Figure.LineChart(
        title,
        "Best to worst, over the share of units that are not dead; first seed.",
        "share of units",
        "MonoSemanticity score",
        false,
        curves);
  }

  /** One bar per category: the mean over seeds, with its interval where there are several. */
  static Figure bars(
      String title, String caption, String yLabel, List<String> categories, List<double[]> values) {
    return new Figure.BarChart(
        title,
        caption,
        yLabel,
        categories,
        List.of(
            new Figure.BarGroup(
                "mean over seeds",
                values.stream().map(Series::mean).toList(),
                values.stream().map(Series::interval).toList())));
  }

  /** NaN, a gap in the figure, when a seed has no value. */
  private static double mean(double[] values) {
    boolean usable = Arrays.stream(values).allMatch(Double::isFinite);
    return usable ? Statistics.mean(values) : Double.NaN;
  }

  private static Interval interval(double[] values) {
    boolean usable = values.length > 1 && Arrays.stream(values).allMatch(Double::isFinite);
    return usable ? Statistics.meanInterval(values) : null;
  }
}
