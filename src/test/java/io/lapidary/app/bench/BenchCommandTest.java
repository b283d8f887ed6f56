package io.lapidary.app.bench;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.lapidary.app.Lapidary;
import io.lapidary.engine.stock.StockAutoencoder;
import io.lapidary.engine.stock.StockGpt;
import io.lapidary.engine.stock.StockModel;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import org.junit.jupiter.api.Test;

class BenchCommandTest {
  private record Outcome(int code, String out, String err) {}

  private static Outcome run(String... args) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int code = Lapidary.run(new PrintWriter(out), new PrintWriter(err), args);
    return new Outcome(code, out.toString(), err.toString());
  }

  @Test
  void jsonHasOneObjectPerLineWithTheSharedKeys() throws IOException {
    Outcome outcome = run("bench", "gemm", "gpt_forward", "--json", "--seconds", "0");
    assertThat(outcome.code()).as(outcome.err()).isZero();
    List<String> lines = outcome.out().lines().toList();
    assertThat(lines).hasSize(2);
    for (int i = 0; i < 2; i++) {
      JsonNode line = new ObjectMapper().readTree(lines.get(i));
      assertThat(line.fieldNames()).toIterable().containsExactlyElementsOf(Timing.HEADER);
      assertThat(line.get("workload").asText()).isEqualTo(List.of("gemm", "gpt_forward").get(i));
      assertThat(line.get("runs").asInt()).isEqualTo(Stopwatch.LEAST_RUNS);
      assertThat(line.get("min_ms").asDouble())
          .isPositive()
          .isLessThanOrEqualTo(line.get("median_ms").asDouble());
      assertThat(line.get("threads").asInt()).isPositive();
      assertThat(line.get("engine").asText()).startsWith("lapidary-");
    }
  }

  @Test
  void anotherNumberOfThreadsIsTheOneReported() throws IOException {
    String own = System.getenv("OMP_NUM_THREADS");
    int other = "2".equals(own) ? 1 : 2;
    Outcome outcome =
        run("bench", "gemm", "--json", "--seconds", "0", "--threads", Integer.toString(other));
    assertThat(outcome.code()).as(outcome.err()).isZero();
    JsonNode line = new ObjectMapper().readTree(outcome.out());
    assertThat(line.get("threads").asInt()).isEqualTo(other);
  }

  @Test
  void frozenWeightsCostFewerCalls() throws IOException {
    Outcome outcome = run("bench", "--frozen", "--json", "--seconds", "0");
    assertThat(outcome.code()).as(outcome.err()).isZero();
    List<String> lines = outcome.out().lines().toList();
    assertThat(lines).hasSize(3);
    JsonNode all = new ObjectMapper().readTree(lines.get(0));
    JsonNode adapters = new ObjectMapper().readTree(lines.get(1));
    JsonNode head = new ObjectMapper().readTree(lines.get(2));
    assertThat(head.get("calls").asInt()).isLessThan(all.get("calls").asInt() / 2);
    assertThat(adapters.get("values").asLong()).isLessThan(all.get("values").asLong() / 10);
  }

  @Test
  void tableIsAligned() {
    Timing quick = new Timing("gemm", 1.23456, 1, 5, 1, "lapidary");
    Timing slow = new Timing("convnet_step", 12345.6, 9999.9, 100, 16, "lapidary");
    assertThat(quick.row()).contains(" 1.235 ");
    int engine = Timing.headerRow().indexOf("engine");
    assertThat(quick.row().indexOf("lapidary")).isEqualTo(engine);
    assertThat(slow.row().indexOf("lapidary")).isEqualTo(engine);
  }

  @Test
  void whatCannotBeTimedIsOneLineAndExitCodeTwo() {
    for (String[] args :
        new String[][] {
          {"bench", "gmm"},
          {"bench", "gemm", "--stock"},
          {"bench", "gemm", "--seconds", "-1"},
          {"bench", "gemm", "--seconds", "NaN"},
          {"bench", "gemm", "--seconds", "soon"},
          {"bench", "gemm", "--threads", "0"}
        }) {
      Outcome outcome = run(args);
      assertThat(outcome.code()).as(String.join(" ", args)).isEqualTo(2);
      assertThat(outcome.out()).as(String.join(" ", args)).isEmpty();
      assertThat(outcome.err()).startsWith("lapidary: ").doesNotContain("\tat ");
    }
    assertThat(run("bench", "gmm").err()).contains("gmm", "gpt_step", "lora_step");
    assertThat(run("bench", "gemm", "--stock").err()).contains("gpt_step");
  }

  @Test
  void warmUpsDoNotCountAndTheMedianIsOfTheRunsLeft() {
    long[] now = {0};
    Stopwatch watch = new Stopwatch(0.05, () -> now[0]);
    int calls = 0;
    while (watch.more()) {
      watch.start();
      now[0] += calls < Stopwatch.WARM_UPS ? 1_000_000_000L : (calls % 2 == 0 ? 4 : 2) * 1_000_000L;
      watch.stop();
      calls++;
    }
    assertThat(calls).isEqualTo(Stopwatch.WARM_UPS + watch.runs());
    assertThat(watch.runs()).isEqualTo(17); // 4 + 2 + 4 + … reaches 50 ms with the 17th
    assertThat(watch.minMillis()).isEqualTo(2);
    assertThat(watch.medianMillis()).isEqualTo(4);
  }

  @Test
  void stockModelsTrain() {
    for (StockModel model :
        List.of(new StockAutoencoder(6, 13, 9), new StockGpt(31, 5, 8, 2, 2, 12, 3))) {
      Stopwatch watch = new Stopwatch(0, System::nanoTime);
      StockRun.time(model, 1, watch);
      assertThat(watch.runs()).isEqualTo(Stopwatch.LEAST_RUNS);
      assertThat(watch.minMillis()).isPositive();
    }
  }
}
