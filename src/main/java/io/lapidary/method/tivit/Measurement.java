package io.lapidary.method.tivit;

import static io.lapidary.method.tivit.TiVitExperiment.byLayer;

import io.lapidary.Seeds;
import io.lapidary.data.series.SeriesProblem;
import io.lapidary.io.Jsons;
import io.lapidary.method.tivit.baseline.MiniRocket;
import io.lapidary.metric.MutualNeighbours;
import io.lapidary.report.ResultFiles;
import io.lapidary.report.RunContext;
import io.lapidary.train.FinishedParts;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What is measured on a problem with the encoders of one seed, each part once. */
final class Measurement {
  private static final int NEIGHBOURS = 10;
  private static final int ROCKET_FEATURES = 252;

  private final TiVitExperimentConfig config;
  private final SeriesEncoder pretrained;
  private final SeriesEncoder random;
  private final SeriesPartner partner;
  private final FeatureCache cache;
  private final FinishedParts finished;
  private final Seeds seeds;
  private final String setting; // what decides the scores beside the problem

  /**
   * @param partner null when there is none
   */
  Measurement(
      TiVitExperimentConfig config,
      RunContext run,
      SeriesEncoder pretrained,
      SeriesEncoder random,
      SeriesPartner partner,
      FeatureCache cache,
      FinishedParts finished,
      Seeds seeds) {
    this.config = config;
    this.pretrained = pretrained;
    this.random = random;
    this.partner = partner;
    this.cache = cache;
    this.finished = finished;
    this.seeds = seeds;
    setting =
        String.join(
            " ",
            run.setup().machine().commit(),
            Jsons.toText(ResultFiles.configOf(config)),
            pretrained.key(),
            random.key(),
            Long.toString(seeds.seed()));
  }

  /** Accuracies and dimensions of every layer, and the accuracies of the baselines. */
  Map<String, Double> everyLayer(SeriesProblem problem) {
    return finished.scores(key(problem) + " layers", () -> layers(problem));
  }

  /** Accuracies of all that reads one layer. */
  Map<String, Double> at(int layer, SeriesProblem problem) {
    return finished.scores(key(problem) + " layer " + layer, () -> chosen(layer, problem));
  }

  private String key(SeriesProblem problem) {
    return String.join(
        " ",
        setting,
        problem.name(),
        FeatureCache.digest(problem.train()),
        FeatureCache.digest(problem.test()),
        Arrays.toString(problem.train().labels()),
        Arrays.toString(problem.test().labels()));
  }

  private Map<String, Double> layers(SeriesProblem problem) {
    Map<String, Double> scores = new LinkedHashMap<>();
    Views own = views(pretrained, problem);
    Views other = views(random, problem);
    Views runs = views(runs(), problem);
    for (int layer = 0; layer <= own.layers(); layer++) {
      scores.put(byLayer(TiVitExperiment.PRETRAINED, layer), 100 * own.accuracy(layer));
      scores.put(byLayer(TiVitExperiment.RANDOM, layer), 100 * other.accuracy(layer));
      scores.put(byLayer(TiVitExperiment.RUNS, layer), 100 * runs.accuracy(layer));
      scores.put(byLayer(TiVitExperiment.VALIDATION, layer), 100 * own.validation(layer));
      scores.put(
          byLayer(TiVitExperiment.DIMENSION, layer),
          own.dimension(layer, config.dimensionCases(), sample(problem)));
    }
    SeriesMethods methods =
        new SeriesMethods(
            List.of(),
            FeatureCache.none(),
            SeriesPictures.usual(pretrained.side()),
            1,
            config.refit());
    long seed = seeds.stream("baseline").seed();
    for (String baseline : TiVitExperiment.BASELINES) {
      scores.put(baseline, 100 * methods.run(baseline, problem, seed).accuracy());
    }
    return scores;
  }

  private Map<String, Double> chosen(int layer, SeriesProblem problem) {
    Map<String, Double> scores = new LinkedHashMap<>();
    Views own = views(pretrained, problem);
    Views blocks = views(blocks(), problem);
    Map<String, Double> known = everyLayer(problem);
    for (String what :
        List.of(TiVitExperiment.PRETRAINED, TiVitExperiment.RANDOM, TiVitExperiment.RUNS)) {
      scores.put(what, known.get(byLayer(what, layer)));
    }
    scores.put(TiVitExperiment.BLOCKS, 100 * blocks.accuracy(layer));
    scores.put(TiVitExperiment.JOINED, 100 * own.accuracy(layer, blocks, layer));
    scores.put(TiVitExperiment.LAST, known.get(byLayer(TiVitExperiment.PRETRAINED, own.layers())));
    if (partner != null) {
      float[][] train = partner.features(problem.train());
      float[][] test = partner.features(problem.test());
      scores.put(TiVitExperiment.PARTNER, 100 * own.accuracy(train, test));
      scores.put(TiVitExperiment.BOTH, 100 * own.accuracy(layer, train, test));
    }
    double[][] rows = own.rows(layer, config.dimensionCases(), sample(problem));
    scores.put(
        "alignment with MiniRocket",
        MutualNeighbours.alignment(rows, rocket(problem), Math.min(NEIGHBOURS, rows.length - 1)));
    return scores;
  }

  private Views views(SeriesEncoder encoder, SeriesProblem problem) {
    ProbeSplit split = ProbeSplit.of(problem.train().size(), seeds.stream(problem.name()));
    return Views.of(encoder, problem, cache, split, config.refit());
  }

  private SeriesEncoder runs() {
    return pretrained.with(SeriesEncoder.Options.USUAL.oneDimensionally());
  }

  private SeriesEncoder blocks() {
    return pretrained.with(SeriesEncoder.Options.USUAL.withStride(1));
  }

  private Seeds sample(SeriesProblem problem) {
    return seeds.stream("sample").stream(problem.name());
  }

  /** MiniRocket features of unit length of the cases that {@link Views#rows} takes. */
  private double[][] rocket(SeriesProblem problem) {
    MiniRocket transform = new MiniRocket(ROCKET_FEATURES, seeds.seed());
    transform.fit(problem.train());
    float[][] train = transform.transform(problem.train());
    float[][] test = transform.transform(problem.test());
    for (float[][] part : List.of(train, test)) {
      for (float[] row : part) {
        SeriesEncoder.normalise(row);
      }
    }
    return Views.rows(train, test, config.dimensionCases(), sample(problem));
  }
}
