package io.lapidary.method.clip;

import io.lapidary.Seeds;
import io.lapidary.data.DataHome;
import io.lapidary.data.DatasetManifest;
import io.lapidary.data.EmojiDataset;
import io.lapidary.data.Hashes;
import io.lapidary.metric.MetricValue;
import io.lapidary.report.Claim;
import io.lapidary.report.Direction;
import io.lapidary.report.Experiment;
import io.lapidary.report.Figure;
import io.lapidary.report.Progress;
import io.lapidary.report.Result;
import io.lapidary.report.RunContext;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * CLIP's two claims at emoji scale: a model trained on pictures and their texts names pictures in a
 * style it never saw, and sorts pictures of things it neither saw nor read of into kinds that are
 * only given as text. Without a checkpoint each seed trains a model; with one, that model is judged
 * and a short training shows that the training works.
 */
public final class ClipExperiment implements Experiment<EmojiClipConfig> {
  private static final String POINTS = "points";

  @Override
  public String name() {
    return "clip";
  }

  @Override
  public Class<EmojiClipConfig> configType() {
    return EmojiClipConfig.class;
  }

  @Override
  public Result run(EmojiClipConfig config, RunContext run) {
    DataHome home = DataHome.find();
    EmojiDataset data = EmojiDataset.open(home.dataset("emoji"));
    run.used("emoji", Hashes.sha256(home.dataset("emoji").resolve(DatasetManifest.FILE)));
    Measurement m = new Measurement(config, EmojiWorld.of(data, config.data()), run);
    if (config.checkpoint() == null) {
      m.trainEverySeed();
    } else {
      m.judge(home.folder().resolve(config.checkpoint()));
    }
    return run.result(config, m.claims(), m.metrics, m.figures);
  }

  /** What one run collects. */
  private static final class Measurement {
    private final EmojiClipConfig config;
    private final EmojiWorld world;
    private final RunContext run;
    private final List<Scores> scores = new ArrayList<>();
    private final List<double[]> random = new ArrayList<>();
    private final List<Figure.Series> curves = new ArrayList<>();
    private final List<MetricValue> metrics = new ArrayList<>();
    private final List<Figure> figures = new ArrayList<>();

    Measurement(EmojiClipConfig config, EmojiWorld world, RunContext run) {
      this.config = config;
      this.world = world;
      this.run = run;
    }

    void trainEverySeed() {
      for (Seeds seeds : run.seeds()) {
        try (EmojiClip model = train(seeds)) {
          score(model, seeds);
        }
      }
    }

    private EmojiClip train(Seeds seeds) {
      long steps = config.train().totalSteps(world.train().size() / config.batchSize());
      String name = "seed " + seeds.seed();
      Path folder = run.output().resolve("seed-" + seeds.seed());
      try (Progress progress = run.progress("clip, " + name, Math.max(0, steps))) {
        TrainingCurve curve = new TrainingCurve(name, progress);
        EmojiClip model = EmojiClip.train(config, world, seeds, folder, curve);
        curves.add(curve.series());
        metrics.add(MetricValue.of("first loss, " + name, curve.first(), config.batchSize()));
        metrics.add(MetricValue.of("last loss, " + name, curve.last(), config.batchSize()));
        return model;
      }
    }

    private void score(EmojiClip model, Seeds seeds) {
      boolean first = scores.isEmpty();
      scores.add(Scores.of(world, model));
      random.add(Scores.randomTower(model.clip().config(), world, seeds));
      if (first) {
        figures.add(ClipFigures.grid(world, model, seeds));
        figures.add(
            ClipFigures.confusion(world, world.heldOutRenderings(), scores.get(0).renderedKinds()));
      }
    }

    /** The shipped model, then a short training whose names are compared with the random tower. */
    void judge(Path folder) {
      Seeds seeds = run.seeds().get(0);
      run.used("checkpoint", Hashes.sha256(folder.resolve("model.safetensors")));
      try (EmojiClip model = EmojiClip.load(folder)) {
        score(model, seeds);
      }
      try (EmojiClip trained = train(seeds)) {
        double[][] ranks = {Scores.of(world, trained).ranks()};
        for (RankScore score : RankScore.values()) {
          metric(score.label() + ", short training", score.of(ranks));
        }
      }
    }

    // ---- claims -----------------------------------------------------------------------------

    private List<Claim> claims() {
      double[][] ours = scores.stream().map(Scores::ranks).toArray(double[][]::new);
      double[][] seen = scores.stream().map(Scores::seenRanks).toArray(double[][]::new);
      double[] pixelRanks = Scores.pixelNeighbours(world);
      double[][] pixels = scores.stream().map(s -> pixelRanks).toArray(double[][]::new);
      double[][] fresh = random.toArray(double[][]::new);
      List<Claim> claims = new ArrayList<>();
      for (RankScore score : RankScore.values()) {
        claims.add(
            difference(
                "style-" + score.name().toLowerCase(java.util.Locale.ROOT).replace('_', '-'),
                "section 3.3",
                score.label()
                    + " from the other vendor's picture to its name among all names: above nearest"
                    + " neighbours of pixels among trained pictures",
                score.of(ours),
                score.of(pixels)));
        metric(score.label() + ", CLIP", score.of(ours));
        metric(score.label() + ", CLIP on trained pictures", score.of(seen));
        metric(score.label() + ", pixels", score.of(pixels));
        metric(score.label() + ", random tower", score.of(fresh));
      }
      claims.add(
          difference(
              "style-random-tower",
              "section 3.3",
              "the same, recall@1: above nearest neighbours by an image tower with random weights",
              RankScore.RECALL_AT_1.of(ours),
              RankScore.RECALL_AT_1.of(fresh)));
      claims.add(
          kind(
              "kind-trained-style",
              "trained vendor's pictures",
              world.kindNumbers(world.heldOut()),
              scores.stream().map(Scores::kinds).toList()));
      claims.add(
          kind(
              "kind-unseen-style",
              "other vendor's pictures",
              world.kindNumbers(world.heldOutRenderings()),
              scores.stream().map(Scores::renderedKinds).toList()));
      int kinds = world.kinds().size();
      metrics.add(MetricValue.of("uniform guess of the kind", 1.0 / kinds, kinds));
      figures.add(
          0,
          ClipFigures.retrieval(
              List.of(
                  ClipFigures.bars("CLIP", ours, 1),
                  ClipFigures.bars("pixels", new double[][] {pixelRanks}, 1),
                  ClipFigures.bars("random tower", fresh, 1))));
      figures.add(1, ClipFigures.losses(curves));
      return claims;
    }

    /** Zero-shot accuracy on held-out emoji against always naming the most frequent kind. */
    private Claim kind(String id, String style, int[] right, List<int[]> chosen) {
      int guess = world.mostFrequentKind();
      double[][] hits = chosen.stream().map(c -> hits(right, c)).toArray(double[][]::new);
      int[] guesses = new int[right.length];
      Arrays.fill(guesses, guess);
      double[][] chance = chosen.stream().map(c -> hits(right, guesses)).toArray(double[][]::new);
      metric("zero-shot accuracy, " + style, hits);
      metric("most frequent kind, " + style, chance);
      return difference(
          id,
          "section 3.1",
          "subcategory of held-out emoji among "
              + world.kinds().size()
              + " given as text, "
              + style
              + ": accuracy above always naming the most frequent",
          hits,
          chance);
    }

    private static double[] hits(int[] right, int[] chosen) {
      double[] hits = new double[right.length];
      Arrays.setAll(hits, i -> right[i] == chosen[i] ? 1 : 0);
      return hits;
    }

    private Claim difference(
        String id, String paper, String statement, double[][] ours, double[][] baseline) {
      double[][] differences = new double[ours.length][];
      for (int s = 0; s < ours.length; s++) {
        differences[s] = new double[ours[s].length];
        for (int i = 0; i < differences[s].length; i++) {
          differences[s][i] = 100 * (ours[s][i] - baseline[s][i]);
        }
      }
      return run.claim(id, paper, statement, POINTS, Direction.ABOVE)
          .measured(
              RankScore.mean(differences),
              TwoWayBootstrap.mean(differences, run.seeds().get(0).seed()),
              differences.length);
    }

    private void metric(String name, double[][] perQuery) {
      metrics.add(MetricValue.of(name, RankScore.mean(perQuery), perQuery[0].length));
    }
  }
}
