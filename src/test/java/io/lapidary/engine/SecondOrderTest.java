package io.lapidary.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Hessian-vector products against differences of gradients, and gradient matching through a
 * ConvNet.
 */
class SecondOrderTest {
  private static SDVariable weight(Graph g, String name, double scale, long... shape) {
    return g.parameter(name, Init.normal(scale), shape);
  }

  private static SDVariable mlp(Graph g) {
    Ops o = g.ops();
    SDVariable h =
        o.tanh(
            o.linear(weight(g, "x", 1, 5, 4), weight(g, "w1", 0.5, 6, 4), weight(g, "b1", 0.1, 6)));
    SDVariable logits = o.linear(o.gelu(h), weight(g, "w2", 0.5, 3, 6), null);
    return o.crossEntropy(logits, g.constant(Nd4j.createFromArray(0, 1, 2, 1, 0)));
  }

  private static SDVariable convNet(Graph g) {
    Ops o = g.ops();
    SDVariable x = weight(g, "x", 1, 2, 2, 6, 6);
    SDVariable h =
        o.conv2d(
            x, weight(g, "w1", 0.4, 4, 2, 3, 3), weight(g, "b1", 0.1, 4), ConvOps.Window.of(1, 1));
    h = o.instanceNorm(h, weight(g, "gain", 1, 4), weight(g, "bias", 0.1, 4), 1e-5);
    h = o.averagePool(o.silu(h), 2, 2, 0);
    h = o.conv2d(h, weight(g, "w2", 0.4, 3, 4, 3, 3), null, ConvOps.Window.of(2, 1));
    SDVariable logits = o.globalAveragePool(h);
    return o.crossEntropy(logits, g.constant(Nd4j.createFromArray(0, 2)));
  }

  private static SDVariable attentionBlock(Graph g) {
    Ops o = g.ops();
    SDVariable x = weight(g, "x", 1, 2, 4, 6);
    SDVariable y = o.layerNorm(x, weight(g, "gain", 1, 6), weight(g, "bias", 0.1, 6), 1e-5);
    SDVariable[] qkv = new SDVariable[3];
    for (int i = 0; i < 3; i++) {
      SDVariable p = o.linear(y, weight(g, "p" + i, 0.4, 6, 6), null);
      qkv[i] = o.permute(o.reshape(p, 2, 4, 2, 3), 0, 2, 1, 3);
    }
    SDVariable a = o.attention(qkv[0], qkv[1], qkv[2], 0.6, NeuralOps.AttentionMask.CAUSAL, null);
    SDVariable out = o.add(x, o.reshape(o.permute(a, 0, 2, 1, 3), 2, 4, 6));
    SDVariable normed = o.rmsNorm(out, weight(g, "rms", 1, 6), 1e-5);
    return o.sum(o.mul(normed, o.softmax(out, -1)), false);
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void hessianVectorProductOfMlp(long seed) {
    checkHessian(seed, SecondOrderTest::mlp);
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void hessianVectorProductOfConvNet(long seed) {
    checkHessian(seed, SecondOrderTest::convNet);
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void hessianVectorProductOfAttentionBlock(long seed) {
    checkHessian(seed, SecondOrderTest::attentionBlock);
  }

  private static void checkHessian(long seed, Function<Graph, SDVariable> model) {
    Parameters store = new Parameters(DataType.DOUBLE, seed);
    Graph g = new Graph(store, true);
    Ops o = g.ops();
    SDVariable loss = model.apply(g);
    List<SDVariable> wrt = g.parameters();
    List<SDVariable> gradients = Gradients.of(g, loss, wrt);
    Map<String, INDArray> direction = new LinkedHashMap<>();
    SplittableRandom random = new SplittableRandom(seed);
    SDVariable product = null;
    for (int i = 0; i < wrt.size(); i++) {
      INDArray v = Nd4j.create(DataType.DOUBLE, g.shape(wrt.get(i)));
      for (long j = 0; j < v.length(); j++) {
        v.putScalar(j, 2 * random.nextDouble() - 1);
      }
      direction.put(wrt.get(i).name(), v);
      SDVariable term = o.sum(o.mul(gradients.get(i), g.constant(v)), false);
      product = product == null ? term : o.add(product, term);
    }
    List<SDVariable> hessianVector = Gradients.of(g, product, wrt);
    List<INDArray> analytic = new ArrayList<>();
    try (Plan plan = Plan.compile(g, hessianVector)) {
      Map<String, INDArray> out = plan.run();
      hessianVector.forEach(v -> analytic.add(out.get(v.name()).dup()));
    }
    try (Plan plan = Plan.compile(g, gradients)) {
      double step = 1e-5;
      List<INDArray> up = shifted(plan, store, direction, step, gradients);
      List<INDArray> down = shifted(plan, store, direction, -step, gradients);
      for (int i = 0; i < wrt.size(); i++) {
        INDArray numeric = up.get(i).sub(down.get(i)).div(2 * step);
        double size = Math.max(1e-3, numeric.norm2Number().doubleValue());
        double error = numeric.sub(analytic.get(i)).norm2Number().doubleValue() / size;
        assertThat(error).as("%s, seed %d", wrt.get(i).name(), seed).isLessThan(1e-5);
      }
    }
  }

  private static List<INDArray> shifted(
      Plan plan,
      Parameters store,
      Map<String, INDArray> direction,
      double step,
      List<SDVariable> outputs) {
    direction.forEach((name, v) -> store.get(name).addi(v.mul(step)));
    Map<String, INDArray> out = plan.run();
    List<INDArray> copies = new ArrayList<>();
    outputs.forEach(v -> copies.add(out.get(v.name()).dup()));
    direction.forEach((name, v) -> store.get(name).subi(v.mul(step)));
    return copies;
  }

  /**
   * Gradient of ‖∇θ L(x) − g‖² with respect to x, the step of data-set condensation by gradient
   * matching.
   */
  @ParameterizedTest
  @ValueSource(longs = {1, 2})
  void gradientMatchingThroughConvNet(long seed) {
    double error =
        GradientCheck.relativeError(
            seed,
            true,
            (in, o) -> {
              Graph g = in.graph;
              SDVariable x = in.any(2, 2, 4, 4);
              SDVariable w1 = g.buffer("w1", Init.normal(0.4), 3, 2, 3, 3);
              SDVariable gain = g.buffer("gain", Init.ones(), 3);
              SDVariable w2 = g.buffer("w2", Init.normal(0.4), 3, 12);
              SDVariable h =
                  o.instanceNorm(o.conv2d(x, w1, null, ConvOps.Window.of(1, 1)), gain, null, 1e-5);
              h = o.averagePool(o.relu(h), 2, 2, 0);
              SDVariable logits = o.linear(o.reshape(h, 2, -1), w2, null);
              SDVariable loss = o.crossEntropy(logits, g.constant(Nd4j.createFromArray(0, 2)));
              SDVariable distance = g.constant(0);
              for (SDVariable gradient : Gradients.of(g, loss, List.of(w1, gain, w2))) {
                SDVariable target = g.constant(Nd4j.rand(DataType.DOUBLE, g.shape(gradient)));
                distance = o.add(distance, o.squaredError(gradient, target, Ops.Reduction.SUM));
              }
              return distance;
            });
    assertThat(error).as("seed %d", seed).isLessThan(1e-5);
  }

  @Test
  void maxPoolSaysThatItHasNoSecondDerivative() {
    Graph g = new Graph(new Parameters(DataType.DOUBLE, 1), true);
    Ops o = g.ops();
    SDVariable x = weight(g, "x", 1, 1, 1, 4, 4);
    SDVariable loss = o.sum(o.square(o.maxPool(x, 2, 2, 0)), false);
    SDVariable gradient = Gradients.of(g, loss, List.of(x)).get(0);
    assertThatThrownBy(() -> Gradients.of(g, o.sum(o.square(gradient), false), List.of(x)))
        .isInstanceOf(UnsupportedOperationException.class)
        .hasMessageContaining("maxPool");
  }
}
