package io.lapidary.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.lapidary.engine.Init;
import io.lapidary.engine.Parameters;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

class TrainerTest {
  private static final OptimizerConfig ADAM = OptimizerConfig.adam(0.02);

  @Test
  void lossesFallAndPartialBatchesCount() {
    List<TrainListener.Step> steps = new ArrayList<>();
    TrainConfig config =
        TrainConfig.epochs(30, ADAM).lossWeights(Map.of("size", 0.0)).logEvery(1).build();
    TrainResult result =
        Tiny.trainer(config, Tiny.parameters(), false).listener(record(steps)).build().run();
    assertThat(result.reason()).isEqualTo(TrainResult.Reason.COMPLETE);
    assertThat(result.epochs()).isEqualTo(30);
    assertThat(result.steps()).isEqualTo(150).isEqualTo(steps.size()); // 37 examples in eights
    assertThat(steps.get(0).losses()).containsOnlyKeys("error", "size", "total");
    assertThat(steps.get(0).losses().get("total")).isEqualTo(steps.get(0).losses().get("error"));
    assertThat(mean(steps.subList(145, 150))).isLessThan(0.3 * mean(steps.subList(0, 5)));
    assertThat(steps.get(149).epoch()).isEqualTo(29);
  }

  private static double mean(List<TrainListener.Step> steps) {
    return steps.stream().mapToDouble(s -> s.losses().get("total")).average().orElseThrow();
  }

  private static TrainListener record(List<TrainListener.Step> steps) {
    return new TrainListener() {
      @Override
      public void stepped(Step step) {
        steps.add(step);
      }
    };
  }

  @ParameterizedTest
  @CsvSource({"32, 8, 4", "37, 8, 5", "37, 1, 37", "30, 7, 5"})
  void accumulationEqualsTheBigBatch(int examples, int batch, int accumulate) {
    List<TrainListener.Step> big = new ArrayList<>();
    List<TrainListener.Step> small = new ArrayList<>();
    Parameters expected = accumulated(examples, examples, 1, big);
    Parameters found = accumulated(examples, batch, accumulate, small);
    expected
        .all()
        .forEach(
            (name, array) ->
                assertThat(found.get(name).equalsWithEps(array, 2e-6)).as(name).isTrue());
    assertThat(small).hasSameSizeAs(big);
    for (int i = 0; i < big.size(); i++) {
      assertThat(small.get(i).gradientNorm()).isCloseTo(big.get(i).gradientNorm(), within(1e-5));
      assertThat(small.get(i).losses().get("total"))
          .isCloseTo(big.get(i).losses().get("total"), within(1e-5));
    }
  }

  private static Parameters accumulated(
      int examples, int batch, int accumulate, List<TrainListener.Step> steps) {
    Parameters parameters = Tiny.parameters();
    TrainConfig config =
        TrainConfig.epochs(6, OptimizerConfig.sgd(0.1, 0.9))
            .accumulate(accumulate)
            .clipNorm(0.3)
            .build();
    Trainer.builder(config, parameters, Tiny.objective(false), Tiny.batches(examples, batch, false))
        .features("x")
        .labels("y")
        .listener(record(steps))
        .build()
        .run();
    return parameters;
  }

  @ParameterizedTest
  @EnumSource(
      value = DataType.class,
      names = {"FLOAT", "DOUBLE"})
  void normIsOverAllValuesOfAllArrays(DataType type) {
    INDArray matrix = Nd4j.linspace(1, 35, 35, type).reshape(5, 7);
    Map<String, INDArray> arrays =
        Map.of(
            "matrix", matrix,
            "scalar", Nd4j.scalar(type, 3),
            "columns", matrix.get(NDArrayIndex.all(), NDArrayIndex.interval(1, 3)),
            "turned", matrix.transpose());
    double squares = 9;
    for (int i = 1; i <= 35; i++) {
      int column = (i - 1) % 7;
      squares += (column == 1 || column == 2 ? 3.0 : 2.0) * i * i;
    }
    assertThat(GradientSum.norm(arrays)).isCloseTo(Math.sqrt(squares), within(1e-4));
    arrays.get("scalar").assign(Double.NaN);
    assertThat(GradientSum.norm(arrays)).isNaN();
  }

  @Test
  void clippingLimitsTheStep() {
    Parameters before = Tiny.parameters();
    Parameters after = Tiny.parameters();
    List<TrainListener.Step> steps = new ArrayList<>();
    OptimizerConfig sgd = OptimizerConfig.sgd(1, 0);
    Tiny.trainer(TrainConfig.steps(1, sgd).clipNorm(0.01).build(), after, false)
        .listener(record(steps))
        .build()
        .run();
    Tiny.trainer(TrainConfig.steps(1, OptimizerConfig.sgd(1e-30, 0)).build(), before, false)
        .build()
        .run();
    double squares = 0;
    for (String name : after.all().keySet()) {
      squares += Math.pow(after.get(name).distance2(before.get(name)), 2);
    }
    assertThat(Math.sqrt(squares)).isCloseTo(0.01, within(1e-6));
    assertThat(steps.get(0).gradientNorm()).isGreaterThan(0.05);
  }

  @Test
  void frozenWeightsStayAndKeepNoState(@TempDir Path run) {
    Parameters parameters = Tiny.parameters();
    TrainConfig config =
        TrainConfig.steps(5, OptimizerConfig.adamW(0.1, 0.1))
            .groups(
                ParameterGroup.frozen("hidden.*"),
                new ParameterGroup(List.of("out.bias"), 0.0, null, null))
            .emaDecay(0.5)
            .build();
    TrainResult result = Tiny.trainer(config, parameters, false).runFolder(run).build().run();
    Parameters fresh = Tiny.parameters();
    ParameterGroup still = new ParameterGroup(List.of("*"), 0.0, null, null);
    Tiny.trainer(TrainConfig.steps(1, ADAM).groups(still).build(), fresh, false).build().run();
    Map<String, String> now = Tiny.bits(parameters.all());
    Map<String, String> then = Tiny.bits(fresh.all());
    assertThat(now.get("hidden.weight")).isEqualTo(then.get("hidden.weight"));
    assertThat(now.get("hidden.bias")).isEqualTo(then.get("hidden.bias"));
    assertThat(now.get("out.bias")).isEqualTo(then.get("out.bias"));
    assertThat(now.get("out.weight")).isNotEqualTo(then.get("out.weight"));
    assertThat(ResumeTest.saved(result.latestCheckpoint(), Checkpoints.OPTIMIZER).keySet())
        .isNotEmpty()
        .noneMatch(name -> name.contains("hidden"));
    assertThat(ResumeTest.saved(result.latestCheckpoint(), Checkpoints.EMA))
        .containsOnlyKeys("out.weight", "out.bias");
  }

  @Test
  void batchNormStatisticsMove() {
    Parameters parameters = Tiny.parameters();
    Tiny.trainer(TrainConfig.steps(3, ADAM).build(), parameters, true).build().run();
    assertThat(parameters.get("norm.running_mean").norm2Number().doubleValue()).isGreaterThan(0.01);
  }

  @Test
  void divergenceNamesStepLossAndOperation() {
    TrainConfig config = TrainConfig.steps(50, OptimizerConfig.sgd(1e20, 0)).build();
    DivergedException e =
        catchThrowableOfType(
            DivergedException.class,
            () -> Tiny.trainer(config, Tiny.parameters(), false).build().run());
    assertThat(e.step()).isBetween(2L, 5L);
    assertThat(e.lastFiniteLoss()).isFinite();
    assertThat(e.operation()).isNotNull();
    assertThat(e).hasMessageContaining("step " + e.step()).hasMessageContaining(e.operation());
  }

  @Test
  void gradientsThatAreNotFiniteStopTooAndLeaveTheWeights() {
    Objective root =
        (graph, inputs) -> {
          SDVariable w = graph.parameter("w", Init.constant(1), 3);
          SDVariable zero = graph.ops().mul(graph.ops().square(w), 0.0);
          return Map.of("root", graph.ops().mean(graph.ops().sqrt(zero), false));
        };
    Parameters parameters = Tiny.parameters();
    Trainer trainer =
        Trainer.builder(
                TrainConfig.steps(2, ADAM).build(), parameters, root, Tiny.batches(8, 8, false))
            .features("x")
            .build();
    assertThatThrownBy(trainer::run)
        .isInstanceOf(DivergedException.class)
        .hasMessageContaining("step 1")
        .hasMessageContaining("gradient");
    assertThat(parameters.get("w").getDouble(0)).isEqualTo(1);
  }

  @Test
  void stopsEarlyAndKeepsTheBest(@TempDir Path run) {
    double[] values = {3, 2, 2.5, 1.95, 2.6, 1};
    List<Boolean> best = new ArrayList<>();
    TrainConfig config =
        TrainConfig.epochs(6, ADAM)
            .evaluateEveryEpochs(1)
            .monitor(new Monitor("score", Monitor.Mode.MIN, 3, 0.1))
            .keep(1)
            .build();
    int[] calls = {0};
    TrainListener listener =
        new TrainListener() {
          @Override
          public void evaluated(long step, long epoch, Map<String, Double> m, boolean isBest) {
            best.add(isBest);
          }
        };
    TrainResult result =
        Tiny.trainer(config, Tiny.parameters(), false)
            .evaluator((step, epoch) -> Map.of("score", values[calls[0]++]))
            .listener(listener)
            .runFolder(run)
            .build()
            .run();
    assertThat(best).containsExactly(true, true, false, false, false);
    assertThat(result.reason()).isEqualTo(TrainResult.Reason.EARLY_STOP);
    assertThat(result.best()).isEqualTo(2);
    assertThat(result.bestStep()).isEqualTo(10);
    assertThat(result.bestCheckpoint()).exists();
    assertThat(Checkpoints.best(run)).contains(result.bestCheckpoint());
    assertThat(result.latestCheckpoint()).exists().isNotEqualTo(result.bestCheckpoint());
  }

  @Test
  void evaluationSeesTheAverageAndTrainingDoesNot() {
    Parameters parameters = Tiny.parameters();
    List<Map<String, String>> seen = new ArrayList<>();
    List<Map<String, String>> live = new ArrayList<>();
    TrainConfig config = TrainConfig.steps(6, ADAM).emaDecay(0.9).evaluateEvery(3).build();
    TrainListener listener =
        new TrainListener() {
          @Override
          public void stepped(Step step) {
            live.add(Tiny.bits(parameters.all()));
          }

          @Override
          public void evaluated(long step, long epoch, Map<String, Double> m, boolean best) {
            assertThat(Tiny.bits(parameters.all())).isEqualTo(live.get(live.size() - 1));
          }
        };
    Tiny.trainer(config, parameters, false)
        .evaluator(
            (step, epoch) -> {
              seen.add(Tiny.bits(parameters.all()));
              return Map.of();
            })
        .listener(listener)
        .build()
        .run();
    assertThat(seen).hasSize(2);
    assertThat(live).doesNotContain(seen.get(0), seen.get(1));
    Parameters without = Tiny.parameters();
    Tiny.trainer(TrainConfig.steps(6, ADAM).build(), without, false).build().run();
    assertThat(Tiny.bits(parameters.all())).isEqualTo(Tiny.bits(without.all()));
  }

  @Test
  void metricsAreOneJsonObjectPerLine(@TempDir Path run) throws IOException {
    ByteArrayOutputStream shown = new ByteArrayOutputStream();
    TrainConfig config = TrainConfig.steps(7, ADAM).logEvery(3).evaluateEvery(5).build();
    Tiny.trainer(config, Tiny.parameters(), false)
        .evaluator((step, epoch) -> Map.of("val/accuracy", 0.5))
        .listener(
            new ConsoleListener(
                "tiny", new PrintStream(shown, true, StandardCharsets.UTF_8), false, 3))
        .runFolder(run)
        .build()
        .run();
    ObjectMapper mapper = new ObjectMapper();
    List<Integer> steps = new ArrayList<>();
    for (String line : Files.readAllLines(run.resolve("metrics.jsonl"))) {
      JsonNode node = mapper.readTree(line);
      if (node.has("evaluation")) {
        assertThat(node.path("evaluation").path("val/accuracy").asDouble()).isEqualTo(0.5);
        continue;
      }
      steps.add(node.path("step").asInt());
      assertThat(node.path("losses").has("total")).isTrue();
      assertThat(node.path("gradNorm").asDouble()).isPositive();
      assertThat(node.path("examplesPerSecond").asDouble()).isPositive();
      assertThat(node.path("lr").asDouble()).isEqualTo(0.02);
    }
    assertThat(steps).containsExactly(1, 3, 6, 7);
    assertThat(shown.toString(StandardCharsets.UTF_8))
        .contains("tiny: step 3", "val/accuracy 0.5", "complete after 7 steps");
  }

  @Test
  void mistakesAreNamed() {
    TrainConfig plain = TrainConfig.steps(1, ADAM).build();
    assertThatThrownBy(
            () ->
                Tiny.trainer(
                        TrainConfig.steps(1, ADAM).lossWeights(Map.of("eror", 1.0)).build(),
                        Tiny.parameters(),
                        false)
                    .build()
                    .run())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("eror")
        .hasMessageContaining("error");
    assertThatThrownBy(
            () -> Tiny.trainer(plain, Tiny.parameters(), false).features("a", "b").build().run())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("the batch has 1");
    assertThatThrownBy(() -> Tiny.trainer(plain, Tiny.parameters(), false).resume(true).build())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("run folder");
    TrainConfig watched =
        TrainConfig.steps(1, ADAM).monitor(new Monitor("a", null, null, null)).build();
    assertThatThrownBy(
            () ->
                Tiny.trainer(watched, Tiny.parameters(), false)
                    .evaluator((step, epoch) -> Map.of("b", 1.0))
                    .build()
                    .run())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("'a'");
  }

  @Test
  void memoryDoesNotGrow() {
    long[] bytes = new long[2];
    TrainListener listener =
        new TrainListener() {
          @Override
          public void stepped(Step step) {
            if (step.step() == 200 || step.step() == 1200) {
              System.gc();
              System.gc();
              bytes[step.step() == 200 ? 0 : 1] = Pointer.totalBytes();
            }
          }
        };
    TrainConfig config =
        TrainConfig.steps(1200, OptimizerConfig.adamW(0.001, 0.1))
            .accumulate(2)
            .emaDecay(0.9)
            .clipNorm(0.1)
            .build();
    Tiny.trainer(config, Tiny.parameters(), true).listener(listener).build().run();
    assertThat(bytes[1]).isLessThan(bytes[0] + (1 << 20));
  }
}
