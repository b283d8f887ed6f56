package io.lapidary.app.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class WeightUpdateTest {

  /** Five steps of one scalar weight by the formulas of PyTorch's documentation. */
  private static double expected(WeightUpdate.Rule rule, double w, double[] gradients) {
    double m = 0;
    double v = 0;
    for (int t = 1; t <= gradients.length; t++) {
      double g = gradients[t - 1];
      if (rule == WeightUpdate.Rule.MOMENTUM) {
        m = t == 1 ? g : 0.9 * m + g;
        w -= 0.01 * m;
      } else {
        w *= rule == WeightUpdate.Rule.ADAM_W ? 1 - 1e-3 * 0.01 : 1;
        m = 0.9 * m + 0.1 * g;
        v = 0.999 * v + 0.001 * g * g;
        double unbiased = Math.sqrt(v / (1 - Math.pow(0.999, t))) + 1e-8;
        w -= 1e-3 * m / (1 - Math.pow(0.9, t)) / unbiased;
      }
    }
    return w;
  }

  @ParameterizedTest
  @EnumSource(WeightUpdate.Rule.class)
  void stepsFollowTheFormulas(WeightUpdate.Rule rule) {
    SplittableRandom random = new SplittableRandom(11);
    double[] start = random.doubles(6, -1, 1).toArray();
    double[][] gradients = new double[5][];
    INDArray weight = Nd4j.createFromArray(start).reshape(2, 3);
    WeightUpdate update = WeightUpdate.of(rule, weight);
    for (int t = 0; t < gradients.length; t++) {
      gradients[t] = random.doubles(6, -1, 1).toArray();
      update.apply(Nd4j.createFromArray(gradients[t]).reshape(2, 3));
    }
    for (int i = 0; i < start.length; i++) {
      double[] own = new double[gradients.length];
      for (int t = 0; t < own.length; t++) {
        own[t] = gradients[t][i];
      }
      assertThat(weight.getDouble(i))
          .as("%s, entry %d", rule, i)
          .isCloseTo(expected(rule, start[i], own), within(1e-6));
    }
  }
}
