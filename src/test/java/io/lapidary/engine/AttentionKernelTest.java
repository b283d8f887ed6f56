package io.lapidary.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lapidary.ChildJvm;
import io.lapidary.engine.GradientCheck.Inputs;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** The fused attention kernel against the plain ops it stands for. */
class AttentionKernelTest {

  /** Sizes of one attention. */
  private record Case(
      int batch,
      int groups,
      int repeat,
      int queries,
      int keys,
      int width,
      Ops.AttentionMask mask,
      boolean padded,
      boolean strided) {

    /** Draws sizes around those where blocks, tiles and vectors end. */
    static Case draw(SplittableRandom random) {
      int keys = size(random, 1, 220);
      boolean causal = random.nextBoolean();
      int queries = random.nextInt(3) == 0 ? keys : size(random, 1, causal ? keys : 150);
      int window = causal && random.nextBoolean() ? 1 + random.nextInt(2 * keys) : 0;
      return new Case(
          1 + random.nextInt(3),
          1 + random.nextInt(3),
          1 + random.nextInt(3),
          queries,
          keys,
          size(random, 1, 70),
          new Ops.AttentionMask(causal, window),
          random.nextBoolean(),
          random.nextBoolean());
    }

    /**
     * Every other time a special size: tiles of 6, vectors of 8 or 16, blocks of 96, and beside.
     */
    private static int size(SplittableRandom random, int low, int high) {
      int[] edges = {1, 5, 6, 7, 15, 16, 17, 31, 32, 33, 64, 95, 96, 97, 192, 193};
      int size =
          random.nextBoolean()
              ? edges[random.nextInt(edges.length)]
              : low + random.nextInt(high - low + 1);
      return Math.max(low, Math.min(high, size));
    }

    Case with(int otherQueries) {
      return new Case(batch, groups, repeat, otherQueries, keys, width, mask, padded, strided);
    }

    SDVariable build(Inputs in) {
      SDVariable q = heads(in, groups * repeat, queries);
      SDVariable k = heads(in, groups, keys);
      SDVariable v = heads(in, groups, keys);
      SDVariable y =
          in.ops().attention(q, k, v, 1.5 / Math.sqrt(width), mask, padded ? padding(in) : null);
      return strided
          ? in.ops()
              .reshape(
                  in.ops().permute(y, 0, 2, 1, 3), batch, queries, (long) groups * repeat * width)
          : y;
    }

    /** Heads as a linear map leaves them, or one after the other. */
    private SDVariable heads(Inputs in, long heads, long tokens) {
      if (!strided) {
        return in.between(-2, 2, batch, heads, tokens, width);
      }
      SDVariable rows = in.between(-2, 2, batch, tokens, heads * width);
      SDVariable split = in.ops().reshape(rows, batch, tokens, heads, width);
      return in.ops().permute(split, 0, 2, 1, 3);
    }

    /** Padding at the left, in the middle or at the right; some texts have no real token. */
    private SDVariable padding(Inputs in) {
      float[][] real = new float[batch][keys];
      for (float[] row : real) {
        int from = in.random.nextInt(keys + 1);
        int to = in.random.nextInt(keys + 1);
        for (int j = 0; j < keys; j++) {
          row[j] = j >= from && j < Math.max(from + 1, to) ? 1 : 0;
        }
      }
      return in.graph.constant(Nd4j.createFromArray(real));
    }
  }

  static LongStream seeds() {
    return LongStream.range(0, 60);
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void kernelEqualsPlainOps(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    Case c = Case.draw(random);
    Graph graph = new Graph(new Parameters(DataType.FLOAT, seed), true);
    Inputs inputs = new Inputs(graph, random);
    SDVariable y = c.build(inputs);
    List<SDVariable> wrt = graph.parameters();
    SDVariable target = graph.parameter("target", Init.normal(1), graph.shape(y));
    SDVariable loss = graph.ops().sum(graph.ops().mul(y, target), false);
    List<SDVariable> outputs = new ArrayList<>(Gradients.of(graph, loss, wrt));
    outputs.add(y);
    try (Plan fused = Plan.compile(graph, outputs, true);
        Plan plain = Plan.compile(graph, outputs, false)) {
      if (c.queries() < 64 && 8 * c.queries() < c.keys()) {
        assertThat(kinds(fused)).contains("matmul").doesNotContain("attention", "attention_bp");
      } else {
        assertThat(kinds(fused)).contains("attention", "attention_bp").doesNotContain("matmul");
      }
      Map<String, INDArray> actual = fused.run();
      Map<String, INDArray> expected = plain.run();
      for (SDVariable v : outputs) {
        INDArray e = expected.get(v.name());
        double size = Math.max(1, e.amaxNumber().doubleValue());
        assertThat(actual.get(v.name()).sub(e).amaxNumber().doubleValue() / size)
            .as("seed %d, %s, %s", seed, c, v.name())
            .isLessThan(2e-5);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void forwardAloneEqualsPlainOps(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    Case drawn = Case.draw(random);
    Case c = drawn.with(Math.min(drawn.keys, 1 + (int) seed % 5));
    Graph graph = new Graph(new Parameters(DataType.FLOAT, seed), false);
    SDVariable y = c.build(new Inputs(graph, random));
    try (Plan fused = Plan.compile(graph, List.of(y), true);
        Plan plain = Plan.compile(graph, List.of(y), false)) {
      assertThat(kinds(fused)).contains("attention");
      INDArray expected = plain.run().get(y.name());
      assertThat(fused.run().get(y.name()).sub(expected).amaxNumber().doubleValue())
          .as("seed %d, %s", seed, c)
          .isLessThan(2e-5);
    }
  }

  /** Some of the cases on as many threads as this process has. */
  static final class Child {
    private Child() {}

    public static void main(String[] args) {
      int code = 1;
      try {
        seeds().limit(25).forEach(seed -> new AttentionKernelTest().kernelEqualsPlainOps(seed));
        code = 0;
      } finally {
        System.exit(code); // threads of native code would keep it alive for a while
      }
    }
  }

  @Test
  void threadsShareTheWork() throws Exception {
    ChildJvm.run(Child.class, 2);
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void largeScoresStayFinite(boolean causal) {
    Graph graph = new Graph(new Parameters(DataType.FLOAT, 1), true);
    Inputs in = new Inputs(graph, new SplittableRandom(1));
    SDVariable q = in.between(-300, 300, 1, 2, 130, 8);
    SDVariable k = in.between(-300, 300, 1, 2, 130, 8);
    SDVariable v = in.any(1, 2, 130, 8);
    SDVariable y = graph.ops().attention(q, k, v, 1, new Ops.AttentionMask(causal, 0), null);
    List<SDVariable> outputs =
        new ArrayList<>(Gradients.of(graph, graph.ops().sum(y, false), List.of(q, k, v)));
    outputs.add(y);
    try (Plan fused = Plan.compile(graph, outputs, true)) {
      fused.run().values().forEach(a -> assertThat(a.amaxNumber().doubleValue()).isFinite());
      assertThat(fused.output(y).amaxNumber().doubleValue()).isLessThanOrEqualTo(1);
    }
  }

  @Test
  void queryThatSeesPaddingAloneAttendsToItEvenly() {
    Graph graph = new Graph(new Parameters(DataType.FLOAT, 1), true);
    Inputs in = new Inputs(graph, new SplittableRandom(1));
    SDVariable padding = graph.constant(Nd4j.createFromArray(new float[][] {{0, 0, 1, 1}}));
    SDVariable v = graph.constant(Nd4j.createFromArray(1f, 3f, 5f, 7f).reshape(1, 1, 4, 1));
    SDVariable y =
        graph
            .ops()
            .attention(
                in.any(1, 1, 4, 1), in.any(1, 1, 4, 1), v, 1, Ops.AttentionMask.CAUSAL, padding);
    for (boolean kernels : new boolean[] {true, false}) {
      try (Plan plan = Plan.compile(graph, List.of(y), kernels)) {
        INDArray rows = plan.run().get(y.name()).reshape(4);
        assertThat(rows.getDouble(0)).isEqualTo(1);
        assertThat(rows.getDouble(1)).isEqualTo(2);
        assertThat(rows.getDouble(2)).isEqualTo(5);
      }
    }
  }

  @Test
  void frozenInputsCostNoTableOfScores() {
    Graph graph = new Graph(new Parameters(DataType.FLOAT, 1), true);
    Inputs in = new Inputs(graph, new SplittableRandom(1));
    int tokens = 400;
    SDVariable q = in.any(1, 1, tokens, 8);
    SDVariable fixed = graph.constant(Nd4j.rand(DataType.FLOAT, 1, 1, tokens, 8));
    SDVariable y = graph.ops().attention(q, fixed, fixed, 1, Ops.AttentionMask.FULL, null);
    List<SDVariable> gradients =
        Gradients.of(graph, graph.ops().sum(graph.ops().square(y), false), List.of(q));
    try (Plan fused = Plan.compile(graph, gradients, true)) {
      assertThat(fused.stats().unsharedBytes()).isLessThan(4L * tokens * tokens);
    }
  }

  @Test
  void causalAttentionNeedsAKeyPerQuery() {
    Graph graph = new Graph(new Parameters(DataType.FLOAT, 1), true);
    Inputs in = new Inputs(graph, new SplittableRandom(1));
    SDVariable keys = in.any(1, 1, 3, 2);
    assertThatThrownBy(
            () ->
                graph
                    .ops()
                    .attention(in.any(1, 1, 4, 2), keys, keys, 1, Ops.AttentionMask.CAUSAL, null))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("at most as many queries as keys, got 4 and 3");
  }

  private static List<String> kinds(Plan plan) {
    return plan.profile(Map.of(), 1).stream().map(Plan.CallTime::kind).toList();
  }
}
