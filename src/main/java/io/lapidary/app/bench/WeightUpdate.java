package io.lapidary.app.bench;

import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.GradientUpdater;
import org.nd4j.linalg.learning.config.Adam;

/** The optimizer of one weight, with its state. */
@FunctionalInterface
interface WeightUpdate {
  /** Changes the weight in place; the gradient's memory may be used up. */
  void apply(INDArray gradient);

  /** Which optimizer; the constants are those of the reference timings. */
  enum Rule {
    /** Adam (Kingma and Ba 2015), rate 0.001. */
    ADAM,
    /** AdamW (Loshchilov and Hutter 2019), rate 0.001, decay 0.01. */
    ADAM_W,
    /** Gradient descent with heavy-ball momentum 0.9, rate 0.01. */
    MOMENTUM
  }

  /** A fresh optimizer of {@code weight}. */
  static WeightUpdate of(Rule rule, INDArray weight) {
    return switch (rule) {
      case ADAM -> adam(weight, 1e-3, 0);
      case ADAM_W -> adam(weight, 1e-3, 0.01);
      case MOMENTUM -> momentum(weight, 0.01, 0.9);
    };
  }

  private static WeightUpdate adam(INDArray weight, double rate, double decay) {
    Adam config = new Adam(rate);
    INDArray state = Nd4j.create(weight.dataType(), 1, config.stateSize(weight.length()));
    @SuppressWarnings("rawtypes")
    GradientUpdater updater = config.instantiate(state, true);
    updater.setStateViewArray(state, weight.shape(), 'c', true);
    int[] step = {0};
    return gradient -> {
      if (decay != 0) {
        weight.muli(1 - rate * decay);
      }
      updater.applyUpdater(gradient, step[0]++, 0);
      weight.subi(gradient);
    };
  }

  private static WeightUpdate momentum(INDArray weight, double rate, double momentum) {
    INDArray velocity = Nd4j.create(weight.dataType(), weight.shape());
    return gradient -> {
      velocity.muli(momentum).addi(gradient);
      weight.subi(gradient.assign(velocity).muli(rate));
    };
  }
}
