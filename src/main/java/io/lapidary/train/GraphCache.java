package io.lapidary.train;

import io.lapidary.engine.Parameters;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Supplier;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Graphs of the few batch shapes and forms used last; an older one is closed and built anew when
 * needed.
 */
final class GraphCache implements AutoCloseable {
  private static final int CAPACITY = 4;

  private final Objective objective;
  private final Parameters parameters;
  private final Map<String, Double> weights;
  private final ParameterGroups groups;
  private final boolean recompute;
  private final Supplier<String> form;
  private final LinkedHashMap<String, TrainGraph> graphs = new LinkedHashMap<>();

  /**
   * A cache; {@code groups} null for graphs without gradients. What {@code recompute} says, {@link
   * TrainConfig} tells.
   *
   * @param form names the form of the objective that is wanted now
   */
  GraphCache(
      Objective objective,
      Parameters parameters,
      Map<String, Double> weights,
      ParameterGroups groups,
      boolean recompute,
      Supplier<String> form) {
    this.objective = objective;
    this.parameters = parameters;
    this.weights = weights;
    this.groups = groups;
    this.recompute = recompute;
    this.form = form;
  }

  /** The graph for arrays of these names, types and shapes. */
  TrainGraph get(Map<String, INDArray> feeds) {
    StringBuilder key = new StringBuilder(form.get());
    feeds.forEach(
        (name, array) ->
            key.append(name).append(array.dataType()).append(Arrays.toString(array.shape())));
    TrainGraph graph = graphs.remove(key.toString());
    if (graph == null) {
      if (graphs.size() >= CAPACITY) {
        graphs.remove(graphs.keySet().iterator().next()).close();
      }
      graph = new TrainGraph(objective, parameters, feeds, weights, groups, recompute);
    }
    graphs.put(key.toString(), graph); // last again
    return graph;
  }

  @Override
  public void close() {
    graphs.values().forEach(TrainGraph::close);
    graphs.clear();
  }
}
