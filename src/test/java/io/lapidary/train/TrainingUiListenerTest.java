package io.lapidary.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.lapidary.InputException;
import io.lapidary.Logged;
import io.lapidary.engine.Parameters;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.deeplearning4j.core.storage.Persistable;
import org.deeplearning4j.core.storage.StatsStorage;
import org.deeplearning4j.ui.model.stats.api.Histogram;
import org.deeplearning4j.ui.model.stats.api.StatsInitializationReport;
import org.deeplearning4j.ui.model.stats.api.StatsReport;
import org.deeplearning4j.ui.model.stats.api.StatsType;
import org.deeplearning4j.ui.model.storage.FileStatsStorage;
import org.deeplearning4j.ui.model.storage.InMemoryStatsStorage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The training page finds in the storage what the trainer did. */
class TrainingUiListenerTest {
  @TempDir Path folder;

  /** Keeps what the trainer said. */
  private static final class Heard implements TrainListener {
    final List<Step> steps = new ArrayList<>();

    @Override
    public void stepped(Step step) {
      steps.add(step);
    }
  }

  private static List<StatsReport> reports(StatsStorage storage, String session) {
    List<StatsReport> reports = new ArrayList<>();
    for (Persistable update :
        storage.getAllUpdatesAfter(
            session, TrainingUiListener.TYPE, TrainingUiListener.WORKER, 0)) {
      reports.add((StatsReport) update);
    }
    return reports;
  }

  private static List<Integer> iterations(StatsStorage storage, String session) {
    return reports(storage, session).stream().map(StatsReport::getIterationCount).toList();
  }

  private static List<Integer> oneTo(int last) {
    return IntStream.rangeClosed(1, last).boxed().toList();
  }

  @Test
  void aFileGivesBackTheRun() throws IOException {
    Path file = folder.resolve("new/reports.db");
    Heard heard = new Heard();
    Parameters parameters = Tiny.parameters();
    try (TrainingUiFile reports = TrainingUiFile.open(file)) {
      Tiny.trainer(ResumeTest.everything().monitor(null).evaluateEvery(0).build(), parameters, true)
          .listener(heard)
          .listener(new TrainingUiListener(reports.storage(), "tiny", 1, 24))
          .build()
          .run();
    }
    StatsStorage storage = new FileStatsStorage(file.toFile());
    try {
      assertThat(storage.listSessionIDs()).containsExactly("tiny");
      assertThat(storage.listTypeIDsForSession("tiny")).containsExactly("StatsListener");
      assertThat(storage.listWorkerIDsForSession("tiny")).containsExactly("trainer");
      List<StatsReport> reports = reports(storage, "tiny");
      assertThat(reports).hasSize(24);
      for (int i = 0; i < 24; i++) {
        TrainListener.Step step = heard.steps.get(i);
        StatsReport report = reports.get(i);
        assertThat(report.getIterationCount()).isEqualTo(i + 1);
        assertThat(report.getScore()).isEqualTo(step.losses().get("total"));
        assertThat(report.getLearningRates().get(TrainingUiListener.LEARNING_RATE))
            .isCloseTo(step.learningRate(), within(1e-8));
        assertThat(
                report.getMeanMagnitudes(StatsType.Gradients).get(TrainingUiListener.GRADIENT_NORM))
            .isCloseTo(step.gradientNorm(), within(1e-6 * (1 + step.gradientNorm())));
        assertThat(report.getTotalMinibatches()).isEqualTo(i + 1);
        assertThat(report.getJvmCurrentBytes()).isPositive();
        assertThat(report.getOffHeapMaxBytes()).isPositive();
      }
      assertThat(reports.get(22).getMeanMagnitudes(StatsType.Parameters)).isNullOrEmpty();
      requireParameters(reports.get(23), parameters);
      StatsInitializationReport start =
          (StatsInitializationReport) storage.getStaticInfo("tiny", "StatsListener", "trainer");
      assertThat(start.getModelParamNames()).containsExactlyElementsOf(parameters.all().keySet());
      assertThat(start.getModelNumParams()).isEqualTo(parameters.count());
      assertThat(start.getModelNumLayers()).isEqualTo(3); // hidden, norm, out
      assertThat(start.getSwNd4jDataTypeName()).isEqualTo("FLOAT");
      assertThat(start.getHwJvmMaxMemory()).isEqualTo(Runtime.getRuntime().maxMemory());
    } finally {
      storage.close();
    }
  }

  private static void requireParameters(StatsReport report, Parameters parameters) {
    parameters
        .all()
        .forEach(
            (name, array) -> {
              assertThat(report.getMeanMagnitudes(StatsType.Parameters).get(name))
                  .isCloseTo(array.ameanNumber().doubleValue(), within(1e-5));
              assertThat(report.getMean(StatsType.Parameters).get(name))
                  .isCloseTo(array.meanNumber().doubleValue(), within(1e-5));
              Histogram histogram = report.getHistograms(StatsType.Parameters).get(name);
              assertThat(histogram.getMin())
                  .isCloseTo(array.minNumber().doubleValue(), within(1e-6));
              assertThat(IntStream.of(histogram.getBinCounts()).sum())
                  .isEqualTo((int) array.length());
            });
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 4, 11, 24})
  void aResumedRunKeepsOnePointPerStep(long at) throws IOException {
    Path file = folder.resolve("reports.db");
    Path run = folder.resolve("run");
    TrainConfig config = ResumeTest.everything().build();
    try (TrainingUiFile reports = TrainingUiFile.open(file)) {
      assertThatThrownBy(
              () ->
                  ResumeTest.trainer(config, Tiny.parameters(), run)
                      .listener(new TrainingUiListener(reports.storage(), "tiny"))
                      .listener(ResumeTest.killAt(at))
                      .build()
                      .run())
          .isInstanceOf(ResumeTest.Killed.class);
    }
    Heard heard = new Heard();
    try (TrainingUiFile reports = TrainingUiFile.open(file)) {
      TrainingUiListener listener = new TrainingUiListener(reports.storage(), "tiny");
      ResumeTest.trainer(config, Tiny.parameters(), run)
          .resume(true)
          .listener(heard)
          .listener(listener)
          .build()
          .run();
      boolean fromCheckpoint = heard.steps.get(0).step() > 1;
      assertThat(listener.session()).isEqualTo(fromCheckpoint ? "tiny" : "tiny-2");
      List<StatsReport> stored = reports(reports.storage(), listener.session());
      assertThat(stored).extracting(StatsReport::getIterationCount).isEqualTo(oneTo(24));
      for (TrainListener.Step step : heard.steps) {
        assertThat(stored.get((int) step.step() - 1).getScore())
            .isEqualTo(step.losses().get("total"));
      }
    }
  }

  @Test
  void anotherRunIsAnotherSession() {
    StatsStorage storage = new InMemoryStatsStorage();
    TrainConfig config = TrainConfig.steps(6, OptimizerConfig.adamW(0.01, 0)).build();
    for (int run = 0; run < 3; run++) {
      Tiny.trainer(config, Tiny.parameters(), false)
          .listener(new TrainingUiListener(storage, "tiny", 4, 0))
          .build()
          .run();
    }
    assertThat(storage.listSessionIDs()).containsExactlyInAnyOrder("tiny", "tiny-2", "tiny-3");
    assertThat(iterations(storage, "tiny-3")).containsExactly(1, 4, 6);
  }

  @Test
  void aStorageThatClosesEndsNoTraining() {
    TrainConfig config = TrainConfig.steps(6, OptimizerConfig.adamW(0.01, 0)).build();
    TrainingUiFile reports = TrainingUiFile.open(folder.resolve("reports.db"));
    TrainListener closer =
        new TrainListener() {
          @Override
          public void stepped(Step step) {
            if (step.step() == 3) {
              reports.close();
            }
          }
        };
    try (Logged logged = Logged.by(TrainingUiListener.class)) {
      TrainResult result =
          Tiny.trainer(config, Tiny.parameters(), false)
              .listener(new TrainingUiListener(reports.storage(), "tiny"))
              .listener(closer)
              .build()
              .run();
      assertThat(result.steps()).isEqualTo(6);
      assertThat(logged.messages()).singleElement().asString().contains("no further reports");
    }
    try (TrainingUiFile again = TrainingUiFile.open(folder.resolve("reports.db"))) {
      assertThat(iterations(again.storage(), "tiny")).isEqualTo(oneTo(3));
    }
  }

  @Test
  void aFileThatCannotBeUsedIsNamed() throws IOException {
    Path file = folder.resolve("reports.db");
    try (TrainingUiFile open = TrainingUiFile.open(file)) {
      assertThat(open.storage().isClosed()).isFalse();
      assertUnusable(file);
    }
    Path text = Files.writeString(folder.resolve("text"), "no reports here ".repeat(10));
    assertUnusable(text);
    assertThat(text).hasContent("no reports here ".repeat(10));
    assertUnusable(text.resolve("below"));
    assertUnusable(folder);
  }

  private static void assertUnusable(Path file) {
    assertThatThrownBy(() -> TrainingUiFile.open(file).close())
        .isInstanceOf(InputException.class)
        .hasMessageStartingWith(file + ": ")
        .hasMessageNotContaining("\n");
  }
}
