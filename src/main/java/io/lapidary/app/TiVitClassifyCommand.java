package io.lapidary.app;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.lapidary.data.series.SeriesFiles;
import io.lapidary.data.series.SeriesProblem;
import io.lapidary.engine.Runtime;
import io.lapidary.io.Jsons;
import io.lapidary.method.tivit.SeriesMethods;
import io.lapidary.method.tivit.TiVitClassifier;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code lapidary tivit classify TRAIN TEST}: learns from one file and scores on another. */
@Command(
    name = "classify",
    description = "Learns classes of time series from one file and scores them on another.",
    footer = {
      "",
      "Examples:",
      "  lapidary tivit classify Coffee_TRAIN.ts Coffee_TEST.ts --method minirocket",
      "  lapidary tivit classify Coffee_TRAIN.ts Coffee_TEST.ts --encoder models/clip:14 --json"
    })
final class TiVitClassifyCommand implements Callable<Integer> {
  private static final int WIDEST_TABLE = 12;

  @Parameters(
      index = "0",
      paramLabel = "TRAIN",
      description = "Series to learn from: .ts, .tsv, .txt, .csv or .arff.")
  private Path train;

  @Parameters(index = "1", paramLabel = "TEST", description = "Series to score.")
  private Path test;

  @Option(
      names = "--method",
      defaultValue = "tivit",
      description = {
        "tivit, tivit-centroid, minirocket, multirocket, hydra, multirocket-hydra, rocket, 1nn-ed,",
        "1nn-dtw, raw-lr or pixel-lr; tivit."
      })
  private String method;

  @Mixin private TiVitOptions options;

  @Mixin private SeriesMethodOptions how;

  @Option(names = "--json", description = "Print the result as JSON.")
  private boolean json;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    String name = method.toLowerCase(Locale.ROOT);
    if (!SeriesMethods.NAMES.contains(name)) {
      throw Names.unknown("method", method, SeriesMethods.NAMES);
    }
    SeriesProblem problem = options.prepared(SeriesFiles.problem(train, test), how.seed());
    Runtime.check();
    try (TiVitOptions opened = options) {
      SeriesMethods methods = how.methods(opened, SeriesMethods.usesEncoders(name));
      SeriesMethods.Outcome outcome = methods.run(name, problem, how.seed());
      int[][] confusion = confusion(problem, outcome.predicted());
      if (json) {
        printJson(name, problem, outcome, confusion);
      } else {
        print(name, problem, outcome, confusion);
      }
    }
    return 0;
  }

  /** Test cases by class and by predicted class. */
  private static int[][] confusion(SeriesProblem problem, int[] predicted) {
    int classes = problem.train().classes().size();
    int[][] counts = new int[classes][classes];
    int[] labels = problem.test().labels();
    for (int i = 0; i < labels.length; i++) {
      counts[labels[i]][predicted[i]]++;
    }
    return counts;
  }

  private void printJson(
      String name, SeriesProblem problem, SeriesMethods.Outcome outcome, int[][] confusion) {
    ObjectNode node = Jsons.object();
    node.put("method", name).put("accuracy", outcome.accuracy());
    node.put("trainCases", problem.train().size()).put("testCases", problem.test().size());
    node.put("classes", problem.train().classes().size()).put("seconds", outcome.seconds());
    ArrayNode names = node.putArray("classNames");
    problem.train().classes().forEach(names::add);
    if (outcome.classifier() instanceof TiVitClassifier tivit) {
      ArrayNode layers = node.putArray("layers");
      for (int layer : tivit.layers()) {
        layers.add(layer);
      }
      node.put("validation", tivit.validation());
    }
    ArrayNode rows = node.putArray("confusion");
    for (int[] row : confusion) {
      ArrayNode counts = rows.addArray();
      for (int count : row) {
        counts.add(count);
      }
    }
    spec.commandLine().getOut().println(node);
  }

  private void print(
      String name, SeriesProblem problem, SeriesMethods.Outcome outcome, int[][] confusion) {
    PrintWriter out = spec.commandLine().getOut();
    List<String> classes = problem.train().classes();
    out.printf("problem   %s, %d channels%n", problem.name(), problem.train().channels());
    out.printf(
        "cases     %d to learn from, %d to score, %d classes%n",
        problem.train().size(), problem.test().size(), classes.size());
    if (outcome.classifier() instanceof TiVitClassifier tivit) {
      out.printf(
          Locale.ROOT,
          "layer     %s, right on %.1f %% of the training cases held out%n",
          Arrays.toString(tivit.layers()).replaceAll("[\\[\\]]", ""),
          100 * tivit.validation());
    }
    out.printf(Locale.ROOT, "accuracy  %.2f %% (%s)%n", 100 * outcome.accuracy(), name);
    out.printf(Locale.ROOT, "seconds   %.2f%n", outcome.seconds());
    if (classes.size() > WIDEST_TABLE) {
      return;
    }
    int width = Math.max(5, classes.stream().mapToInt(String::length).max().orElse(0)) + 1;
    out.printf("%n%-" + width + "s", "class");
    classes.forEach(c -> out.printf("%" + width + "s", c));
    out.println("   as predicted");
    for (int c = 0; c < confusion.length; c++) {
      out.printf("%-" + width + "s", classes.get(c));
      for (int count : confusion[c]) {
        out.printf("%" + width + "d", count);
      }
      out.println();
    }
  }
}
