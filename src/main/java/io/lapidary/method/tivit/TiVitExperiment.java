package io.lapidary.method.tivit;

import io.lapidary.InputException;
import io.lapidary.Seeds;
import io.lapidary.data.DataHome;
import io.lapidary.data.Hashes;
import io.lapidary.data.series.SeriesFiles;
import io.lapidary.data.series.SeriesPreparation;
import io.lapidary.data.series.SeriesProblem;
import io.lapidary.data.series.SeriesSet;
import io.lapidary.metric.MetricValue;
import io.lapidary.metric.Statistics;
import io.lapidary.metric.WilcoxonHolm;
import io.lapidary.report.Claim;
import io.lapidary.report.Direction;
import io.lapidary.report.Experiment;
import io.lapidary.report.Figure;
import io.lapidary.report.Progress;
import io.lapidary.report.Result;
import io.lapidary.report.RunContext;
import io.lapidary.train.FinishedParts;
import io.lapidary.train.TrainListener;
import io.lapidary.train.TrainingTask;
import io.lapidary.train.task.MaskedAutoencoderTask;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * The claims of Roschmann et al. (2025): the middle layers of a frozen vision transformer hold more
 * about time series than its ends, pictures of windows serve it better than runs of values, and
 * pretraining on pictures helps; with the baselines practitioners use beside them.
 */
public final class TiVitExperiment implements Experiment<TiVitExperimentConfig> {
  static final String PRETRAINED = "TiViT";
  static final String RANDOM = "random weights";
  static final String RUNS = "1D control";
  static final String BLOCKS = "stride 1";
  static final String JOINED = "TiViT, two strides";
  static final String LAST = "last layer";
  static final String PARTNER = "Mantis-like";
  static final String BOTH = "TiViT, Mantis-like";
  static final String DIMENSION = "dimension";
  static final String VALIDATION = "validation";
  static final List<String> BASELINES = List.of("1nn-ed", "raw-lr", "pixel-lr", "minirocket");

  private static final int DEPTH = 3; // folders between an archive and its problems

  @Override
  public String name() {
    return "tivit";
  }

  @Override
  public Class<TiVitExperimentConfig> configType() {
    return TiVitExperimentConfig.class;
  }

  @Override
  public Result run(TiVitExperimentConfig config, RunContext run) {
    DataHome home = DataHome.find();
    List<Path> real = archive(config, home.folder());
    Scoreboard board = new Scoreboard();
    FeatureCache cache = FeatureCache.in(run.output().resolve("features"));
    FinishedParts finished = FinishedParts.in(run.output().resolve("scores"));
    List<Integer> chosen = new ArrayList<>();
    int problems = config.generated().size() + real.size();
    int layers = 0;
    List<SeriesProblem> shown = new ArrayList<>();
    try (Progress progress = run.progress("tivit", (long) (problems + 1) * run.seeds().size())) {
      int done = 0;
      for (Seeds seeds : run.seeds()) {
        try (SeriesEncoder pretrained = pretrained(config, run, home.folder(), seeds, progress);
            SeriesEncoder random = pretrained.untrained(seeds.stream("random encoder").seed());
            SeriesPartner partner = partner(config, run, seeds, progress)) {
          progress.to(++done);
          layers = pretrained.layers();
          Measurement measurement =
              new Measurement(config, run, pretrained, random, partner, cache, finished, seeds);
          List<SeriesProblem> waiting = new ArrayList<>(); // for the layer to be chosen
          List<Map<String, Double>> scores = new ArrayList<>();
          for (int p = 0; p < problems; p++) {
            SeriesProblem problem = problem(config, real, p, seeds, run);
            if (shown.size() < Math.min(problems, TiVitFigures.PROBLEMS)) {
              shown.add(problem);
            }
            progress.remark(String.format("seed %d, %s", seeds.seed(), problem.name()));
            scores.add(measurement.everyLayer(problem));
            board.note(problem.name(), scores.get(p));
            if (config.layer() == null) {
              waiting.add(problem);
            } else {
              board.note(problem.name(), measurement.at(config.layer(), problem));
            }
            progress.to(++done);
          }
          int layer = config.layer() != null ? config.layer() : best(scores, layers);
          chosen.add(layer);
          waiting.forEach(problem -> board.note(problem.name(), measurement.at(layer, problem)));
        }
      }
    }
    List<String> methods = new ArrayList<>(List.of(PRETRAINED, JOINED, RANDOM, RUNS));
    if (config.partner() != null) {
      methods.addAll(List.of(PARTNER, BOTH));
    }
    methods.addAll(BASELINES);
    WilcoxonHolm ranked = WilcoxonHolm.of(board.ranks(methods), 0.05);
    return run.result(
        config,
        claims(board, layers, config.partner() != null, run),
        metrics(board, layers, chosen, ranked),
        TiVitFigures.all(board, layers, ranked, shown));
  }

  // ---- inputs -------------------------------------------------------------------------------

  /** Folders of the real problems; none where the archive is not at hand. */
  private static List<Path> archive(TiVitExperimentConfig config, Path home) {
    if (config.archive() == null || !Files.isDirectory(home.resolve(config.archive()))) {
      if (config.generated().isEmpty()) {
        throw InputException.of(
            "%s: no such folder of problems; get the archive with: lapidary datasets fetch ucr",
            home.resolve(config.archive()));
      }
      return List.of();
    }
    Predicate<Path> wanted =
        folder ->
            config.problems().isEmpty()
                || config.problems().contains(folder.getFileName().toString());
    try (Stream<Path> tree = Files.walk(home.resolve(config.archive()), DEPTH)) {
      return tree.filter(Files::isDirectory)
          .filter(wanted)
          .filter(SeriesFiles::isProblem)
          .sorted()
          .toList();
    } catch (IOException e) {
      throw new InputException(
          String.format("%s: cannot be listed", home.resolve(config.archive())), e);
    }
  }

  private static SeriesProblem problem(
      TiVitExperimentConfig config, List<Path> real, int index, Seeds seeds, RunContext run) {
    int generated = config.generated().size();
    if (index < generated) {
      TiVitExperimentConfig.Generated g = config.generated().get(index);
      SeriesProblem drawn =
          g.problem()
              .draw(g.train(), g.test(), g.problem().length(), seeds.stream("problems").seed());
      return new SeriesProblem(prepared(drawn.train()), prepared(drawn.test()));
    }
    Path folder = real.get(index - generated);
    SeriesProblem read = SeriesFiles.folder(folder);
    String name = folder.getFileName().toString();
    try (Stream<Path> files = Files.list(folder)) {
      files
          .filter(Files::isRegularFile)
          .sorted()
          .forEach(f -> run.used(name + "/" + f.getFileName(), Hashes.sha256(f)));
    } catch (IOException e) {
      throw new InputException(String.format("%s: cannot be listed", folder), e);
    }
    return SeriesPreparation.standardised(SeriesPreparation.complete(read));
  }

  /** Normalised as in the archive, under a name that no real problem has. */
  private static SeriesSet prepared(SeriesSet drawn) {
    SeriesSet set = SeriesPreparation.zNormalised(drawn);
    return new SeriesSet(set.name() + ", drawn", set.classes(), set.cases());
  }

  private static SeriesEncoder pretrained(
      TiVitExperimentConfig config, RunContext run, Path home, Seeds seeds, Progress progress) {
    if (config.encoder() != null) {
      Path folder = home.resolve(config.encoder());
      SeriesEncoder encoder = SeriesEncoder.load(folder, SeriesEncoder.Options.USUAL);
      run.used(config.encoder(), Hashes.model(folder));
      return encoder;
    }
    Path folder = run.output().resolve("encoder-" + seeds.seed());
    TrainingTask.Run training =
        new TrainingTask.Run(
            folder,
            true,
            seeds.stream("pretraining"),
            List.of(shown(progress, "pictures, seed " + seeds.seed())));
    TrainingTask.Outcome outcome =
        new MaskedAutoencoderTask().train(config.pretraining(), training);
    if (outcome.model() == null) {
      throw new InputException("tivit: stopped while pretraining; go on with --resume");
    }
    return SeriesEncoder.load(outcome.model(), SeriesEncoder.Options.USUAL);
  }

  private static SeriesPartner partner(
      TiVitExperimentConfig config, RunContext run, Seeds seeds, Progress progress) {
    if (config.partner() == null) {
      return null;
    }
    SeriesPartner partner =
        SeriesPartner.train(
            config.partner(),
            run.output().resolve("partner-" + seeds.seed()),
            seeds.stream("partner"),
            shown(progress, "series, seed " + seeds.seed()));
    if (partner == null) {
      throw new InputException("tivit: stopped while pretraining; go on with --resume");
    }
    return partner;
  }

  private static TrainListener shown(Progress progress, String what) {
    return new TrainListener() {
      @Override
      public void stepped(Step step) {
        if (step.step() % 50 == 0) {
          progress.remark(
              String.format(
                  Locale.ROOT,
                  "%s, step %d, loss %.3f",
                  what,
                  step.step(),
                  step.losses().get("total")));
        }
      }
    };
  }

  // ---- scores -------------------------------------------------------------------------------

  static String byLayer(String what, int layer) {
    return what + ", layer " + layer;
  }

  /** The layer with the best mean validation accuracy; of equal ones the lower. */
  private static int best(List<Map<String, Double>> problems, int layers) {
    int best = 0;
    double most = -1;
    for (int layer = 0; layer <= layers; layer++) {
      String name = byLayer(VALIDATION, layer);
      double mean = problems.stream().mapToDouble(p -> p.get(name)).average().orElseThrow();
      if (mean > most + 1e-12) {
        most = mean;
        best = layer;
      }
    }
    return best;
  }

  // ---- claims -------------------------------------------------------------------------------

  private static List<Claim> claims(Scoreboard board, int layers, boolean partner, RunContext run) {
    List<Claim> claims = new ArrayList<>();
    claims.add(
        difference(
            run,
            "pretrained-random",
            "frozen pretrained encoders",
            "the chosen layer of the pretrained encoder above the same layer with random weights",
            board.differences(PRETRAINED, RANDOM)));
    double[] input = board.of(byLayer(PRETRAINED, 0));
    double[] worst = input.clone();
    for (int p = 0; p < worst.length; p++) {
      double least = Double.POSITIVE_INFINITY;
      for (int layer = 1; layer <= layers; layer++) {
        least = Math.min(least, board.of(byLayer(PRETRAINED, layer))[p]);
      }
      worst[p] = least - input[p];
    }
    claims.add(
        difference(
            run,
            "input-worst",
            "hidden layers",
            "the worst layer after a block above what enters the blocks",
            worst));
    claims.add(
        difference(
            run,
            "dimension-input",
            "intrinsic dimension",
            "intrinsic dimension of the middle layers above that of what enters the blocks",
            "dimensions",
            dimensions(board, layers, 0)));
    claims.add(
        difference(
            run,
            "dimension-last",
            "intrinsic dimension",
            "intrinsic dimension of the middle layers above that of the last layer",
            "dimensions",
            dimensions(board, layers, layers)));
    claims.add(
        difference(
            run,
            "joined",
            "combined representations",
            "two strides of one encoder together at least as good as one",
            board.differences(JOINED, PRETRAINED)));
    claims.add(
        difference(
            run,
            "middle-last",
            "hidden layers",
            "the chosen layer above the last layer",
            board.differences(PRETRAINED, LAST)));
    claims.add(
        difference(
            run,
            "windows-runs",
            "proposition 1",
            "pictures of windows above runs of values in patches, same layer",
            board.differences(PRETRAINED, RUNS)));
    claims.add(
        difference(
            run,
            "over-nearest",
            "comparison of models",
            "the probe above 1-NN with the Euclidean distance",
            board.differences(PRETRAINED, "1nn-ed")));
    claims.add(
        difference(
            run,
            "over-raw",
            "comparison of models",
            "the probe above logistic regression on the values",
            board.differences(PRETRAINED, "raw-lr")));
    if (partner) {
      claims.add(
          difference(
              run,
              "both-pictures",
              "combined representations",
              "features of pictures and of a Mantis-like encoder together above those of pictures",
              board.differences(BOTH, PRETRAINED)));
      claims.add(
          difference(
              run,
              "both-series",
              "combined representations",
              "features of pictures and of a Mantis-like encoder together above the latter's",
              board.differences(BOTH, PARTNER)));
    }
    return claims;
  }

  private static double[] dimensions(Scoreboard board, int layers, int against) {
    double[] end = board.of(byLayer(DIMENSION, against));
    double[] differences = new double[end.length];
    for (int p = 0; p < end.length; p++) {
      double sum = 0;
      for (int layer = 1; layer < layers; layer++) {
        sum += board.of(byLayer(DIMENSION, layer))[p];
      }
      differences[p] = sum / Math.max(1, layers - 1) - end[p];
    }
    return differences;
  }

  private static Claim difference(
      RunContext run, String id, String paper, String statement, double[] perProblem) {
    return difference(run, id, paper, statement, "points", perProblem);
  }

  private static Claim difference(
      RunContext run, String id, String paper, String statement, String unit, double[] perProblem) {
    return run.claim(id, paper, statement, unit, Direction.ABOVE)
        .measured(Statistics.mean(perProblem), Scoreboard.interval(perProblem), run.seeds().size());
  }

  private static List<MetricValue> metrics(
      Scoreboard board, int layers, List<Integer> chosen, WilcoxonHolm ranked) {
    List<MetricValue> metrics = new ArrayList<>();
    long problems = board.problems().size();
    for (String name : board.names()) {
      metrics.add(MetricValue.of(name, board.mean(name), problems));
    }
    metrics.add(
        MetricValue.of(
            "layer chosen", chosen.stream().mapToInt(l -> l).average().orElse(0), chosen.size()));
    metrics.add(MetricValue.of("layers", layers, 1));
    double[] averages = ranked.ranks().averageRanks();
    for (int m = 0; m < averages.length; m++) {
      metrics.add(
          MetricValue.of("rank of " + ranked.ranks().methods().get(m), averages[m], problems));
    }
    metrics.add(MetricValue.of("Friedman p", ranked.ranks().friedmanP(), problems));
    for (String problem : board.problems()) {
      for (String name : List.of(PRETRAINED, RANDOM, RUNS, JOINED)) {
        metrics.add(value(board, problem, name));
      }
      BASELINES.forEach(name -> metrics.add(value(board, problem, name)));
    }
    return metrics;
  }

  private static MetricValue value(Scoreboard board, String problem, String name) {
    double value = board.of(name)[board.problems().indexOf(problem)];
    return MetricValue.of(problem + ", " + name, value, 1);
  }

  static Figure.LineChart layers(Scoreboard board, int layers) {
    List<Figure.Series> series = new ArrayList<>();
    for (String what : List.of(PRETRAINED, RANDOM, RUNS)) {
      double[] y = new double[layers + 1];
      for (int layer = 0; layer <= layers; layer++) {
        y[layer] = board.mean(byLayer(what, layer));
      }
      series.add(Figure.Series.of(what, y));
    }
    return new Figure.LineChart(
        "Accuracy by layer",
        "Mean over problems and seeds; layer 0 enters the blocks.",
        "layer",
        "accuracy, %",
        false,
        series);
  }
}
