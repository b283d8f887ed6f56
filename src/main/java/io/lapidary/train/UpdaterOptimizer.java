package io.lapidary.train;

import io.lapidary.Check;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.AdaBeliefUpdater;
import org.nd4j.linalg.learning.GradientUpdater;
import org.nd4j.linalg.learning.config.AdaBelief;
import org.nd4j.linalg.learning.config.IUpdater;

/**
 * Any ND4J updater (Nadam, RmsProp, AdaGrad, …). Learning rates come from the trainer and replace
 * the updater's own; weight decay λ adds λ w to the gradient. AdaDelta and NoOp know no learning
 * rate.
 */
public final class UpdaterOptimizer implements Optimizer {
  private static final String KIND = "updater";

  private final IUpdater updater;
  private final Map<String, INDArray> state = new LinkedHashMap<>();
  private final Map<String, GradientUpdater<?>> updaters = new HashMap<>();
  private final Scratch change = new Scratch();
  private final Scratch decay = new Scratch();

  /** An optimizer without state yet; {@code updater} itself stays as it is. */
  public UpdaterOptimizer(IUpdater updater) {
    this.updater = Check.present("updater", updater).clone();
  }

  @Override
  public void step(List<Update> updates, double gradientScale, long step) {
    for (Update u : updates) {
      GradientUpdater<?> rule = updaters.computeIfAbsent(u.name(), n -> create(n, u.weight()));
      if (rule.getConfig().hasLearningRate()) {
        rule.getConfig().setLrAndSchedule(u.learningRate(), null);
      }
      INDArray d = u.gradient().muli(gradientScale, change.like(u.name(), u.weight()));
      if (u.weightDecay() != 0) {
        d.addi(u.weight().muli(u.weightDecay(), decay.like(u.name(), u.weight())));
      }
      rule.applyUpdater(d.rank() == 0 ? d.reshape(1) : d, Math.toIntExact(step - 1), 0);
      u.weight().subi(d);
    }
  }

  private GradientUpdater<?> create(String name, INDArray weight) {
    IUpdater own = updater.clone();
    long size = own.stateSize(weight.length());
    if (size == 0) {
      return own.instantiate((INDArray) null, false);
    }
    INDArray saved = state.get(KIND + "/" + name);
    INDArray view = saved != null ? saved : Nd4j.zeros(weight.dataType(), 1, size).detach();
    Check.that(
        view.length() == size,
        "optimizer state of %s has %d values, %d are needed",
        name,
        view.length(),
        size);
    state.put(KIND + "/" + name, view);
    long[] shape = weight.rank() == 0 ? new long[] {1} : weight.shape();
    GradientUpdater<?> rule =
        own instanceof AdaBelief belief // whose instantiate fails on every view
            ? new AdaBeliefUpdater(belief)
            : own.instantiate(view, saved == null);
    rule.setStateViewArray(view, shape, 'c', saved == null);
    return rule;
  }

  @Override
  public Map<String, INDArray> state() {
    return state;
  }

  @Override
  public void restore(Map<String, INDArray> saved) {
    releaseState();
    saved.forEach(
        (name, array) -> {
          Check.that(
              name.startsWith(KIND + "/"),
              "optimizer state %s is not one of an ND4J updater",
              name);
          state.put(name, array.dup('c'));
        });
  }

  private void releaseState() {
    updaters.clear();
    state.values().forEach(INDArray::close);
    state.clear();
  }

  @Override
  public void close() {
    releaseState();
    change.close();
    decay.close();
  }
}
