package io.lapidary.app;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.lapidary.Check;
import io.lapidary.Seeds;
import io.lapidary.data.series.SeriesFiles;
import io.lapidary.data.series.SeriesPreparation;
import io.lapidary.data.series.SeriesProblem;
import io.lapidary.data.series.SeriesSet;
import io.lapidary.data.series.TimeSeries;
import io.lapidary.engine.Runtime;
import io.lapidary.io.Jsons;
import io.lapidary.method.tivit.FeatureCache;
import io.lapidary.method.tivit.LayerAnalysis;
import io.lapidary.method.tivit.LayerFeatures;
import io.lapidary.method.tivit.TiVitClassifier;
import io.lapidary.metric.IntrinsicDimension;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code lapidary tivit analyse TRAIN TEST}: what the layers of encoders are like. */
@Command(
    name = "analyse",
    description = {
      "Prints the intrinsic dimension and the principal components of every layer.",
      "Of several encoders also how much their neighbourhoods have in common. Classes are not",
      "looked at."
    },
    footer = {
      "",
      "Examples:",
      "  lapidary tivit analyse Coffee_TRAIN.ts Coffee_TEST.ts",
      "  lapidary tivit analyse Coffee_TRAIN.ts Coffee_TEST.ts --encoder models/clip:14"
          + " --encoder checkpoints/emoji-mae --json"
    })
final class TiVitAnalyseCommand implements Callable<Integer> {
  @Parameters(index = "0", paramLabel = "TRAIN", description = "Time series.")
  private Path train;

  @Parameters(index = "1", paramLabel = "TEST", description = "More of them, taken together.")
  private Path test;

  @Option(
      names = "--cases",
      paramLabel = "N",
      defaultValue = "2000",
      description = "Most cases that are looked at, drawn by the seed; ${DEFAULT-VALUE}.")
  private int most;

  @Option(
      names = "--share",
      defaultValue = "0.95",
      description = "Share of the variance that components explain; ${DEFAULT-VALUE}.")
  private double share;

  @Option(
      names = "--neighbours",
      paramLabel = "K",
      defaultValue = "10",
      description = "Neighbours of a case; ${DEFAULT-VALUE}.")
  private int neighbours;

  @Mixin private TiVitOptions options;

  @Option(names = "--seed", defaultValue = "0", description = "Seed of all that is drawn; 0.")
  private long seed;

  @Option(names = "--json", description = "Print the result as JSON.")
  private boolean json;

  @Spec private CommandSpec spec;

  private record Analysed(
      TiVitClassifier.Source source, LayerFeatures features, List<LayerAnalysis> layers) {}

  @Override
  public Integer call() {
    Check.that(most >= 3, "--cases must be at least 3, got %d", most);
    Check.that(share > 0 && share <= 1, "--share must be in (0, 1], got %s", share);
    SeriesProblem read = options.prepared(SeriesFiles.problem(train, test), seed);
    SeriesProblem problem = SeriesPreparation.complete(read);
    List<TimeSeries> cases = new ArrayList<>(problem.train().cases());
    cases.addAll(problem.test().cases());
    SeriesSet set = problem.train().with(cases);
    Seeds seeds = new Seeds(seed);
    int[] places = LayerAnalysis.sample(set.size(), most, seeds.stream("cases"));
    Check.that(
        neighbours >= 1 && neighbours < places.length,
        "--neighbours must be in [1, %d], got %d",
        places.length - 1,
        neighbours);
    Runtime.check();
    try (TiVitOptions opened = options) {
      FeatureCache cache = opened.cache();
      List<Analysed> analysed = new ArrayList<>();
      for (TiVitClassifier.Source source : opened.sources()) {
        LayerFeatures features = cache.features(source.encoder(), set);
        analysed.add(
            new Analysed(
                source,
                features,
                LayerAnalysis.of(features, places, share, seeds.stream("subsets"))));
      }
      if (json) {
        spec.commandLine().getOut().println(tree(problem, places, analysed));
      } else {
        print(problem, places, analysed);
      }
    }
    return 0;
  }

  private double[][] alignment(Analysed a, Analysed b, int[] places) {
    return LayerAnalysis.alignment(a.features, b.features, places, neighbours);
  }

  private ObjectNode tree(SeriesProblem problem, int[] places, List<Analysed> analysed) {
    ObjectNode node = Jsons.object().put("problem", problem.name()).put("cases", places.length);
    ArrayNode encoders = node.putArray("encoders");
    for (Analysed one : analysed) {
      ArrayNode layers = encoders.addObject().putArray("layers");
      for (LayerAnalysis layer : one.layers) {
        ObjectNode entry = layers.addObject().put("layer", layer.layer());
        entry.put("dimension", layer.dimension()).put("components", layer.components());
        ArrayNode scaling = entry.putArray("scaling");
        for (IntrinsicDimension.Scale scale : layer.scaling()) {
          scaling.addObject().put("cases", scale.points()).put("dimension", scale.dimension());
        }
      }
    }
    ArrayNode pairs = node.putArray("alignment");
    for (int a = 0; a < analysed.size(); a++) {
      for (int b = a + 1; b < analysed.size(); b++) {
        ArrayNode rows = pairs.addObject().put("first", a).put("second", b).putArray("byLayers");
        for (double[] row : alignment(analysed.get(a), analysed.get(b), places)) {
          ArrayNode values = rows.addArray();
          for (double value : row) {
            values.add(value);
          }
        }
      }
    }
    return node;
  }

  private void print(SeriesProblem problem, int[] places, List<Analysed> analysed) {
    PrintWriter out = spec.commandLine().getOut();
    out.printf("problem   %s, %d cases%n", problem.name(), places.length);
    for (int e = 0; e < analysed.size(); e++) {
      out.printf("%nencoder %d%n%5s  %9s  %10s%n", e + 1, "layer", "dimension", "components");
      for (LayerAnalysis layer : analysed.get(e).layers) {
        out.printf(
            Locale.ROOT,
            "%5d  %9.2f  %10d%n",
            layer.layer(),
            layer.dimension(),
            layer.components());
      }
    }
    for (int a = 0; a < analysed.size(); a++) {
      for (int b = a + 1; b < analysed.size(); b++) {
        printAlignment(out, a, b, analysed, places);
      }
    }
  }

  /** The alignment of the layers that were named, or of those that are most alike. */
  private void printAlignment(
      PrintWriter out, int a, int b, List<Analysed> analysed, int[] places) {
    double[][] alignment = alignment(analysed.get(a), analysed.get(b), places);
    int first = analysed.get(a).source.layer();
    int second = analysed.get(b).source.layer();
    int bestFirst = Math.max(0, first);
    int bestSecond = Math.max(0, second);
    for (int i = 0; i < alignment.length; i++) {
      for (int j = 0; j < alignment[i].length; j++) {
        boolean wanted = (first < 0 || first == i) && (second < 0 || second == j);
        if (wanted && alignment[i][j] > alignment[bestFirst][bestSecond]) {
          bestFirst = i;
          bestSecond = j;
        }
      }
    }
    out.printf(
        Locale.ROOT,
        "%nalignment of encoder %d, layer %d and encoder %d, layer %d: %.3f of %d neighbours, by"
            + " chance %.3f%n",
        a + 1,
        bestFirst,
        b + 1,
        bestSecond,
        alignment[bestFirst][bestSecond],
        neighbours,
        (double) neighbours / (places.length - 1));
  }
}
