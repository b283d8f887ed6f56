package io.lapidary.app.bench;

import io.lapidary.engine.Gradients;
import io.lapidary.engine.Plan;
import io.lapidary.train.Optimizer;
import java.util.ArrayList;
import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** A compiled task: one run feeds the batch, computes, and updates the trained weights. */
final class Step implements AutoCloseable {
  private final Task task;
  private final Plan plan;
  private final Optimizer optimizer;
  private final List<Optimizer.Update> updates = new ArrayList<>();
  private long number;

  private Step(Task task, Plan plan, List<SDVariable> gradients) {
    this.task = task;
    this.plan = plan;
    optimizer = gradients.isEmpty() ? null : task.optimizer().create();
    for (int i = 0; i < gradients.size(); i++) {
      String name = task.trained().get(i).name();
      updates.add(
          new Optimizer.Update(
              name,
              task.graph().store().get(name),
              plan.output(gradients.get(i)),
              task.optimizer().learningRate(),
              task.optimizer().weightDecay()));
    }
  }

  static Step compile(Task task) {
    List<SDVariable> gradients =
        task.trained().isEmpty()
            ? List.of()
            : Gradients.of(task.graph(), task.outputs().get(0), task.trained());
    List<SDVariable> wanted = new ArrayList<>(task.outputs());
    wanted.addAll(gradients);
    wanted.addAll(task.graph().updates().values());
    return new Step(task, Plan.compile(task.graph(), wanted), gradients);
  }

  void run() {
    plan.run(task.feeds());
    if (optimizer != null) {
      task.graph()
          .updates()
          .forEach((name, v) -> task.graph().store().get(name).assign(plan.output(v)));
      optimizer.step(updates, 1, ++number);
      task.after().run();
    }
    Nd4j.getExecutioner().commit(); // a GPU works behind our back; its time belongs to the step
  }

  /** Value of an output in the last run, for a training task the loss before the update. */
  INDArray output(int index) {
    return plan.output(task.outputs().get(index));
  }

  /** Calls of one run and its memory. */
  Plan.Stats stats() {
    return plan.stats();
  }

  /** Values that a step changes. */
  long trainedValues() {
    return task.trained().stream()
        .mapToLong(v -> task.graph().store().get(v.name()).length())
        .sum();
  }

  /** Times every call of the plan; the optimizer is not part of it. */
  List<Plan.CallTime> profile(int rounds) {
    return plan.profile(task.feeds(), rounds);
  }

  @Override
  public void close() {
    if (optimizer != null) {
      optimizer.close();
    }
    plan.close();
  }
}
