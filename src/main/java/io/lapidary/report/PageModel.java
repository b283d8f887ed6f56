package io.lapidary.report;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.node.ArrayNode;
import io.lapidary.metric.Interval;
import io.lapidary.metric.MetricValue;
import io.lapidary.report.Figure.BarChart;
import io.lapidary.report.Figure.BarGroup;
import io.lapidary.report.Figure.Heatmap;
import io.lapidary.report.Figure.ImageGrid;
import io.lapidary.report.Figure.LineChart;
import io.lapidary.report.Figure.Mark;
import io.lapidary.report.Figure.Picture;
import io.lapidary.report.Provenance.Machine;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** What the page template shows: texts in their final form, charts as JSON. */
final class PageModel {
  private final List<Map<String, Object>> results = new ArrayList<>();
  private final ArrayNode charts = ResultFiles.mapper().createArrayNode();
  private final Map<Verdict, Long> counts = new HashMap<>();
  private boolean anyIndicative;

  ArrayNode charts() {
    return charts;
  }

  Map<String, Object> values() {
    long claims = counts.values().stream().mapToLong(n -> n).sum();
    return Map.of(
        "results",
        results,
        "claimCount",
        claims,
        "holds",
        counts.getOrDefault(Verdict.HOLDS, 0L),
        "fails",
        counts.getOrDefault(Verdict.FAILS, 0L),
        "inconclusive",
        counts.getOrDefault(Verdict.INCONCLUSIVE, 0L),
        "anyIndicative",
        anyIndicative,
        "seedsNeeded",
        ClaimSpec.SEEDS);
  }

  void add(Result result) {
    Map<String, Object> view = new LinkedHashMap<>();
    view.put("anchor", "r" + results.size() + "-" + result.experiment() + "-" + result.scale());
    view.put("experiment", result.experiment());
    view.put("scale", result.scale());
    view.put("holds", result.count(Verdict.HOLDS));
    view.put("fails", result.count(Verdict.FAILS));
    view.put("inconclusive", result.count(Verdict.INCONCLUSIVE));
    view.put("seedCount", result.seeds().size());
    view.put("seeds", String.join(", ", result.seeds().stream().map(String::valueOf).toList()));
    view.put("seconds", Numbers.text(result.provenance().seconds()));
    view.put("startedAt", result.provenance().startedAt().toString());
    view.put("device", result.provenance().machine().device());
    view.put("commit", shortCommit(result.provenance().machine().commit()));
    view.put("claims", result.claims().stream().map(PageModel::claim).toList());
    view.put("metrics", result.metrics().stream().map(PageModel::metric).toList());
    view.put("figures", result.figures().stream().map(this::figure).toList());
    view.put("provenance", provenance(result.provenance()));
    view.put("config", config(result.provenance()));
    results.add(view);
    for (Verdict verdict : Verdict.values()) {
      counts.merge(verdict, result.count(verdict), Long::sum);
    }
    anyIndicative |= result.claims().stream().anyMatch(Claim::indicative);
  }

  private static Map<String, Object> claim(Claim claim) {
    Map<String, Object> view = new HashMap<>();
    view.put("id", claim.id());
    view.put("paper", claim.paper());
    view.put("statement", claim.statement());
    view.put("note", claim.note() == null ? "" : claim.note());
    view.put("verdict", claim.verdict().name());
    view.put("style", claim.verdict().name().toLowerCase(Locale.ROOT));
    view.put(
        "sign",
        switch (claim.verdict()) {
          case HOLDS -> "\u2714";
          case FAILS -> "\u2718";
          case INCONCLUSIVE -> "\u2248";
        });
    view.put("indicative", claim.indicative());
    view.put("value", Numbers.text(claim.value(), claim.unit()));
    view.put("interval", Numbers.text(claim.ci()));
    view.put(
        "threshold",
        sign(claim.direction())
            + " "
            + Numbers.withUnit(Numbers.chosen(claim.threshold()), claim.unit()));
    return view;
  }

  private static String sign(Direction direction) {
    return switch (direction) {
      case ABOVE -> ">";
      case AT_LEAST -> "\u2265";
      case BELOW -> "<";
      case AT_MOST -> "\u2264";
    };
  }

  private static Map<String, Object> metric(MetricValue metric) {
    return Map.of(
        "name",
        metric.name(),
        "value",
        Numbers.text(metric.value(), metric.unit()),
        "count",
        String.format(Locale.ROOT, "%,d", metric.count()));
  }

  private Map<String, Object> figure(Figure figure) {
    Map<String, Object> view = new HashMap<>();
    view.put("title", figure.title());
    view.put("caption", figure.caption());
    view.put("kind", "plain");
    view.put("height", 0);
    if (figure instanceof ImageGrid grid) {
      view.put("kind", "images wide");
      view.put("rows", grid.rows().stream().map(PageModel::pictures).toList());
      return view;
    }
    String id = "chart" + charts.size();
    view.put("id", id);
    charts.add(HtmlReport.chart(id, figure));
    if (figure instanceof BarChart bars) {
      view.put("head", concat("", bars.groups().stream().map(BarGroup::name).toList()));
      view.put("table", barRows(bars));
      view.put("kind", bars.categories().size() > 12 ? "bars wide" : "bars");
    } else if (figure instanceof Heatmap heatmap) {
      view.put("head", concat(heatmap.yLabel() + " \\ " + heatmap.xLabel(), heatmap.columns()));
      view.put("table", heatRows(heatmap));
      view.put("height", Math.min(900, 200 + 26 * heatmap.rows().size()));
      view.put("kind", heatmap.columns().size() > 8 ? "heatmap wide" : "heatmap");
    } else if (figure instanceof LineChart lines) {
      view.put("head", List.of("", "points", "first", "last", "lowest", "highest"));
      view.put("table", lines.series().stream().map(PageModel::lineRow).toList());
    }
    return view;
  }

  private static List<Map<String, Object>> pictures(List<Picture> row) {
    List<Map<String, Object>> views = new ArrayList<>();
    for (Picture picture : row) {
      String sign =
          picture.mark() == Mark.RIGHT ? "\u2714" : picture.mark() == Mark.WRONG ? "\u2718" : "";
      String said =
          picture.mark() == Mark.NONE ? "" : picture.mark().name().toLowerCase(Locale.ROOT);
      views.add(
          Map.of(
              "png",
              picture.png(),
              "caption",
              picture.caption(),
              "style",
              said,
              "sign",
              sign,
              "alt",
              (said + " " + picture.caption()).strip()));
    }
    return views;
  }

  private static List<List<String>> barRows(BarChart chart) {
    List<List<String>> rows = new ArrayList<>();
    for (int i = 0; i < chart.categories().size(); i++) {
      List<String> cells = new ArrayList<>();
      for (BarGroup group : chart.groups()) {
        Interval interval = group.intervals().get(i);
        cells.add((Numbers.text(group.values().get(i)) + " " + Numbers.text(interval)).strip());
      }
      rows.add(concat(chart.categories().get(i), cells));
    }
    return rows;
  }

  private static List<List<String>> heatRows(Heatmap map) {
    List<List<String>> rows = new ArrayList<>();
    for (int i = 0; i < map.rows().size(); i++) {
      rows.add(concat(map.rows().get(i), map.values().get(i).stream().map(Numbers::text).toList()));
    }
    return rows;
  }

  private static List<String> lineRow(Figure.Series series) {
    List<Double> y = series.y().stream().filter(v -> !v.isNaN()).toList();
    if (y.isEmpty()) {
      return List.of(series.name(), "0", "-", "-", "-", "-");
    }
    return List.of(
        series.name(),
        Integer.toString(y.size()),
        Numbers.text(y.get(0)),
        Numbers.text(y.get(y.size() - 1)),
        Numbers.text(y.stream().mapToDouble(v -> v).min().orElseThrow()),
        Numbers.text(y.stream().mapToDouble(v -> v).max().orElseThrow()));
  }

  private static List<String> concat(String first, List<String> rest) {
    List<String> all = new ArrayList<>(rest.size() + 1);
    all.add(first);
    all.addAll(rest);
    return all;
  }

  private static List<Map<String, String>> provenance(Provenance provenance) {
    Machine machine = provenance.machine();
    List<Map<String, String>> rows = new ArrayList<>();
    row(rows, "Commit", machine.commit());
    row(rows, "Lapidary", machine.lapidary());
    row(rows, "ND4J", machine.nd4j());
    row(rows, "Java", machine.java());
    row(rows, "System", machine.os());
    row(rows, "Processor", machine.cpu());
    row(rows, "Threads", Integer.toString(machine.threads()));
    row(rows, "Device", machine.device());
    provenance.data().forEach((name, checksum) -> row(rows, "Data " + name, checksum));
    return rows;
  }

  private static void row(List<Map<String, String>> rows, String key, String value) {
    rows.add(Map.of("key", key, "value", value));
  }

  private static String shortCommit(String commit) {
    return commit.matches("[0-9a-f]{40,}.*") ? commit.substring(0, 10) : commit;
  }

  private static String config(Provenance provenance) {
    try {
      return ResultFiles.mapper()
          .writerWithDefaultPrettyPrinter()
          .writeValueAsString(provenance.config());
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("configuration cannot be shown: " + e.getMessage(), e);
    }
  }
}
