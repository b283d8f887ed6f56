package io.lapidary.engine;

import io.lapidary.engine.vector.UpdateKernels;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Optimizer steps in one pass over memory, where fused kernels run; each says whether it did the
 * step.
 */
public final class FusedUpdates {
  private FusedUpdates() {}

  /**
   * One step of Adam in place: g ← gradientScale · g + coupledDecay · w, m ← β₁ m + (1 − β₁) g, v ←
   * β₂ v + (1 − β₂) g², w ← keep · w − rate · m / (√v / root + ε).
   *
   * @param keep 1 − η λ for decoupled decay, else 1
   * @param rate η / (1 − β₁ᵗ)
   * @param root √(1 − β₂ᵗ)
   * @return false when nothing was done, because the arrays or the machine do not fit
   */
  public static boolean adam(
      INDArray weight,
      INDArray gradient,
      INDArray mean,
      INDArray square,
      double gradientScale,
      double coupledDecay,
      double keep,
      double beta1,
      double beta2,
      double rate,
      double root,
      double epsilon) {
    if (!Kernels.enabled() || !UpdateKernels.usable(weight, gradient, mean, square)) {
      return false;
    }
    UpdateKernels.adam(
        new UpdateKernels.AdamStep(
            (float) gradientScale,
            (float) coupledDecay,
            (float) keep,
            (float) beta1,
            (float) beta2,
            (float) rate,
            (float) root,
            (float) epsilon),
        weight,
        gradient,
        mean,
        square);
    return true;
  }

  /**
   * One step of gradient descent with momentum in place: b ← μ b + (gradientScale · g + decay · w),
   * w ← w − rate · b.
   *
   * @return false when nothing was done
   */
  public static boolean momentum(
      INDArray weight,
      INDArray gradient,
      INDArray velocity,
      double gradientScale,
      double decay,
      double momentum,
      double rate) {
    if (!Kernels.enabled() || !UpdateKernels.usable(weight, gradient, velocity)) {
      return false;
    }
    UpdateKernels.momentum(
        weight,
        gradient,
        velocity,
        (float) gradientScale,
        (float) decay,
        (float) momentum,
        (float) rate);
    return true;
  }
}
