package io.lapidary.train;

import io.lapidary.Check;
import io.lapidary.engine.FusedUpdates;
import java.util.List;
import java.util.Map;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Stochastic gradient descent by PyTorch's formula: d = g + λ w, b ← μ b + d, w ← w − η b; Nesterov
 * takes d + μ b in place of b.
 */
public final class Sgd implements Optimizer {
  private static final String MOMENTUM = "momentum_buffer";

  private final double momentum;
  private final boolean nesterov;
  private final StateArrays state = new StateArrays(MOMENTUM);
  private final Scratch change = new Scratch();
  private final Scratch other = new Scratch();

  /**
   * An optimizer without state yet.
   *
   * @param momentum μ in [0, 1); 0 keeps no state
   * @param nesterov needs momentum
   */
  public Sgd(double momentum, boolean nesterov) {
    Check.that(momentum >= 0 && momentum < 1, "momentum must be in [0, 1), got %s", momentum);
    Check.that(!nesterov || momentum > 0, "nesterov needs a momentum above 0");
    this.momentum = momentum;
    this.nesterov = nesterov;
  }

  @Override
  public void step(List<Update> updates, double gradientScale, long step) {
    for (Update u : updates) {
      INDArray weight = u.weight();
      boolean fused =
          momentum > 0
              && !nesterov
              && FusedUpdates.momentum(
                  weight,
                  u.gradient(),
                  state.get(MOMENTUM, u.name(), weight),
                  gradientScale,
                  u.weightDecay(),
                  momentum,
                  u.learningRate());
      if (fused) {
        continue;
      }
      INDArray d = u.gradient().muli(gradientScale, change.like(u.name(), weight));
      if (u.weightDecay() != 0) {
        d.addi(weight.muli(u.weightDecay(), other.like(u.name(), weight)));
      }
      if (momentum > 0) {
        INDArray average = state.get(MOMENTUM, u.name(), weight).muli(momentum).addi(d);
        if (nesterov) {
          d.addi(average.muli(momentum, other.like(u.name(), weight)));
        } else {
          d.assign(average);
        }
      }
      weight.subi(d.muli(u.learningRate()));
    }
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
    other.close();
  }
}
