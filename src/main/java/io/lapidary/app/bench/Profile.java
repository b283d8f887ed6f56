package io.lapidary.app.bench;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.lapidary.engine.Plan;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** Where the time of a step goes, by kind of op; and as a trace that Chrome and Perfetto show. */
record Profile(String workload, List<Plan.CallTime> calls, Plan.Stats stats, double updateMillis) {
  private static final Set<String> COPIES =
      Set.of("permute", "concat", "slice", "pad", "broadcast", "cast", "gather");
  private static final Set<String> PRODUCTS =
      Set.of("matmul", "conv2d", "conv2d_bp", "conv2d_weight_bp");

  private record Row(String kind, int calls, double millis, long bytes) {}

  /** An aligned table and a summary. */
  List<String> lines() {
    List<String> lines = new ArrayList<>();
    double total = millis(calls);
    lines.add(
        String.format(
            Locale.ROOT,
            "%s: %.2f ms in %d calls, %.2f ms in the optimizer",
            workload,
            total,
            calls.size(),
            updateMillis));
    lines.add(
        String.format(
            Locale.ROOT,
            "%-26s %6s %10s %7s %10s",
            "op (* fused kernel)",
            "calls",
            "ms",
            "share",
            "MB out"));
    for (Row row : rows()) {
      lines.add(
          String.format(
              Locale.ROOT,
              "%-26s %6d %10.3f %6.1f%% %10.2f",
              row.kind,
              row.calls,
              row.millis,
              100 * row.millis / total,
              row.bytes / 1e6));
    }
    double products = millis(calls.stream().filter(c -> PRODUCTS.contains(c.kind())).toList());
    List<Plan.CallTime> copies = calls.stream().filter(c -> COPIES.contains(c.kind())).toList();
    lines.add(
        String.format(
            Locale.ROOT,
            "matrix products and convolutions %.1f%%; copies %.1f%%, %.1f MB; activations %.1f MB (%.1f MB without reuse)",
            100 * products / total,
            100 * millis(copies) / total,
            copies.stream().mapToLong(Plan.CallTime::bytes).sum() / 1e6,
            stats.bytes() / 1e6,
            stats.unsharedBytes() / 1e6));
    return lines;
  }

  private static double millis(List<Plan.CallTime> calls) {
    return calls.stream().mapToDouble(Plan.CallTime::microseconds).sum() / 1e3;
  }

  private List<Row> rows() {
    Map<String, Row> rows = new LinkedHashMap<>();
    for (Plan.CallTime call : calls) {
      String kind = call.kind() + (call.fused() ? "*" : "");
      Row one = new Row(kind, 1, call.microseconds() / 1e3, call.bytes());
      rows.merge(
          kind,
          one,
          (a, b) -> new Row(kind, a.calls + b.calls, a.millis + b.millis, a.bytes + b.bytes));
    }
    return rows.values().stream()
        .sorted(Comparator.comparingDouble(Row::millis).reversed())
        .toList();
  }

  /** The calls one after the other in the Trace Event Format. */
  String trace() {
    ArrayNode events = JsonNodeFactory.instance.arrayNode();
    double start = 0;
    for (Plan.CallTime call : calls) {
      ObjectNode event =
          events
              .addObject()
              .put("name", call.kind())
              .put("ph", "X")
              .put("ts", start)
              .put("dur", call.microseconds())
              .put("pid", 1)
              .put("tid", 1);
      event
          .putObject("args")
          .put("result", call.result())
          .put("bytes", call.bytes())
          .put("fused", call.fused());
      start += call.microseconds();
    }
    return JsonNodeFactory.instance.objectNode().set("traceEvents", events).toString();
  }
}
