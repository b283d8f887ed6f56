package io.lapidary.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lapidary.InputException;
import io.lapidary.metric.MetricValue;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunContextTest {
  @TempDir Path folder;

  /** Says how far the mean of a seeded draw is from a half. */
  record CoinConfig(int throwsPerSeed) {}

  /** The smallest experiment. */
  static final class Coin implements Experiment<CoinConfig> {
    @Override
    public String name() {
      return "coin";
    }

    @Override
    public Class<CoinConfig> configType() {
      return CoinConfig.class;
    }

    @Override
    public Result run(CoinConfig config, RunContext run) {
      ClaimSpec fair = run.claim("C1", "Sec. 1", "The coin is fair", "", Direction.AT_MOST);
      run.used("coin", "c0ffee");
      double[] shares =
          run.seeds().stream()
              .mapToDouble(
                  seeds ->
                      Math.abs(
                          seeds.stream("coin")
                                  .random()
                                  .doubles(config.throwsPerSeed())
                                  .average()
                                  .orElseThrow()
                              - 0.5))
              .toArray();
      return run.result(
          config,
          List.of(fair.overSeeds(shares)),
          List.of(MetricValue.of("share", shares[0], config.throwsPerSeed())),
          List.of());
    }
  }

  private RunContext context(Map<String, Double> thresholds) {
    return new RunContext(
        new RunContext.Setup(
            "coin",
            "quick",
            List.of(1L, 2L, 3L),
            thresholds,
            folder,
            Machines.here(1, "cpu"),
            Terminal.plain()));
  }

  @Test
  void experimentEndsInAResultThatCanBeStored() {
    Result result = new Coin().run(new CoinConfig(1000), context(Map.of("C1", 0.1)));
    assertThat(result.claims().get(0).verdict()).isEqualTo(Verdict.HOLDS);
    assertThat(result.provenance().config()).isEqualTo(Map.of("throwsPerSeed", 1000));
    assertThat(result.provenance().data()).isEqualTo(Map.of("coin", "c0ffee"));
    assertThat(ResultFiles.read(ResultFiles.write(folder, result))).isEqualTo(result);
  }

  @Test
  void missingThresholdIsAnInputError() {
    assertThatThrownBy(() -> new Coin().run(new CoinConfig(1000), context(Map.of())))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("experiments/coin/quick.yaml: no threshold for claim C1");
  }

  @Test
  void progressLinesComeEveryTenSeconds() {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    AtomicLong seconds = new AtomicLong();
    try (Progress progress =
        new Progress.Lines(
            "train",
            100,
            new PrintStream(bytes, true, StandardCharsets.UTF_8),
            () -> seconds.get() * 1_000_000_000L)) {
      for (int step = 1; step <= 25; step++) {
        seconds.set(step);
        progress.remark("loss " + step);
        progress.to(step);
      }
    }
    assertThat(bytes.toString(StandardCharsets.UTF_8).replace("\r\n", "\n"))
        .isEqualTo(
            """
            train: 10/100 (10%), 0:10 gone, 1:30 left, loss 10
            train: 20/100 (20%), 0:20 gone, 1:20 left, loss 20
            train: 25/100 (25%), 0:25 gone, 1:15 left, loss 25
            """);
  }

  @Test
  void progressBarsOpenAndClose() {
    Terminal interactive = new Terminal(true, 60, false, false);
    ByteArrayOutputStream drawn = new ByteArrayOutputStream();
    PrintStream err = new PrintStream(drawn, true, StandardCharsets.UTF_8);
    for (Progress progress :
        new Progress[] {
          Progress.open("a", 10, interactive, err),
          Progress.open("b", 0, interactive, err),
          Progress.open("c", 10, Terminal.plain(), err),
          Progress.silent()
        }) {
      progress.to(5);
      progress.remark("x");
      progress.close();
    }
    assertThat(drawn.toString(StandardCharsets.UTF_8)).contains("a  50%", "5/10", "x");
  }
}
