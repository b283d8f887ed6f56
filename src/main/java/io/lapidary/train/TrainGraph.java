package io.lapidary.train;

import io.lapidary.Check;
import io.lapidary.Seeds;
import io.lapidary.engine.Gradients;
import io.lapidary.engine.Graph;
import io.lapidary.engine.Parameters;
import io.lapidary.engine.Plan;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** An objective's graph, gradients and plan for one batch shape. */
final class TrainGraph implements AutoCloseable {
  static final String TOTAL = "total";

  private final Graph graph;
  private final Map<String, SDVariable> losses = new LinkedHashMap<>();
  private final Map<String, SDVariable> gradients = new LinkedHashMap<>();
  private final Map<String, ParameterGroup> groups;
  private final Plan plan;

  /**
   * Builds everything for inputs of these shapes.
   *
   * @param groups null for losses without gradients (evaluation)
   * @param recompute whether gradients compute blocks again
   */
  TrainGraph(
      Objective objective,
      Parameters parameters,
      Map<String, INDArray> feeds,
      Map<String, Double> weights,
      ParameterGroups groups,
      boolean recompute) {
    graph = new Graph(parameters, groups != null);
    if (recompute) {
      graph.recomputeBlocks();
    }
    Map<String, SDVariable> inputs = new LinkedHashMap<>();
    feeds.forEach(
        (name, array) -> {
          DataType type = array.dataType().isFPType() ? graph.type() : array.dataType();
          inputs.put(name, graph.placeholder(name, type, array.shape()));
        });
    Map<String, SDVariable> parts = objective.losses(graph, inputs);
    SDVariable total = total(parts, weights);
    losses.putAll(parts);
    losses.put(TOTAL, total);
    List<SDVariable> outputs = new ArrayList<>(losses.values());
    this.groups = groups == null ? Map.of() : groups.assign(names(graph.parameters()));
    if (groups != null) {
      List<SDVariable> trained =
          graph.parameters().stream().filter(v -> !this.groups.get(v.name()).frozen()).toList();
      List<SDVariable> results = Gradients.of(graph, total, trained);
      for (int i = 0; i < trained.size(); i++) {
        gradients.put(trained.get(i).name(), results.get(i));
      }
      outputs.addAll(results);
      outputs.addAll(graph.updates().values());
    }
    plan = Plan.compile(graph, outputs);
  }

  private SDVariable total(Map<String, SDVariable> parts, Map<String, Double> weights) {
    Check.that(parts != null && !parts.isEmpty(), "the objective gave no loss");
    Check.that(!parts.containsKey(TOTAL), "a loss cannot be called %s", TOTAL);
    weights
        .keySet()
        .forEach(
            name ->
                Check.that(
                    parts.containsKey(name),
                    "lossWeights names '%s', but the objective has the losses %s",
                    name,
                    parts.keySet()));
    SDVariable total = null;
    for (Map.Entry<String, SDVariable> part : parts.entrySet()) {
      long[] shape = graph.shape(part.getValue());
      Check.that(
          Arrays.stream(shape).reduce(1, (a, b) -> a * b) == 1,
          "loss %s must be a scalar, it has shape %s",
          part.getKey(),
          Arrays.toString(shape));
      double weight = weights.getOrDefault(part.getKey(), 1.0);
      if (weight == 0) {
        continue;
      }
      SDVariable scalar =
          shape.length == 0 ? part.getValue() : graph.ops().sum(part.getValue(), false);
      SDVariable term = weight == 1 ? scalar : graph.ops().mul(scalar, weight);
      total = total == null ? term : graph.ops().add(total, term);
    }
    Check.that(total != null, "all losses have weight 0: %s", parts.keySet());
    return total;
  }

  private static List<String> names(List<SDVariable> variables) {
    return variables.stream().map(SDVariable::name).toList();
  }

  /** Runs the plan; values are read with the methods below, until the next run. */
  void run(Map<String, INDArray> feeds, Seeds noise) {
    plan.seed(noise);
    plan.run(feeds);
  }

  /** Losses of the last run by name, {@link #TOTAL} last. */
  Map<String, Double> losses() {
    Map<String, Double> values = new LinkedHashMap<>();
    losses.forEach((name, v) -> values.put(name, plan.output(v).getDouble(0)));
    return values;
  }

  /** Gradients of the last run by parameter; to be read only, some may share memory. */
  Map<String, INDArray> gradients() {
    Map<String, INDArray> values = new LinkedHashMap<>();
    gradients.forEach((name, v) -> values.put(name, plan.output(v)));
    return values;
  }

  /** Groups of all parameters, the frozen ones too. */
  Map<String, ParameterGroup> groups() {
    return groups;
  }

  /** Puts the running statistics of the last run into the store. */
  void applyUpdates() {
    graph.updates().forEach((name, v) -> graph.store().get(name).assign(plan.output(v)));
  }

  /** The first op of a repeated run whose result is not finite; null when there is none. */
  String firstNonFinite(Map<String, INDArray> feeds) {
    return plan.firstNonFinite(feeds);
  }

  @Override
  public void close() {
    plan.close();
  }
}
