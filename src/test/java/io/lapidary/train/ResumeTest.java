package io.lapidary.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lapidary.InputException;
import io.lapidary.engine.Parameters;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.ndarray.INDArray;

/** A resumed run gives the bytes of an uninterrupted one. */
class ResumeTest {
  @TempDir Path folder;

  static TrainConfig.Builder everything() {
    return TrainConfig.steps(24, OptimizerConfig.adamW(0.02, 0.05))
        .schedule(ScheduleConfig.cosine(5, 0.1))
        .groups(ParameterGroup.noDecay("*.bias", "norm.*"))
        .lossWeights(Map.of("size", 0.1))
        .clipNorm(0.5)
        .accumulate(2)
        .emaDecay(0.9)
        .evaluateEvery(4)
        .monitor(new Monitor("val/error", null, null, null))
        .checkpointEvery(3)
        .logEvery(1)
        .seed(11);
  }

  static Trainer.Builder trainer(TrainConfig config, Parameters parameters, Path run) {
    LossEvaluator evaluator =
        new LossEvaluator(
            "val",
            Tiny.objective(true),
            parameters,
            Tiny.batches(13, 5, false),
            new InputNames(List.of("x"), List.of("y")),
            config.lossWeights());
    return Tiny.trainer(config, parameters, true)
        .evaluator(evaluator)
        .runFolder(run)
        .stopOnShutdown(false);
  }

  static final class Killed extends RuntimeException {
    private static final long serialVersionUID = 1L;
  }

  static TrainListener killAt(long at) {
    return new TrainListener() {
      @Override
      public void stepped(Step step) {
        if (step.step() == at) {
          throw new Killed();
        }
      }
    };
  }

  static Map<String, String> saved(Path checkpoint, String file) {
    return Tiny.bits(Checkpoints.read(checkpoint.resolve(file)));
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 4, 11, 17, 24})
  void killedAndResumedIsUninterrupted(long at) throws IOException {
    TrainConfig config = everything().build();
    Parameters straight = Tiny.parameters();
    TrainResult expected = trainer(config, straight, folder.resolve("a")).build().run();

    Path run = folder.resolve("b");
    Parameters lost = Tiny.parameters();
    assertThatThrownBy(() -> trainer(config, lost, run).listener(killAt(at)).build().run())
        .isInstanceOf(Killed.class);
    Parameters resumed = Tiny.parameters();
    TrainResult result = trainer(config, resumed, run).resume(true).build().run();

    assertThat(Tiny.bits(resumed.all())).isEqualTo(Tiny.bits(straight.all()));
    for (String file : List.of(Checkpoints.MODEL, Checkpoints.OPTIMIZER, Checkpoints.EMA)) {
      assertThat(Files.readAllBytes(result.latestCheckpoint().resolve(file)))
          .as(file)
          .isEqualTo(Files.readAllBytes(expected.latestCheckpoint().resolve(file)));
    }
    assertThat(result.best()).isEqualTo(expected.best());
    assertThat(result.bestStep()).isEqualTo(expected.bestStep());
    assertThat(result.losses()).isEqualTo(expected.losses());
    assertThat(steps(run)).isEqualTo(steps(folder.resolve("a")));
    assertThat(Checkpoints.best(run).orElseThrow()).isEqualTo(result.bestCheckpoint()).exists();
  }

  private static List<String> steps(Path run) throws IOException {
    return Files.readAllLines(run.resolve("metrics.jsonl")).stream()
        .map(line -> line.replaceAll(",\"examplesPerSecond.*", ""))
        .toList();
  }

  @Test
  void stoppedAndResumedIsUninterrupted() {
    TrainConfig config = everything().checkpointEvery(0).build();
    Parameters straight = Tiny.parameters();
    trainer(config, straight, folder.resolve("a")).build().run();
    Path run = folder.resolve("b");
    Trainer[] holder = new Trainer[1];
    TrainListener stopper =
        new TrainListener() {
          @Override
          public void stepped(Step step) {
            if (step.step() == 7) {
              holder[0].stop();
            }
          }
        };
    holder[0] = trainer(config, Tiny.parameters(), run).listener(stopper).build();
    TrainResult stopped = holder[0].run();
    assertThat(stopped.reason()).isEqualTo(TrainResult.Reason.STOPPED);
    assertThat(stopped.steps()).isEqualTo(7);
    Parameters resumed = Tiny.parameters();
    TrainResult result = trainer(config, resumed, run).resume(true).build().run();
    assertThat(result.reason()).isEqualTo(TrainResult.Reason.COMPLETE);
    assertThat(Tiny.bits(resumed.all())).isEqualTo(Tiny.bits(straight.all()));
    // a finished run gives its weights again
    Parameters again = Tiny.parameters();
    assertThat(trainer(config, again, run).resume(true).build().run().steps()).isEqualTo(24);
    assertThat(Tiny.bits(again.all())).isEqualTo(Tiny.bits(straight.all()));
  }

  @Test
  void onlyTheNewestAndTheBestCheckpointsStay() throws IOException {
    TrainConfig config = everything().keep(2).checkpointEvery(2).build();
    TrainResult result = trainer(config, Tiny.parameters(), folder).build().run();
    try (var names = Files.list(folder.resolve("checkpoints"))) {
      assertThat(names.map(p -> p.getFileName().toString()).filter(n -> !n.startsWith(".")))
          .contains("step-000024", "step-000022", result.bestCheckpoint().getFileName().toString())
          .hasSizeLessThanOrEqualTo(3);
    }
  }

  @Test
  void halfWrittenCheckpointsAreIgnoredAndCleaned() throws IOException {
    TrainConfig config = everything().build();
    Parameters straight = Tiny.parameters();
    trainer(config, straight, folder.resolve("a")).build().run();
    Path run = folder.resolve("b");
    assertThatThrownBy(
            () -> trainer(config, Tiny.parameters(), run).listener(killAt(10)).build().run())
        .isInstanceOf(Killed.class);
    Path temporary = run.resolve("checkpoints/.step-000012.tmp");
    Files.createDirectory(temporary);
    Files.writeString(temporary.resolve("model.safetensors"), "half");
    Path broken = run.resolve("checkpoints/step-000024"); // the step of a later write
    Files.createDirectory(broken);
    Files.writeString(broken.resolve("trainer.json"), "{\"version\": 1, \"st");
    Files.writeString(
        run.resolve("metrics.jsonl"),
        "{\"step\": 10, \"los", // cut off
        java.nio.file.StandardOpenOption.APPEND);
    assertThat(Checkpoints.latest(run).orElseThrow().getFileName()).hasToString("step-000009");
    Parameters resumed = Tiny.parameters();
    trainer(config, resumed, run).resume(true).build().run();
    assertThat(temporary).doesNotExist();
    assertThat(Tiny.bits(resumed.all())).isEqualTo(Tiny.bits(straight.all()));
    assertThat(steps(run)).isEqualTo(steps(folder.resolve("a")));
  }

  @Test
  void anotherConfigurationIsRefusedByKey() {
    Path run = folder.resolve("run");
    assertThatThrownBy(
            () ->
                trainer(everything().build(), Tiny.parameters(), run)
                    .listener(killAt(10))
                    .build()
                    .run())
        .isInstanceOf(Killed.class);
    refused(trainer(everything().clipNorm(2).build(), Tiny.parameters(), run), "clipNorm");
    refused(
        trainer(
            everything().schedule(ScheduleConfig.cosine(6, 0.1)).build(), Tiny.parameters(), run),
        "schedule.warmupSteps");
    refused(
        trainer(everything().build(), Tiny.parameters(), run).identity(Map.of("width", 9)),
        "width");
    assertThatThrownBy(() -> trainer(everything().build(), Tiny.parameters(), run).build().run())
        .isInstanceOf(InputException.class)
        .hasMessageContaining("earlier run");
    // another logging interval changes no number
    trainer(everything().logEvery(5).keep(1).build(), Tiny.parameters(), run)
        .resume(true)
        .build()
        .run();
  }

  private static void refused(Trainer.Builder trainer, String key) {
    assertThatThrownBy(() -> trainer.resume(true).build().run())
        .isInstanceOf(InputException.class)
        .hasMessageContaining(key);
  }

  @Test
  void anotherModelIsRefused() {
    Path run = folder.resolve("run");
    TrainConfig config = TrainConfig.steps(4, OptimizerConfig.adam(0.1)).checkpointEvery(1).build();
    assertThatThrownBy(
            () ->
                Tiny.trainer(config, Tiny.parameters(), false)
                    .runFolder(run)
                    .listener(killAt(3))
                    .build()
                    .run())
        .isInstanceOf(Killed.class);
    assertThatThrownBy(
            () ->
                Tiny.trainer(config, Tiny.parameters(), true)
                    .runFolder(run)
                    .resume(true)
                    .build()
                    .run())
        .isInstanceOf(InputException.class)
        .hasMessageContaining("norm.bias");
  }

  @Test
  void twoRunsCannotShareAFolder() {
    TrainConfig config = TrainConfig.steps(2, OptimizerConfig.adam(0.1)).build();
    TrainListener second =
        new TrainListener() {
          @Override
          public void stepped(Step step) {
            assertThatThrownBy(
                    () ->
                        Tiny.trainer(config, Tiny.parameters(), false)
                            .runFolder(folder)
                            .build()
                            .run())
                .isInstanceOf(InputException.class)
                .hasMessageContaining("another process");
          }
        };
    Tiny.trainer(config, Tiny.parameters(), false).runFolder(folder).listener(second).build().run();
  }

  @Test
  void checkpointWeightsLoadIntoAStore() {
    TrainConfig config = everything().build();
    Parameters trained = Tiny.parameters();
    TrainResult result = trainer(config, trained, folder).build().run();
    Parameters plain = Tiny.parameters();
    Checkpoints.load(result.latestCheckpoint(), plain, false);
    assertThat(Tiny.bits(plain.all())).isEqualTo(Tiny.bits(trained.all()));
    Parameters averaged = Tiny.parameters();
    Checkpoints.load(result.latestCheckpoint(), averaged, true);
    INDArray weight = averaged.get("out.weight");
    assertThat(weight.equalsWithEps(trained.get("out.weight"), 0.5)).isTrue();
    assertThat(Tiny.bits(averaged.all())).isNotEqualTo(Tiny.bits(trained.all()));
    assertThat(saved(result.latestCheckpoint(), Checkpoints.EMA))
        .containsEntry("out.weight", Tiny.bits(averaged.all()).get("out.weight"));
  }
}
