package io.lapidary.method.sae;

import io.lapidary.metric.MetricValue;
import io.lapidary.report.Claim;
import io.lapidary.report.Direction;
import io.lapidary.report.Figure;
import io.lapidary.report.RunContext;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What the parts of a run find, one value per seed and name. */
final class Findings {
  private final RunContext run;
  private final Map<String, List<Double>> values = new LinkedHashMap<>();
  private final Map<String, Long> counts = new LinkedHashMap<>();
  private final List<Claim> claims = new ArrayList<>();
  private final List<Figure> figures = new ArrayList<>();

  Findings(RunContext run) {
    this.run = run;
  }

  /** Notes a seed's value, which rests on so many images or units. */
  void note(String name, double value, long count) {
    values.computeIfAbsent(name, n -> new ArrayList<>()).add(value);
    counts.put(name, count);
  }

  /** The values of all seeds. */
  double[] of(String name) {
    return values.get(name).stream().mapToDouble(Double::doubleValue).toArray();
  }

  /** Mean over seeds. */
  double mean(String name) {
    return values.get(name).stream().mapToDouble(Double::doubleValue).average().orElse(Double.NaN);
  }

  /** Judges one value per seed against the threshold of the experiment file. */
  void claim(
      String id, String paper, String statement, String unit, Direction side, double... perSeed) {
    claims.add(run.claim(id, paper, statement, unit, side).overSeeds(perSeed));
  }

  /** Judges a share of all seeds. */
  void claimOfAll(
      String id, String paper, String statement, String unit, Direction side, double share) {
    int seeds = run.seeds().size();
    claims.add(run.claim(id, paper, statement, unit, side).measured(share, null, seeds));
  }

  void figure(Figure figure) {
    figures.add(figure);
  }

  void used(String name, String checksum) {
    run.used(name, checksum);
  }

  List<Claim> claims() {
    return claims;
  }

  List<Figure> figures() {
    return figures;
  }

  /** Means over seeds. */
  List<MetricValue> metrics() {
    return values.keySet().stream()
        .map(name -> MetricValue.of(name, mean(name), counts.get(name)))
        .toList();
  }
}
