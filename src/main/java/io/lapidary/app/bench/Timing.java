package io.lapidary.app.bench;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * One line of results.
 *
 * @param runs number of timed runs
 * @param threads threads of one operation
 * @param engine what ran it
 */
record Timing(
    String workload, double medianMillis, double minMillis, int runs, int threads, String engine) {

  static final List<String> HEADER =
      List.of("workload", "median_ms", "min_ms", "runs", "threads", "engine");

  static Timing of(String workload, Stopwatch watch, int threads, String engine) {
    return new Timing(
        workload, watch.medianMillis(), watch.minMillis(), watch.runs(), threads, engine);
  }

  /** One JSON object on one line, times in milliseconds. */
  String json() {
    return tree().toString();
  }

  /** The same as a tree, to which more can be added. */
  ObjectNode tree() {
    return JsonNodeFactory.instance
        .objectNode()
        .put("workload", workload)
        .put("median_ms", rounded(medianMillis))
        .put("min_ms", rounded(minMillis))
        .put("runs", runs)
        .put("threads", threads)
        .put("engine", engine);
  }

  /** A row of the table, of the same widths as {@link #headerRow()}. */
  String row() {
    List<String> cells = new ArrayList<>();
    cells.add(workload);
    cells.add(String.format(Locale.ROOT, "%.3f", medianMillis));
    cells.add(String.format(Locale.ROOT, "%.3f", minMillis));
    cells.add(Integer.toString(runs));
    cells.add(Integer.toString(threads));
    cells.add(engine);
    return aligned(cells);
  }

  static String headerRow() {
    return aligned(HEADER);
  }

  private static String aligned(List<String> cells) {
    return String.format(Locale.ROOT, "%-14s %11s %11s %6s %8s  %s", cells.toArray());
  }

  private static double rounded(double millis) {
    return Math.round(millis * 1000) / 1000.0;
  }
}
