package io.lapidary.app.bench;

import io.lapidary.engine.Gradients;
import io.lapidary.engine.Plan;
import java.util.ArrayList;
import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** A compiled task: one run feeds the batch, computes, and updates the trained weights. */
final class Step implements AutoCloseable {
  private final Task task;
  private final Plan plan;
  private final List<SDVariable> gradients;
  private final List<WeightUpdate> updates;

  private Step(Task task, Plan plan, List<SDVariable> gradients, List<WeightUpdate> updates) {
    this.task = task;
    this.plan = plan;
    this.gradients = gradients;
    this.updates = updates;
  }

  static Step compile(Task task) {
    List<SDVariable> gradients =
        task.trained().isEmpty()
            ? List.of()
            : Gradients.of(task.graph(), task.outputs().get(0), task.trained());
    List<SDVariable> wanted = new ArrayList<>(task.outputs());
    wanted.addAll(gradients);
    List<WeightUpdate> updates =
        task.trained().stream()
            .map(v -> WeightUpdate.of(task.rule(), task.graph().store().get(v.name())))
            .toList();
    return new Step(task, Plan.compile(task.graph(), wanted), gradients, updates);
  }

  void run() {
    plan.run(task.feeds());
    for (int i = 0; i < updates.size(); i++) {
      updates.get(i).apply(plan.output(gradients.get(i)));
    }
    Nd4j.getExecutioner().commit(); // a GPU works behind our back; its time belongs to the step
  }

  /** Value of an output in the last run, for a training task the loss before the update. */
  INDArray output(int index) {
    return plan.output(task.outputs().get(index));
  }

  @Override
  public void close() {
    plan.close();
  }
}
