package io.lapidary.method.sae;

import io.lapidary.Seeds;
import io.lapidary.data.DataHome;
import io.lapidary.data.DatasetManifest;
import io.lapidary.data.EmojiDataset;
import io.lapidary.data.Hashes;
import io.lapidary.report.Experiment;
import io.lapidary.report.Progress;
import io.lapidary.report.Result;
import io.lapidary.report.RunContext;
import io.lapidary.train.TrainListener;
import java.util.Locale;

/**
 * The claims of Pach et al. (2025) at desk scale: sparse autoencoders make single-concept units out
 * of mixed neurons, nested dictionaries order them from coarse to fine, and setting one steers what
 * a vision-language model says.
 */
public final class SaeExperiment implements Experiment<SaeExperimentConfig> {

  @Override
  public String name() {
    return "sae";
  }

  @Override
  public Class<SaeExperimentConfig> configType() {
    return SaeExperimentConfig.class;
  }

  @Override
  public Result run(SaeExperimentConfig config, RunContext run) {
    DataHome home = DataHome.find();
    EmojiDataset data = EmojiDataset.open(home.dataset("emoji"));
    run.used("emoji", Hashes.sha256(home.dataset("emoji").resolve(DatasetManifest.FILE)));
    Findings findings = new Findings(run);
    PlantedPart planted = new PlantedPart(config.planted(), findings);
    EmojiPart emoji =
        new EmojiPart(config.emoji(), config.variation(), data, home.folder(), findings);
    try (SteeringPart steering =
        config.steering() == null
            ? null
            : new SteeringPart(
                config.steering(), config.variation(), data, home.folder(), findings)) {
      int parts = steering == null ? 2 : 3;
      try (Progress progress = run.progress("sae", (long) parts * run.seeds().size())) {
        int done = 0;
        for (Seeds seeds : run.seeds()) {
          TrainListener loss = shown(progress, "seed " + seeds.seed());
          planted.measure(seeds.stream("planted"), loss);
          progress.to(++done);
          emoji.measure(seeds.stream("emoji"), loss);
          progress.to(++done);
          if (steering != null) {
            steering.measure(seeds.stream("steering"), loss);
            progress.to(++done);
          }
        }
      }
      planted.conclude();
      emoji.conclude();
      if (steering != null) {
        steering.conclude();
      }
    }
    return run.result(config, findings.claims(), findings.metrics(), findings.figures());
  }

  private static TrainListener shown(Progress progress, String name) {
    return new TrainListener() {
      @Override
      public void stepped(Step step) {
        if (step.step() % 100 == 0) {
          progress.remark(
              String.format(
                  Locale.ROOT,
                  "%s, step %d, loss %.3f",
                  name,
                  step.step(),
                  step.losses().get("total")));
        }
      }
    };
  }
}
