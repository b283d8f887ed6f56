package io.lapidary.method.tivit;

import io.lapidary.metric.Interval;
import io.lapidary.metric.MethodRanks;
import io.lapidary.metric.Statistics;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Values by name and problem, one for each seed; means over seeds stand for a problem. */
final class Scoreboard {
  private final Map<String, Map<String, List<Double>>> values = new LinkedHashMap<>();

  void note(String name, String problem, double value) {
    values
        .computeIfAbsent(name, n -> new LinkedHashMap<>())
        .computeIfAbsent(problem, p -> new ArrayList<>())
        .add(value);
  }

  void note(String problem, Map<String, Double> scores) {
    scores.forEach((name, value) -> note(name, problem, value));
  }

  List<String> names() {
    return List.copyOf(values.keySet());
  }

  List<String> problems() {
    return List.copyOf(values.values().iterator().next().keySet());
  }

  /** Mean over seeds of every problem. */
  double[] of(String name) {
    return values.get(name).values().stream()
        .mapToDouble(list -> list.stream().mapToDouble(v -> v).average().orElseThrow())
        .toArray();
  }

  /** Unweighted mean over problems. */
  double mean(String name) {
    return Statistics.mean(of(name));
  }

  /** Differences of the problems, first minus second. */
  double[] differences(String first, String second) {
    double[] a = of(first);
    double[] b = of(second);
    double[] differences = new double[a.length];
    Arrays.setAll(differences, p -> a[p] - b[p]);
    return differences;
  }

  /** Student's interval of a mean over problems; null for a single one. */
  static Interval interval(double[] perProblem) {
    return perProblem.length < 2 ? null : Statistics.meanInterval(perProblem);
  }

  /** Ranks of some methods over the problems. */
  MethodRanks ranks(List<String> methods) {
    return new MethodRanks(methods, methods.stream().map(this::of).toArray(double[][]::new));
  }
}
