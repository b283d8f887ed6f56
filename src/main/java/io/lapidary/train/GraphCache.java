package io.lapidary.train;

import io.lapidary.engine.Parameters;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Graphs of the few batch shapes used last; an older one is closed and built anew when needed. */
final class GraphCache implements AutoCloseable {
  private static final int CAPACITY = 4;

  private final Objective objective;
  private final Parameters parameters;
  private final Map<String, Double> weights;
  private final ParameterGroups groups;
  private final boolean recompute;
  private final LinkedHashMap<String, TrainGraph> graphs = new LinkedHashMap<>();

  /**
   * A cache; {@code groups} null for graphs without gradients. What {@code recompute} says, {@link
   * TrainConfig} tells.
   */
  GraphCache(
      Objective objective,
      Parameters parameters,
      Map<String, Double> weights,
      ParameterGroups groups,
      boolean recompute) {
    this.objective = objective;
    this.parameters = parameters;
    this.weights = weights;
    this.groups = groups;
    this.recompute = recompute;
  }

  /** The graph for arrays of these names, types and shapes. */
  TrainGraph get(Map<String, INDArray> feeds) {
    StringBuilder key = new StringBuilder();
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
