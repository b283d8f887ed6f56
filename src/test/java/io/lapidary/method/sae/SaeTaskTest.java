package io.lapidary.method.sae;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lapidary.Seeds;
import io.lapidary.data.Augmentation;
import io.lapidary.data.Emoji;
import io.lapidary.model.sae.SaeFolder;
import io.lapidary.model.sae.SparseAutoencoder;
import io.lapidary.train.TrainListener;
import io.lapidary.train.TrainingTask;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SaeTaskTest {
  @TempDir private Path temporary;

  private static SaeTaskConfig config(String variant) {
    return new SaeTaskConfig(
        "checkpoints/emoji-clip",
        Emoji.Vendor.TWITTER,
        TowerActivations.Place.PROJECTION,
        variant,
        4,
        null,
        2,
        null,
        new SaeExperimentConfig.Variation(1, Augmentation.none(1)),
        new SaeExperimentConfig.Training(40, 64, 1e-3, 4));
  }

  @Test
  void trainsSavesAndMeasures() {
    Map<String, Double> metrics = new LinkedHashMap<>();
    TrainListener heard =
        new TrainListener() {
          @Override
          public void evaluated(long step, long epoch, Map<String, Double> values, boolean best) {
            assertThat(step).isEqualTo(40);
            metrics.putAll(values);
          }
        };
    TrainingTask.Outcome outcome =
        new SaeTask()
            .train(
                config("matryoshka_batch_top_k"),
                new TrainingTask.Run(temporary, false, new Seeds(2), List.of(heard)));
    assertThat(metrics).containsOnlyKeys("test/fvu", "test/l0", "test/dead", "test/ms");
    assertThat(metrics.get("test/fvu")).isBetween(0.0, 1.5);
    assertThat(metrics.get("test/dead")).isBetween(0.0, 1.0);
    SparseAutoencoder sae = SaeFolder.load(outcome.model());
    assertThat(sae.config().latentWidth()).isEqualTo(2 * sae.config().inputWidth());
  }

  @Test
  void anUnknownVariantIsNamed() {
    assertThatThrownBy(() -> config("topk"))
        .hasMessageContaining("topk")
        .hasMessageContaining("top_k");
  }
}
