package io.lapidary.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.lapidary.Seeds;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Blocks that gradients compute again. */
class RecomputationTest {
  private static final int WIDTH = 8;

  /** Gradients of a stack of blocks, all values of one run. */
  private record Run(Map<String, INDArray> values, List<String> names, Plan.Stats stats) {}

  private static SDVariable weight(Graph g, String name, long... shape) {
    return g.parameter(name, Init.normal(0.4), shape);
  }

  /** Attention, dropout, a norm with moving statistics, and a map that all blocks share. */
  private static SDVariable block(Graph g, int index, SDVariable x, SDVariable outside) {
    Ops o = g.ops();
    long[] s = g.shape(x);
    SDVariable normed = o.layerNorm(x, weight(g, index + ".gain", WIDTH), null, 1e-5);
    SDVariable[] heads = new SDVariable[3];
    for (int i = 0; i < 3; i++) {
      SDVariable p = o.linear(normed, weight(g, index + "." + i, WIDTH, WIDTH), null);
      heads[i] = o.permute(o.reshape(p, s[0], s[1], 2, WIDTH / 2), 0, 2, 1, 3);
    }
    SDVariable mixed =
        o.attention(heads[0], heads[1], heads[2], 0.5, NeuralOps.AttentionMask.CAUSAL, null);
    SDVariable joined = o.dropout(o.reshape(o.permute(mixed, 0, 2, 1, 3), s), 0.3);
    SDVariable h = o.add(x, o.mul(joined, outside));
    SDVariable wide = o.gelu(o.linear(h, weight(g, "shared", 4 * WIDTH, WIDTH), null));
    SDVariable running = g.buffer(index + ".mean", Init.zeros(), 4 * WIDTH);
    g.update(running, o.mean(o.reshape(wide, -1, 4 * WIDTH), false, 0));
    return o.add(h, o.linear(wide, weight(g, index + ".down", WIDTH, 4 * WIDTH), null));
  }

  private static SDVariable loss(Graph g, int blocks, int tokens) {
    SDVariable x = weight(g, "x", 2, tokens, WIDTH);
    SDVariable outside = g.ops().exp(weight(g, "outside", WIDTH));
    SDVariable first = weight(g, "shared", 4 * WIDTH, WIDTH);
    x = g.ops().mul(x, g.ops().slice(g.ops().reshape(first, -1), 0, 0, WIDTH));
    for (int i = 0; i < blocks; i++) {
      int index = i;
      x = g.block(x, in -> block(g, index, in, outside));
    }
    return g.ops().mean(g.ops().square(x), false);
  }

  private static Run run(DataType type, boolean recompute, int blocks, int tokens) {
    Graph g = new Graph(new Parameters(type, 3), true);
    if (recompute) {
      g.recomputeBlocks();
    }
    SDVariable loss = g.name(loss(g, blocks, tokens), "loss");
    List<SDVariable> outputs = new ArrayList<>(Gradients.of(g, loss, g.parameters()));
    outputs.add(loss);
    outputs.addAll(g.updates().values());
    try (Plan plan = Plan.compile(g, outputs)) {
      plan.seed(new Seeds(5));
      Map<String, INDArray> values = new java.util.LinkedHashMap<>();
      plan.run();
      outputs.forEach(v -> values.put("" + values.size(), plan.output(v).dup()));
      return new Run(values, outputs.stream().map(SDVariable::name).toList(), plan.stats());
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void gradientsAreTheSame(boolean precise) {
    DataType type = precise ? DataType.DOUBLE : DataType.FLOAT;
    Run kept = run(type, false, 3, 7);
    Run again = run(type, true, 3, 7);
    assertThat(again.values).hasSameSizeAs(kept.values);
    kept.values.forEach(
        (key, expected) -> {
          double size = Math.max(1, expected.amaxNumber().doubleValue());
          assertThat(again.values.get(key).sub(expected).amaxNumber().doubleValue() / size)
              .as(kept.names.get(Integer.parseInt(key)))
              .isLessThan(precise ? 1e-13 : 1e-6);
        });
  }

  @Test
  void memoryNoLongerGrowsByAllActivations() {
    long kept = run(DataType.FLOAT, false, 12, 64).stats.bytes();
    long again = run(DataType.FLOAT, true, 12, 64).stats.bytes();
    assertThat(again).isLessThan(kept / 2);
    long oneMore =
        run(DataType.FLOAT, true, 13, 64).stats.bytes()
            - run(DataType.FLOAT, true, 12, 64).stats.bytes();
    long input = 2 * 64 * WIDTH * 4;
    long weights = (3 * WIDTH * WIDTH + 4 * WIDTH * WIDTH + WIDTH + 4 * WIDTH) * 4;
    assertThat(oneMore).isLessThanOrEqualTo(input + weights + input / 2);
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void centralDifferencesAgree(long seed) {
    double error =
        GradientCheck.relativeError(
            seed,
            true,
            (in, o) -> {
              in.graph.recomputeBlocks();
              SDVariable outside = in.any(WIDTH);
              SDVariable x = in.any(2, 3, WIDTH);
              for (int i = 0; i < 2; i++) {
                int index = i;
                x = in.graph.block(x, at -> block(in.graph, index, at, outside));
              }
              return x;
            });
    assertThat(error).isLessThan(1e-6);
  }

  @Test
  void secondDerivativesAgree() {
    INDArray[] products = new INDArray[2];
    for (int i = 0; i < 2; i++) {
      Graph g = new Graph(new Parameters(DataType.DOUBLE, 3), true);
      if (i == 1) {
        g.recomputeBlocks();
      }
      SDVariable loss = loss(g, 2, 4);
      SDVariable shared = g.variable("shared");
      SDVariable slope = Gradients.of(g, loss, List.of(shared)).get(0);
      SDVariable size = g.ops().sum(g.ops().square(slope), false);
      SDVariable second = Gradients.of(g, size, List.of(shared)).get(0);
      try (Plan plan = Plan.compile(g, second)) {
        plan.seed(new Seeds(5));
        products[i] = plan.run().get(second.name()).dup();
      }
    }
    assertThat(products[0].amaxNumber().doubleValue()).isGreaterThan(1e-6);
    assertThat(products[1].sub(products[0]).amaxNumber().doubleValue())
        .isLessThan(1e-10 * products[0].amaxNumber().doubleValue());
  }

  @Test
  void evaluationComputesOnce() {
    Graph g = new Graph(new Parameters(DataType.FLOAT, 3), false);
    g.recomputeBlocks();
    SDVariable x = weight(g, "x", 2, 2);
    SDVariable y = g.block(x, in -> g.name(g.ops().tanh(in), "inside"));
    assertThat(y.name()).isEqualTo("inside");
    assertThat(g.nodes()).noneMatch(Node::isRegion);
  }
}
