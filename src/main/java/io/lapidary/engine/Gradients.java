package io.lapidary.engine;

import io.lapidary.Check;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * Reverse-mode differentiation that adds the backward pass to the same graph as further ops.
 * Nothing is computed that was not asked for, and the result can be differentiated again.
 */
public final class Gradients {
  private final Graph graph;
  private final Set<String> live = new HashSet<>();
  private final Map<String, List<SDVariable>> flowing = new HashMap<>();

  private Gradients(Graph graph) {
    this.graph = graph;
  }

  /**
   * Gradients of a scalar loss with respect to parameters, placeholders or activations.
   *
   * @return one variable per entry of {@code wrt}, of its shape; zeros where the loss does not
   *     depend on it
   * @throws IllegalArgumentException when the loss is not a scalar
   * @throws UnsupportedOperationException naming the op, where a derivative does not exist
   */
  public static List<SDVariable> of(Graph graph, SDVariable loss, List<SDVariable> wrt) {
    Check.that(
        Shapes.length(graph.shape(loss)) == 1,
        "the loss must be a scalar, %s has shape %s",
        loss.name(),
        Arrays.toString(graph.shape(loss)));
    return of(graph, List.of(loss), List.of(graph.constant(1, graph.shape(loss))), wrt);
  }

  /**
   * Vector-Jacobian product: gradients of Σᵢ ⟨upstreamᵢ, outputᵢ⟩ with respect to {@code wrt}.
   *
   * @param upstream one variable per output, of its shape
   */
  public static List<SDVariable> of(
      Graph graph, List<SDVariable> outputs, List<SDVariable> upstream, List<SDVariable> wrt) {
    Check.that(outputs.size() == upstream.size(), "one upstream gradient per output is needed");
    return of(graph, List.copyOf(graph.nodes()), outputs, upstream, wrt);
  }

  /** Likewise through {@code nodes} alone, which make {@code output}. */
  static List<SDVariable> through(
      Graph graph, List<Node> nodes, SDVariable output, SDVariable upstream, List<SDVariable> wrt) {
    return of(graph, nodes, List.of(output), List.of(upstream), wrt);
  }

  private static List<SDVariable> of(
      Graph graph,
      List<Node> nodes,
      List<SDVariable> outputs,
      List<SDVariable> upstream,
      List<SDVariable> wrt) {
    Gradients pass = new Gradients(graph);
    wrt.forEach(v -> pass.live.add(v.name()));
    nodes.forEach(pass::markLive);
    for (int i = 0; i < outputs.size(); i++) {
      Check.that(
          Arrays.equals(graph.shape(outputs.get(i)), graph.shape(upstream.get(i))),
          "upstream of %s must have its shape",
          outputs.get(i).name());
      pass.push(outputs.get(i), upstream.get(i));
    }
    pass.backward(
        nodes, wrt.stream().map(SDVariable::name).collect(java.util.stream.Collectors.toSet()));
    List<SDVariable> result = new ArrayList<>();
    for (SDVariable v : wrt) {
      SDVariable g = pass.pull(v.name());
      result.add(g == null ? graph.constant(0, graph.shape(v)) : g);
    }
    return result;
  }

  /** A variable is live when a requested one flows into it. */
  private void markLive(Node node) {
    if (node.isRegion()) {
      node.inner().forEach(this::markLive);
    }
    if (node.inputs().stream().anyMatch(v -> live.contains(v.name()))) {
      node.outputs().forEach(v -> live.add(v.name()));
    }
  }

  private void backward(List<Node> nodes, Set<String> requested) {
    for (int n = nodes.size() - 1; n >= 0; n--) {
      Node node = nodes.get(n);
      boolean reached = node.outputs().stream().anyMatch(v -> flowing.containsKey(v.name()));
      if (node.isRegion() && (node.rule() == null || crossed(node, requested))) {
        backward(node.inner(), requested);
        continue;
      }
      if (!reached) {
        continue;
      }
      SDVariable[] upstream = new SDVariable[node.outputs().size()];
      for (int i = 0; i < upstream.length; i++) {
        String name = node.outputs().get(i).name();
        upstream[i] = pull(name);
        if (!requested.contains(name)) {
          flowing.remove(name);
        }
      }
      boolean[] wanted = new boolean[node.inputs().size()];
      boolean any = false;
      for (int i = 0; i < wanted.length; i++) {
        wanted[i] = live.contains(node.inputs().get(i).name());
        any |= wanted[i];
      }
      if (!any) {
        continue;
      }
      if (node.rule() == null) {
        throw new UnsupportedOperationException("no derivative is known for " + node);
      }
      SDVariable[] gradients = node.rule().gradients(upstream, wanted);
      for (int i = 0; i < wanted.length; i++) {
        if (wanted[i] && gradients[i] != null) {
          push(node.inputs().get(i), gradients[i]);
        }
      }
    }
  }

  /**
   * Whether a gradient is asked for, or enters, inside a region, so that its own rule would miss
   * it.
   */
  private boolean crossed(Node region, Set<String> requested) {
    Set<String> outputs = new HashSet<>();
    region.outputs().forEach(v -> outputs.add(v.name()));
    return region.inner().stream()
        .flatMap(node -> node.outputs().stream())
        .map(SDVariable::name)
        .anyMatch(
            name ->
                !outputs.contains(name) && (requested.contains(name) || flowing.containsKey(name)));
  }

  private void push(SDVariable variable, SDVariable gradient) {
    Check.that(
        Arrays.equals(graph.shape(variable), graph.shape(gradient)),
        "gradient of %s has shape %s, not %s",
        variable.name(),
        Arrays.toString(graph.shape(gradient)),
        Arrays.toString(graph.shape(variable)));
    flowing.computeIfAbsent(variable.name(), name -> new ArrayList<>()).add(gradient);
  }

  /** The sum of what has flowed into {@code name}; null when nothing has. */
  private SDVariable pull(String name) {
    List<SDVariable> parts = flowing.get(name);
    if (parts == null) {
      return null;
    }
    SDVariable total = parts.get(0);
    for (int i = 1; i < parts.size(); i++) {
      total = graph.ops().add(total, parts.get(i));
    }
    parts.clear();
    parts.add(total);
    return total;
  }
}
