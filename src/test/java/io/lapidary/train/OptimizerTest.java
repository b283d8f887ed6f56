package io.lapidary.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.lapidary.Seeds;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class OptimizerTest {
  private static final int STEPS = 60;

  /** PyTorch's single-tensor code for one number, line by line. */
  private static double[] adamByHand(double[] gradients, double w, double wd, boolean decoupled) {
    double m = 0;
    double v = 0;
    double[] path = new double[gradients.length];
    for (int t = 1; t <= gradients.length; t++) {
      double lr = rate(t);
      double g = gradients[t - 1];
      if (decoupled) {
        w *= 1 - lr * wd;
      } else {
        g += wd * w;
      }
      m = 0.9 * m + 0.1 * g;
      v = 0.999 * v + 0.001 * g * g;
      double denominator = Math.sqrt(v) / Math.sqrt(1 - Math.pow(0.999, t)) + 1e-3;
      w -= lr / (1 - Math.pow(0.9, t)) * m / denominator;
      path[t - 1] = w;
    }
    return path;
  }

  private static double rate(long step) {
    return 0.01 / Math.sqrt(step);
  }

  private static void assertAdam(boolean decoupled, DataType type, double tolerance) {
    SplittableRandom random = new Seeds(7).random();
    double[][] gradients = new double[6][STEPS];
    for (double[] row : gradients) {
      for (int t = 0; t < STEPS; t++) {
        row[t] = random.nextDouble() - 0.4;
      }
    }
    INDArray weight = Nd4j.valueArrayOf(new long[] {2, 3}, 0.5, type);
    try (Optimizer adam = new Adam(0.9, 0.999, 1e-3, decoupled)) {
      for (int t = 1; t <= STEPS; t++) {
        double[] values = new double[6];
        for (int i = 0; i < 6; i++) {
          values[i] = 4 * gradients[i][t - 1]; // the scale below takes the factor back
        }
        INDArray gradient = Nd4j.createFromArray(values).castTo(type).reshape(2, 3);
        INDArray before = gradient.dup();
        adam.step(List.of(new Optimizer.Update("w", weight, gradient, rate(t), 0.2)), 0.25, t);
        assertThat(gradient).isEqualTo(before);
        for (int i = 0; i < 6; i++) {
          double expected = adamByHand(gradients[i], 0.5, 0.2, decoupled)[t - 1];
          assertThat(weight.getDouble(i)).as("step %d", t).isCloseTo(expected, within(tolerance));
        }
      }
    }
  }

  @Test
  void adamWIsPyTorchs() {
    assertAdam(true, DataType.FLOAT, 1e-6);
    assertAdam(true, DataType.DOUBLE, 1e-13);
  }

  @Test
  void adamIsPyTorchs() {
    assertAdam(false, DataType.FLOAT, 1e-6);
    assertAdam(false, DataType.DOUBLE, 1e-13);
  }

  @Test
  void adamTakesWorkedNumbers() {
    // first step: m̂ = g, v̂ = g², so w moves by lr · g / (|g| + ε) after decay
    INDArray w = Nd4j.createFromArray(new double[] {1, -2});
    INDArray g = Nd4j.createFromArray(new double[] {0.5, -4});
    try (Optimizer adam = new Adam(0.9, 0.999, 1e-8, true)) {
      adam.step(List.of(new Optimizer.Update("w", w, g, 0.1, 0.01)), 1, 1);
    }
    assertThat(w.getDouble(0)).isCloseTo(0.999 - 0.1, within(1e-8));
    assertThat(w.getDouble(1)).isCloseTo(-1.998 + 0.1, within(1e-8));
  }

  @Test
  void scalarsTrainAndARateOfZeroMovesNothing() {
    INDArray w = Nd4j.scalar(2f);
    try (Optimizer adam = new Adam(0.9, 0.999, 1e-8, true)) {
      adam.step(List.of(new Optimizer.Update("w", w, Nd4j.scalar(3f), 0, 0.5)), 1, 1);
      assertThat(w.getFloat(0)).isEqualTo(2f);
      assertThat(adam.state().get("exp_avg/w").getFloat(0)).isCloseTo(0.3f, within(1e-6f));
      adam.step(List.of(new Optimizer.Update("w", w, Nd4j.scalar(3f), 0.1, 0)), 1, 2);
      assertThat(w.getFloat(0)).isCloseTo(1.9f, within(1e-5f));
    }
  }

  @Test
  void sgdTakesWorkedNumbers() {
    assertSgd(0, false, 0, new double[] {1 - 0.1 * 2, 0.8 - 0.1 * -1});
    // b₁ = 2, b₂ = 0.9 · 2 − 1 = 0.8
    assertSgd(0.9, false, 0, new double[] {0.8, 0.8 - 0.08});
    // d₁ = 2 + 0.9 · 2 = 3.8, d₂ = −1 + 0.9 · 0.8 = −0.28
    assertSgd(0.9, true, 0, new double[] {0.62, 0.62 + 0.028});
    // g₁ = 2 + 0.5 · 1
    assertSgd(0, false, 0.5, new double[] {0.75, 0.75 - 0.1 * (-1 + 0.375)});
  }

  private static void assertSgd(double momentum, boolean nesterov, double decay, double[] path) {
    INDArray w = Nd4j.createFromArray(new double[] {1});
    double[] gradients = {2, -1};
    try (Optimizer sgd = new Sgd(momentum, nesterov)) {
      for (int t = 0; t < 2; t++) {
        INDArray g = Nd4j.createFromArray(new double[] {gradients[t]});
        sgd.step(List.of(new Optimizer.Update("w", w, g, 0.1, decay)), 1, t + 1);
        assertThat(w.getDouble(0)).isCloseTo(path[t], within(1e-12));
      }
    }
  }

  @ParameterizedTest
  @EnumSource(OptimizerConfig.Type.class)
  void stateGoesOutAndBackExactly(OptimizerConfig.Type type) {
    Double momentum = type == OptimizerConfig.Type.SGD ? 0.9 : null;
    OptimizerConfig config = new OptimizerConfig(type, 0.05, 0.1, null, null, null, momentum, null);
    Map<String, INDArray> straight = weights();
    Map<String, INDArray> resumed = weights();
    try (Optimizer one = config.create();
        Optimizer other = config.create()) {
      walk(one, straight, 1, 8);
      try (Optimizer first = config.create()) {
        walk(first, resumed, 1, 4);
        Map<String, INDArray> copies = new LinkedHashMap<>();
        first.state().forEach((name, array) -> copies.put(name, array.dup()));
        other.restore(copies);
      }
      walk(other, resumed, 5, 8);
      assertThat(Tiny.bits(resumed)).isEqualTo(Tiny.bits(straight));
      assertThat(Tiny.bits(other.state())).isEqualTo(Tiny.bits(one.state()));
      Map<String, String> start = Tiny.bits(weights());
      Tiny.bits(straight).forEach((name, bits) -> assertThat(bits).isNotEqualTo(start.get(name)));
    }
  }

  private static Map<String, INDArray> weights() {
    Map<String, INDArray> weights = new LinkedHashMap<>();
    weights.put("a.weight", Nd4j.createFromArray(new float[] {1, 2, 3, 4, 5, 6}).reshape(3, 2));
    weights.put("scale", Nd4j.scalar(1.5f));
    weights.put("b", Nd4j.createFromArray(new float[] {-1, 1}));
    return weights;
  }

  private static void walk(Optimizer o, Map<String, INDArray> weights, int from, int to) {
    for (int t = from; t <= to; t++) {
      float factor = (float) Math.sin(t);
      List<Optimizer.Update> updates =
          weights.entrySet().stream()
              .map(
                  e ->
                      new Optimizer.Update(
                          e.getKey(), e.getValue(), e.getValue().mul(factor), 0.05, 0.1))
              .toList();
      o.step(updates, 0.5, t);
    }
  }

  @Test
  void stateOfAnotherOptimizerIsRefused() {
    try (Optimizer adam = OptimizerConfig.adam(0.1).create();
        Optimizer sgd = OptimizerConfig.sgd(0.1, 0.9).create()) {
      walk(adam, weights(), 1, 1);
      assertThatThrownBy(() -> sgd.restore(adam.state()))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("exp_avg");
    }
  }

  @Test
  void badNumbersAreNamed() {
    Map<String, Supplier<Object>> bad =
        Map.of(
            "learningRate", () -> OptimizerConfig.adam(0),
            "beta1", () -> new Adam(1, 0.9, 1e-8, true),
            "epsilon", () -> new Adam(0.9, 0.9, 0, true),
            "momentum", () -> OptimizerConfig.sgd(0.1, 1),
            "nesterov", () -> new Sgd(0, true));
    bad.forEach(
        (name, make) ->
            assertThatThrownBy(make::get)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(name));
  }
}
