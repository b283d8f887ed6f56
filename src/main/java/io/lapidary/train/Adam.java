package io.lapidary.train;

import io.lapidary.Check;
import io.lapidary.engine.FusedUpdates;
import java.util.List;
import java.util.Map;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Adam (Kingma and Ba 2015) and AdamW (Loshchilov and Hutter 2019), by PyTorch's formula: w ← w − η
 * m̂ / (√v̂ + ε) with m̂ = m / (1 − β₁ᵗ), v̂ = v / (1 − β₂ᵗ). Decoupled decay multiplies w by 1 − η
 * λ first; coupled decay adds λ w to the gradient.
 */
public final class Adam implements Optimizer {
  private static final String FIRST = "exp_avg";
  private static final String SECOND = "exp_avg_sq";
  // The native op corrects bias in its own precision with another place of epsilon. A step number
  // so large that its corrections are 1 leaves both to us.
  private static final int NO_CORRECTION = Integer.MAX_VALUE - 1;

  private final double beta1;
  private final double beta2;
  private final double epsilon;
  private final boolean decoupled;
  private final StateArrays state = new StateArrays(FIRST, SECOND);
  private final Scratch change = new Scratch();
  private final Scratch decay = new Scratch();

  /**
   * An optimizer without state yet.
   *
   * @param beta1 decay of the mean of gradients, in [0, 0.9999]
   * @param beta2 decay of the mean of their squares, in [0, 0.99999]
   * @param epsilon added to the root, above 0
   * @param decoupled true for AdamW's decay, false for L2 in the gradient
   */
  public Adam(double beta1, double beta2, double epsilon, boolean decoupled) {
    Check.between("beta1", beta1, 0, 0.9999);
    Check.between("beta2", beta2, 0, 0.99999);
    Check.positive("epsilon", epsilon);
    this.beta1 = beta1;
    this.beta2 = beta2;
    this.epsilon = epsilon;
    this.decoupled = decoupled;
  }

  @Override
  public void step(List<Update> updates, double gradientScale, long step) {
    Check.positive("step", step);
    for (Update update : updates) {
      step(update, gradientScale, step);
    }
  }

  private void step(Update u, double gradientScale, long step) {
    INDArray weight = u.weight();
    DataType type = weight.dataType();
    // corrections must belong to the betas that the averages are made with
    double b1 = type == DataType.FLOAT ? (float) beta1 : beta1;
    double b2 = type == DataType.FLOAT ? (float) beta2 : beta2;
    double root = Math.sqrt(1 - Math.pow(b2, step));
    double rate = u.learningRate() * root / (1 - Math.pow(b1, step));
    INDArray m = state.get(FIRST, u.name(), weight);
    INDArray v = state.get(SECOND, u.name(), weight);
    boolean fused =
        FusedUpdates.adam(
            weight,
            u.gradient(),
            m,
            v,
            gradientScale,
            decoupled ? 0 : u.weightDecay(),
            decoupled ? 1 - u.learningRate() * u.weightDecay() : 1,
            b1,
            b2,
            u.learningRate() / (1 - Math.pow(b1, step)),
            root,
            epsilon);
    if (fused) {
      return;
    }
    INDArray result = change.like(u.name(), weight);
    INDArray gradient = u.gradient();
    boolean coupled = !decoupled && u.weightDecay() != 0;
    if (gradientScale != 1 || coupled) {
      gradient = gradient.muli(gradientScale, result);
    }
    if (coupled) {
      gradient.addi(weight.muli(u.weightDecay(), decay.like(u.name(), weight)));
    }
    Nd4j.exec(
        DynamicCustomOp.builder("adam_updater")
            .addInputs(gradient, v, m)
            .addOutputs(result, v, m)
            .addFloatingPointArguments(rate, b1, b2, epsilon * root)
            .addIntegerArguments(NO_CORRECTION)
            .build());
    if (rate == 0) {
      return; // the native op replaces a rate of 0 by one of its own
    }
    if (decoupled && u.weightDecay() != 0) {
      weight.muli(1 - u.learningRate() * u.weightDecay());
    }
    weight.subi(result);
  }

  @Override
  public Map<String, INDArray> state() {
    return state.all();
  }

  @Override
  public void restore(Map<String, INDArray> saved) {
    state.restore(saved);
  }

  @Override
  public void close() {
    state.close();
    change.close();
    decay.close();
  }
}
