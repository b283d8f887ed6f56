package io.lapidary.method.sae;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.lapidary.Seeds;
import io.lapidary.data.Augmentation;
import io.lapidary.data.Emoji;
import io.lapidary.metric.ScoreSummary;
import io.lapidary.model.sae.SparseAutoencoder;
import io.lapidary.report.Claim;
import io.lapidary.report.Figure;
import io.lapidary.report.Machines;
import io.lapidary.report.Result;
import io.lapidary.report.ResultFiles;
import io.lapidary.report.RunContext;
import io.lapidary.report.Terminal;
import io.lapidary.train.TrainListener;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SaeExperimentTest {
  private static final Set<String> CLAIMS =
      Stream.concat(
              Stream.of(
                  "planted-untrained",
                  "planted-raw",
                  "planted-k-scores",
                  "planted-k-error",
                  "planted-width",
                  "planted-depth",
                  "planted-depth-order",
                  "steer-moves",
                  "steer-random-latent",
                  "steer-random-direction",
                  "steer-keeps",
                  "steer-suppresses"),
              Stream.of("raw", "untrained", "width", "k-scores", "k-error", "depth")
                  .flatMap(c -> Stream.of("emoji-" + c + "-block", "emoji-" + c + "-projection")))
          .collect(Collectors.toSet());

  @TempDir private Path temporary;

  private static SaeExperimentConfig tiny() {
    SaeExperimentConfig.Training few = new SaeExperimentConfig.Training(30, 64, 1e-3, 3);
    return new SaeExperimentConfig(
        new SaeExperimentConfig.Planted(
            2, 4, List.of(2, 4), 2, List.of(2), List.of(8, 40, 80), few),
        new SaeExperimentConfig.Variation(1, Augmentation.none(1)),
        new SaeExperimentConfig.EmojiPart(
            "checkpoints/emoji-clip", Emoji.Vendor.GOOGLE, 8, List.of(4, 8), 2, few),
        new SaeExperimentConfig.Steering(
            "checkpoints/emoji-vlm", Emoji.Vendor.GOOGLE, 0.1, 29, 8, 2, 2, 6, 2, few));
  }

  private RunContext context() {
    Map<String, Double> thresholds = CLAIMS.stream().collect(Collectors.toMap(id -> id, id -> 0.5));
    return new RunContext(
        new RunContext.Setup(
            "sae",
            "test",
            List.of(1L),
            thresholds,
            temporary,
            Machines.here(1, "cpu"),
            Terminal.plain()));
  }

  @Test
  void measuresEveryClaim() {
    Result result = new SaeExperiment().run(tiny(), context());
    assertThat(result.claims().stream().map(Claim::id).collect(Collectors.toSet()))
        .isEqualTo(CLAIMS);
    assertThat(result.figures().stream().map(Figure::title)).doesNotHaveDuplicates().hasSize(7);
    Path file = ResultFiles.write(temporary, result);
    assertThat(ResultFiles.read(file).claims()).isEqualTo(result.claims());
  }

  @Test
  void plantedConceptsAreNearTheirOwn() {
    PlantedConcepts world = new PlantedConcepts(new Seeds(4));
    ConceptSet set = world.draw(3, new Seeds(5));
    assertThat(set.size()).isEqualTo(480);
    assertThat(set.paths().get(0)).isEqualTo(set.paths().get(2)).isNotEqualTo(set.paths().get(3));
    assertThat(set.paths().stream().map(p -> p.get(0)).distinct()).hasSize(8);
    assertThat(set.paths().stream().map(p -> p.get(1)).distinct()).hasSize(40);
    assertThat(cosine(set.embeddings()[0], set.embeddings()[1]))
        .isGreaterThan(cosine(set.embeddings()[0], set.embeddings()[479]) + 0.3);
    assertThat(world.draw(3, new Seeds(5)).activations()).isDeepEqualTo(set.activations());
    assertThat(world.draw(3, new Seeds(6)).activations()[0]).isNotEqualTo(set.activations()[0]);
  }

  private static double cosine(double[] a, double[] b) {
    double ab = 0;
    double aa = 0;
    double bb = 0;
    for (int i = 0; i < a.length; i++) {
      ab += a[i] * b[i];
      aa += a[i] * a[i];
      bb += b[i] * b[i];
    }
    return ab / Math.sqrt(aa * bb);
  }

  @Test
  void anUntrainedAutoencoderHasTheActivityAskedFor() {
    ConceptSet set = new PlantedConcepts(new Seeds(1)).draw(4, new Seeds(2));
    Autoencoders trainer =
        new Autoencoders(new SaeExperimentConfig.Training(1, 8, 1e-3, 0), new TrainListener() {});
    SparseAutoencoder sae = trainer.untrained(set.activations(), 100, 3.5, new Seeds(3));
    Trial trial = Trial.of(sae, set, set.embeddings());
    assertThat(trial.activeUnits()).isEqualTo(3.5, within(0.01));
    assertThat(Trial.raw(set, set.embeddings()).scores()).hasSize(64).doesNotContain(Double.NaN);
    double[] some = Arrays.copyOf(trial.scores(), 100);
    assertThat(trial.median()).isEqualTo(ScoreSummary.of(some).median());
  }

  @Test
  void comparisonsPerSeed() {
    double[] a = {5, 9};
    double[] b = {4, 3};
    double[] c = {3.5, 4};
    assertThat(Series.smallestFall(List.of(a, b, c))).containsExactly(0.5, -1);
    assertThat(Series.leastGain(b, List.of(a, c))).containsExactly(-0.5, 1);
    assertThat(Series.ratio(a, b)).containsExactly(1.25, 3);
    assertThat(Series.difference(a, b)).containsExactly(1, 6);
    assertThat(Series.shareOfRising(List.of(c, b, a))).isEqualTo(0.5);
  }
}
