package io.lapidary.report;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.lapidary.AtomicFiles;
import io.lapidary.Check;
import io.lapidary.InputException;
import io.lapidary.report.Figure.Series;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Reads curves from the metric logs of training: one JSON object per line. */
public final class MetricLogs {
  private static final ObjectMapper JSON = new ObjectMapper();

  private MetricLogs() {}

  /**
   * One curve. Lines without either key are left out; a last line without its end, as a killed run
   * leaves it, is ignored.
   *
   * @param file the log
   * @param name name of the curve
   * @param xKey key of the horizontal value, for example {@code step}
   * @param yKey key of the vertical value, for example {@code loss}
   * @param points most points to keep, at least 2: longer curves become means of equal stretches
   * @throws InputException when the file cannot be read or a line is not a JSON object
   */
  public static Series read(Path file, String name, String xKey, String yKey, int points) {
    Check.that(points >= 2, "points must be at least 2, got %d", points);
    String text;
    try {
      text = Files.readString(file);
    } catch (IOException e) {
      throw new InputException(
          String.format("%s: the metric log cannot be read (%s)", file, AtomicFiles.reason(e)), e);
    }
    List<Double> x = new ArrayList<>();
    List<Double> y = new ArrayList<>();
    int line = 0;
    for (int from = 0, end; (end = text.indexOf('\n', from)) >= 0; from = end + 1) {
      line++;
      String entry = text.substring(from, end).strip();
      if (entry.isEmpty()) {
        continue;
      }
      JsonNode node = parse(file, line, entry);
      if (node.path(xKey).isNumber() && node.path(yKey).isNumber()) {
        x.add(node.get(xKey).asDouble());
        y.add(node.get(yKey).asDouble());
      }
    }
    return new Series(name, thin(x, points), thin(y, points));
  }

  private static JsonNode parse(Path file, int line, String entry) {
    try {
      JsonNode node = JSON.readTree(entry);
      if (node.isObject()) {
        return node;
      }
    } catch (JsonProcessingException e) {
      throw new InputException(notAnObject(file, line), e);
    }
    throw new InputException(notAnObject(file, line));
  }

  private static String notAnObject(Path file, int line) {
    return String.format(
        "%s: line %d is not a JSON object; remove the line or train again", file, line);
  }

  private static List<Double> thin(List<Double> values, int points) {
    if (values.size() <= points) {
      return values;
    }
    List<Double> means = new ArrayList<>(points);
    for (int i = 0; i < points; i++) {
      int from = (int) ((long) i * values.size() / points);
      int to = (int) ((long) (i + 1) * values.size() / points);
      means.add(values.subList(from, to).stream().mapToDouble(v -> v).average().orElseThrow());
    }
    return means;
  }
}
