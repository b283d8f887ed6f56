package io.lapidary.app;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.lapidary.AtomicFiles;
import io.lapidary.InputException;
import io.lapidary.data.series.SeriesFiles;
import io.lapidary.data.series.SeriesProblem;
import io.lapidary.engine.Runtime;
import io.lapidary.io.Jsons;
import io.lapidary.method.tivit.SeriesMethods;
import io.lapidary.metric.MethodRanks;
import io.lapidary.metric.WilcoxonHolm;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code lapidary tivit compare FOLDER...}: several methods on several problems. */
@Command(
    name = "compare",
    description = {
      "Scores several methods on several problems.",
      "Accuracies, average ranks, Friedman's test, and",
      "Wilcoxon signed-rank tests of all pairs with Holm's correction."
    },
    footer = {
      "",
      "Example:",
      "  lapidary tivit compare archive --methods tivit,minirocket,1nn-dtw --json"
    })
final class TiVitCompareCommand implements Callable<Integer> {
  private static final double LEVEL = 0.05;

  @Parameters(
      arity = "1..*",
      paramLabel = "FOLDER",
      description = "Folders of a problem (NAME_TRAIN and NAME_TEST), or of such folders.")
  private List<Path> folders;

  @Option(
      names = "--methods",
      split = ",",
      defaultValue = "tivit,minirocket,1nn-ed,raw-lr",
      description = "Methods as in tivit classify (default: ${DEFAULT-VALUE}).")
  private List<String> methods;

  @Mixin private TiVitOptions options;

  @Mixin private SeriesMethodOptions how;

  @Option(names = "--json", description = "Print the result as JSON.")
  private boolean json;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    for (String name : methods) {
      if (!SeriesMethods.NAMES.contains(name)) {
        throw Names.unknown("method", name, SeriesMethods.NAMES);
      }
    }
    if (methods.size() < 2 || methods.stream().distinct().count() < methods.size()) {
      throw InputException.of("--methods needs at least two different methods, found %s", methods);
    }
    List<Path> problems = problems();
    Runtime.check();
    double[][] scores = new double[methods.size()][problems.size()];
    List<String> names = new ArrayList<>();
    try (TiVitOptions opened = options) {
      boolean encoders = methods.stream().anyMatch(SeriesMethods::usesEncoders);
      SeriesMethods run = how.methods(opened, encoders);
      for (int p = 0; p < problems.size(); p++) {
        SeriesProblem problem = options.prepared(SeriesFiles.folder(problems.get(p)), how.seed());
        names.add(problem.name());
        for (int m = 0; m < methods.size(); m++) {
          scores[m][p] = run.run(methods.get(m), problem, how.seed()).accuracy();
        }
        spec.commandLine().getErr().printf("%d of %d problems%n", p + 1, problems.size());
      }
    }
    WilcoxonHolm test = WilcoxonHolm.of(new MethodRanks(methods, scores), LEVEL);
    if (json) {
      printJson(names, scores, test);
    } else {
      print(names, scores, test);
    }
    return 0;
  }

  private List<Path> problems() {
    List<Path> problems = new ArrayList<>();
    for (Path folder : folders) {
      if (!Files.isDirectory(folder)) {
        throw InputException.of("%s: expected a folder of problems", folder);
      }
      if (SeriesFiles.isProblem(folder)) {
        problems.add(folder);
        continue;
      }
      try (Stream<Path> list = Files.list(folder)) {
        List<Path> below =
            list.filter(Files::isDirectory).filter(SeriesFiles::isProblem).sorted().toList();
        if (below.isEmpty()) {
          throw InputException.of(
              "%s: neither holds files NAME_TRAIN and NAME_TEST nor folders with such", folder);
        }
        problems.addAll(below);
      } catch (IOException e) {
        throw new InputException(
            String.format("%s: cannot be listed (%s)", folder, AtomicFiles.reason(e)), e);
      }
    }
    return problems;
  }

  private void printJson(List<String> names, double[][] scores, WilcoxonHolm test) {
    ObjectNode node = Jsons.object();
    ArrayNode all = node.putArray("problems");
    for (int p = 0; p < names.size(); p++) {
      ObjectNode accuracies = all.addObject().put("problem", names.get(p)).putObject("accuracy");
      for (int m = 0; m < methods.size(); m++) {
        accuracies.put(methods.get(m), scores[m][p]);
      }
    }
    ObjectNode ranks = node.putObject("averageRank");
    double[] averages = test.ranks().averageRanks();
    for (int m = 0; m < methods.size(); m++) {
      ranks.put(methods.get(m), averages[m]);
    }
    node.put("friedman", test.ranks().friedman()).put("friedmanP", test.ranks().friedmanP());
    ArrayNode pairs = node.putArray("pairs");
    for (int a = 0; a < methods.size(); a++) {
      for (int b = a + 1; b < methods.size(); b++) {
        ObjectNode pair = pairs.addObject();
        pair.put("first", methods.get(a)).put("second", methods.get(b));
        pair.put("p", test.p()[a][b]).put("significant", test.significant()[a][b]);
        int[] counts = test.ranks().winsTiesLosses(a, b);
        pair.put("wins", counts[0]).put("ties", counts[1]).put("losses", counts[2]);
      }
    }
    ArrayNode cliques = node.putArray("cliques");
    for (int[] clique : test.cliques()) {
      ArrayNode members = cliques.addArray();
      for (int i = clique[0]; i <= clique[1]; i++) {
        members.add(methods.get(test.order()[i]));
      }
    }
    spec.commandLine().getOut().println(node);
  }

  private void print(List<String> names, double[][] scores, WilcoxonHolm test) {
    PrintWriter out = spec.commandLine().getOut();
    int wide = Math.max(12, names.stream().mapToInt(String::length).max().orElse(0));
    out.printf("%-" + wide + "s", "problem");
    methods.forEach(m -> out.printf(" %17s", m));
    out.println();
    for (int p = 0; p < names.size(); p++) {
      out.printf("%-" + wide + "s", names.get(p));
      for (double[] row : scores) {
        out.printf(Locale.ROOT, " %17.2f", 100 * row[p]);
      }
      out.println();
    }
    out.printf("%-" + wide + "s", "mean");
    for (double[] row : scores) {
      out.printf(Locale.ROOT, " %17.2f", 100 * Arrays.stream(row).average().orElseThrow());
    }
    out.printf("%n%-" + wide + "s", "average rank");
    for (double rank : test.ranks().averageRanks()) {
      out.printf(Locale.ROOT, " %17.3f", rank);
    }
    out.printf(
        Locale.ROOT,
        "%n%nFriedman %.3f, p %.4f%n",
        test.ranks().friedman(),
        test.ranks().friedmanP());
    for (int a = 0; a < methods.size(); a++) {
      for (int b = a + 1; b < methods.size(); b++) {
        int[] counts = test.ranks().winsTiesLosses(a, b);
        out.printf(
            Locale.ROOT,
            "%s - %s: %d won, %d tied, %d lost, Wilcoxon p %.4f, %s%n",
            methods.get(a),
            methods.get(b),
            counts[0],
            counts[1],
            counts[2],
            test.p()[a][b],
            test.significant()[a][b] ? "different (Holm, 0.05)" : "not different");
      }
    }
  }
}
