package io.lapidary.app.bench;

import io.lapidary.Check;
import io.lapidary.engine.Graph;
import io.lapidary.train.OptimizerConfig;
import java.util.List;
import java.util.Map;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A graph and what one step of it does.
 *
 * @param feeds one batch, by input name
 * @param outputs what a step computes; a training task has one, its loss
 * @param trained the weights a step updates, none for inference
 * @param optimizer how it updates them, null for inference
 * @param after what follows the update of the weights, such as a constraint
 */
record Task(
    Graph graph,
    Map<String, INDArray> feeds,
    List<SDVariable> outputs,
    List<SDVariable> trained,
    OptimizerConfig optimizer,
    Runnable after) {

  Task {
    feeds = Map.copyOf(feeds);
    outputs = List.copyOf(outputs);
    trained = List.copyOf(trained);
    Check.that(
        trained.isEmpty() == (optimizer == null),
        "weights to train need an optimizer, and only they");
    Check.that(trained.isEmpty() || outputs.size() == 1, "a training task has one output");
  }

  /** A task that computes {@code outputs} and changes nothing. */
  static Task inference(Graph graph, Map<String, INDArray> feeds, List<SDVariable> outputs) {
    return new Task(graph, feeds, outputs, List.of(), null, () -> {});
  }

  /** A task that lowers {@code loss}. */
  static Task training(
      Graph graph,
      Map<String, INDArray> feeds,
      SDVariable loss,
      List<SDVariable> trained,
      OptimizerConfig optimizer) {
    return new Task(graph, feeds, List.of(loss), trained, optimizer, () -> {});
  }

  /** The same task with a constraint after every update. */
  Task then(Runnable constraint) {
    return new Task(graph, feeds, outputs, trained, optimizer, constraint);
  }
}
