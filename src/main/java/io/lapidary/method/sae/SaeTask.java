package io.lapidary.method.sae;

import io.lapidary.Seeds;
import io.lapidary.data.DataHome;
import io.lapidary.data.EmojiDataset;
import io.lapidary.data.EmojiExample;
import io.lapidary.metric.ScoreSummary;
import io.lapidary.model.sae.SaeFolder;
import io.lapidary.model.sae.SaeVariant;
import io.lapidary.model.sae.SparseAutoencoderConfig;
import io.lapidary.train.TrainResult;
import io.lapidary.train.TrainingTask;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Trains an autoencoder on what the image tower of a CLIP model makes of emoji, and measures on the
 * other vendor's pictures {@code test/fvu}, {@code test/l0}, {@code test/dead} (share of latents)
 * and {@code test/ms} (median MonoSemanticity score by words). Saved as {@code model} in the run
 * folder.
 */
public final class SaeTask implements TrainingTask<SaeTaskConfig> {
  @Override
  public String name() {
    return "sae";
  }

  @Override
  public String description() {
    return "a sparse autoencoder of an image tower's activations on emoji";
  }

  @Override
  public Class<SaeTaskConfig> configType() {
    return SaeTaskConfig.class;
  }

  @Override
  public Outcome train(SaeTaskConfig config, Run run) {
    DataHome home = DataHome.find();
    EmojiDataset data = EmojiDataset.open(home.dataset("emoji"));
    List<EmojiExample> trained = EmojiConcepts.examples(data, config.vendor());
    List<EmojiExample> tested = EmojiConcepts.examples(data, config.vendor().other());
    double[][] words = EmojiConcepts.words(data, tested);
    float[][] rows;
    ConceptSet test;
    try (TowerActivations tower = TowerActivations.load(home.folder().resolve(config.encoder()))) {
      Seeds variation = new Seeds(0).stream("variation");
      rows = tower.of(data, trained, config.variation(), variation, config.place());
      test =
          new ConceptSet(
              tower.of(data, tested, config.place()), words, EmojiConcepts.paths(data, tested));
    }
    SaeExperimentConfig.Training t = config.training();
    int latents = config.expansion() * rows[0].length;
    SaeVariant variant =
        new SaeVariants(
                config.k(),
                config.penalty(),
                config.groupFractions(),
                t.steps(),
                t.batchSize(),
                rows.length)
            .named(config.variant(), latents);
    SaeTraining training =
        new SaeTraining(
                new SparseAutoencoderConfig(rows[0].length, latents, variant),
                new SaeTrainConfig(
                    t.steps(),
                    t.batchSize(),
                    t.learningRate(),
                    t.warmupSteps(),
                    null,
                    null,
                    null,
                    null,
                    run.seeds().stream("autoencoder").seed(),
                    null))
            .in(run.folder(), run.resume());
    run.listeners().forEach(training::listener);
    SaeTraining.Outcome outcome = training.run(rows);
    if (outcome.result().reason() == TrainResult.Reason.STOPPED) {
      return new Outcome(outcome.result(), null);
    }
    Trial trial = Trial.of(outcome.autoencoder(), test, words);
    Map<String, Double> metrics = new LinkedHashMap<>();
    metrics.put("test/fvu", trial.fvu());
    metrics.put("test/l0", trial.activeUnits());
    metrics.put("test/dead", ScoreSummary.of(trial.scores()).dead() / (double) latents);
    metrics.put("test/ms", trial.median());
    TrainResult result = outcome.result();
    run.listeners().forEach(l -> l.evaluated(result.steps(), result.epochs(), metrics, true));
    Path folder = run.folder().resolve("model");
    SaeFolder.save(folder, outcome.autoencoder());
    return new Outcome(result, folder);
  }
}
