package io.lapidary.train;

/** Training met a loss or gradient that is NaN or infinite. The weights are those before. */
public final class DivergedException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final long step;
  private final double lastFiniteLoss;
  private final String operation;

  DivergedException(long step, String what, double lastFiniteLoss, String operation) {
    super(
        String.format(
            "training diverged at step %d: %s is not finite; last finite loss %s; first op with a"
                + " non-finite result: %s. Lower the learning rate, clip gradients or check the"
                + " inputs",
            step,
            what,
            Double.isNaN(lastFiniteLoss) ? "none" : Double.toString(lastFiniteLoss),
            operation == null ? "none found" : operation));
    this.step = step;
    this.lastFiniteLoss = lastFiniteLoss;
    this.operation = operation;
  }

  /** The step that failed, from 1. */
  public long step() {
    return step;
  }

  /** Total loss of the last good batch; NaN when there was none. */
  public double lastFiniteLoss() {
    return lastFiniteLoss;
  }

  /** First op whose result is not finite; null when none was found. */
  public String operation() {
    return operation;
  }
}
