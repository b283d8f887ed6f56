package io.lapidary.app.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.lapidary.Seeds;
import io.lapidary.engine.Gradients;
import io.lapidary.engine.Graph;
import io.lapidary.engine.Plan;
import io.lapidary.model.LmConfig;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** The workloads in small. */
class WorkloadTest {
  private static final Gpt TINY_GPT = new Gpt(31, 5, 8, 2, 2, 12, 3, Gpt.Scope.ALL);

  /** Same builders, small sizes. */
  static Map<String, Workload> tiny() {
    Map<String, Workload> tiny = new LinkedHashMap<>();
    tiny.put("gemm", new Gemm(7, 5, 6));
    tiny.put("sae_step", new SparseAutoencoderStep(6, 13, 9));
    tiny.put("gpt_step", TINY_GPT);
    tiny.put("gpt_forward", new Gpt(31, 5, 8, 2, 2, 12, 3, Gpt.Scope.NONE));
    tiny.put("vit_embed", new VitEmbed(8, 4, 6, 3, 2, 10, 4));
    tiny.put("convnet_step", new ConvNetStep(8, 5, 3, 4, 3));
    tiny.put("lora_step", new LoraStep(29, 6, 8, 2, 2, 11, 3, 2));
    return tiny;
  }

  static Stream<Arguments> all() {
    return tiny().entrySet().stream().map(e -> Arguments.of(e.getKey(), e.getValue()));
  }

  static Stream<Arguments> training() {
    return all().filter(a -> ((String) a.get()[0]).endsWith("_step"));
  }

  @Test
  void smallAndFullWorkloadsHaveTheSameNames() {
    assertThat(Catalog.names()).containsExactlyElementsOf(tiny().keySet());
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("all")
  void planGivesTheValuesOfSameDiff(String name, Workload workload) {
    for (DataType type : List.of(DataType.FLOAT, DataType.DOUBLE)) {
      Task task = workload.build(type, 3);
      disturb(task, 3);
      List<SDVariable> wanted = new ArrayList<>(task.outputs());
      if (!task.trained().isEmpty()) {
        wanted.addAll(Gradients.of(task.graph(), task.outputs().get(0), task.trained()));
      }
      String[] names = wanted.stream().map(SDVariable::name).toArray(String[]::new);
      Map<String, INDArray> expected = task.graph().sameDiff().output(task.feeds(), names);
      try (Plan plan = Plan.compile(task.graph(), wanted)) {
        plan.run(task.feeds());
        for (SDVariable v : wanted) {
          double tolerance = type == DataType.FLOAT ? 1e-4 : 1e-11;
          double scale = 1 + expected.get(v.name()).normmaxNumber().doubleValue();
          assertThat(distance(plan.output(v), expected.get(v.name())) / scale)
              .as("%s %s %s", name, type, v.name())
              .isLessThan(tolerance);
        }
      }
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("training")
  void gradientsAgreeWithCentralDifferences(String name, Workload workload) {
    for (long seed = 1; seed <= 2; seed++) {
      Task task = workload.build(DataType.DOUBLE, seed);
      disturb(task, seed);
      Graph graph = task.graph();
      SDVariable loss = task.outputs().get(0);
      List<SDVariable> gradients = Gradients.of(graph, loss, task.trained());
      SplittableRandom random = new SplittableRandom(seed);
      try (Plan forward = Plan.compile(graph, loss);
          Plan backward = Plan.compile(graph, gradients)) {
        backward.run(task.feeds());
        for (int p = 0; p < gradients.size(); p++) {
          INDArray gradient = backward.output(gradients.get(p));
          INDArray weight = graph.store().get(task.trained().get(p).name());
          double scale = gradient.normmaxNumber().doubleValue() + 1e-4;
          for (int sample = 0; sample < 4; sample++) {
            long i = random.nextLong(weight.length());
            double numeric = slope(forward, loss, task.feeds(), weight, i);
            assertThat(Math.abs(gradient.getDouble(i) - numeric) / scale)
                .as("%s seed %d, %s[%d]", name, seed, task.trained().get(p).name(), i)
                .isLessThan(1e-5);
          }
        }
      }
    }
  }

  private static double slope(
      Plan plan, SDVariable loss, Map<String, INDArray> feeds, INDArray weight, long i) {
    double h = 1e-5;
    double kept = weight.getDouble(i);
    weight.putScalar(i, kept + h);
    plan.run(feeds);
    double above = plan.output(loss).getDouble(0);
    weight.putScalar(i, kept - h);
    plan.run(feeds);
    double below = plan.output(loss).getDouble(0);
    weight.putScalar(i, kept);
    return (above - below) / (2 * h);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("training")
  void stepsLowerTheLossOfTheirBatch(String name, Workload workload) {
    for (DataType type : List.of(DataType.FLOAT, DataType.DOUBLE)) {
      for (long seed = 1; seed <= 3; seed++) {
        try (Step step = Step.compile(workload.build(type, seed))) {
          step.run();
          double first = step.output(0).getDouble(0);
          step.run();
          double second = step.output(0).getDouble(0);
          assertThat(first).as("%s %s seed %d", name, type, seed).isFinite();
          assertThat(second).as("%s %s seed %d", name, type, seed).isFinite().isLessThan(first);
        }
      }
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("all")
  void onlyTrainedWeightsChange(String name, Workload workload) {
    Task task = workload.build(DataType.FLOAT, 5);
    List<String> trained = task.trained().stream().map(SDVariable::name).toList();
    Map<String, INDArray> before = new LinkedHashMap<>();
    task.graph().store().all().forEach((key, array) -> before.put(key, array.dup()));
    try (Step step = Step.compile(task)) {
      step.run();
      step.run();
    }
    Set<String> changed = new HashSet<>();
    task.graph()
        .store()
        .all()
        .forEach(
            (key, array) -> {
              if (!array.equals(before.get(key))) {
                changed.add(key);
              }
            });
    assertThat(trained).as(name).containsAll(changed);
    assertThat(changed.isEmpty()).isEqualTo(!name.endsWith("_step"));
    assertThat(trained.isEmpty()).isEqualTo(!name.endsWith("_step"));
  }

  @Test
  void untrainedGptKnowsNothing() {
    try (Step step = Step.compile(TINY_GPT.build(DataType.FLOAT, 1))) {
      step.run();
      assertThat(step.output(0).getDouble(0)).isCloseTo(Math.log(31), within(0.05));
    }
  }

  @Test
  void sameSeedSameTaskOtherSeedOtherTask() {
    assertThat(firstLoss(7)).isEqualTo(firstLoss(7)).isNotEqualTo(firstLoss(8));
  }

  private static double firstLoss(long seed) {
    try (Step step = Step.compile(TINY_GPT.build(DataType.DOUBLE, seed))) {
      step.run();
      return step.output(0).getDouble(0);
    }
  }

  /** Moves every weight, so that none stays at the zeros or ones it starts from. */
  private static void disturb(Task task, long seed) {
    Seeds seeds = new Seeds(seed).stream("disturb");
    task.graph()
        .store()
        .all()
        .forEach(
            (key, array) -> {
              SplittableRandom random = seeds.stream(key).random();
              for (long i = 0; i < array.length(); i++) {
                array.putScalar(i, array.getDouble(i) + 0.2 * random.nextDouble() - 0.1);
              }
            });
  }

  private static double distance(INDArray a, INDArray b) {
    assertThat(a.shape()).isEqualTo(b.shape());
    return a.sub(b).normmaxNumber().doubleValue();
  }

  @Test
  void generationTimesReadingAndBothWaysOfWriting() {
    LmConfig sizes = Generation.endless(LmConfig.llama(40, 16, 2, 2, 1, 24, 64));
    Map<String, Stopwatch> rows = new LinkedHashMap<>();
    new Generation(sizes, 6, 4).run(0, 3, rows::put);
    assertThat(rows.keySet()).containsExactly("prefill", "token_cached", "token_uncached");
    rows.forEach(
        (name, watch) -> assertThat(watch.runs()).as(name).isEqualTo(Stopwatch.LEAST_RUNS));
    assertThat(rows.get("prefill").minMillis()).isPositive();
    assertThat(rows.get("token_uncached").minMillis()).isPositive();
  }

  @Test
  void seriesAreTimedByMethod() {
    Map<String, Stopwatch> rows = new LinkedHashMap<>();
    new SeriesClassification(8, 30, 5, 3).run(0, 3, rows::put);
    assertThat(rows.keySet()).containsExactly("minirocket", "1nn_dtw");
    assertThat(rows.values()).allSatisfy(watch -> assertThat(watch.runs()).isPositive());
  }
}
