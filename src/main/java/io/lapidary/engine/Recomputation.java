package io.lapidary.engine;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * A block whose gradient adds the block's ops once more (Chen et al. 2016), so that between the two
 * passes only its input is kept. Random numbers are drawn once and serve both times.
 */
final class Recomputation {
  private final Graph graph;
  private final SDVariable x;
  private final UnaryOperator<SDVariable> body;
  private final List<SDVariable> noise = new ArrayList<>();
  private int replayed = -1;

  private Recomputation(Graph graph, SDVariable x, UnaryOperator<SDVariable> body) {
    this.graph = graph;
    this.x = x;
    this.body = body;
  }

  /** Adds the block as a region. */
  static SDVariable add(Graph graph, SDVariable x, UnaryOperator<SDVariable> body) {
    Recomputation block = new Recomputation(graph, x, body);
    List<Node> inner = new ArrayList<>();
    SDVariable y = graph.within(block, inner, () -> body.apply(x));
    List<SDVariable> inputs = inputs(graph, inner);
    graph.append(
        new Node(
            "recomputed",
            null,
            inputs,
            List.of(y),
            inner,
            new double[0],
            (up, wanted) -> block.gradients(inputs, up[0], wanted)));
    return y;
  }

  /** What the ops of a block read from outside: activations and parameters. */
  private static List<SDVariable> inputs(Graph graph, List<Node> inner) {
    Map<String, SDVariable> read = new LinkedHashMap<>();
    Set<String> made = new HashSet<>();
    for (Node node : inner) {
      for (SDVariable input : node.inputs()) {
        if (!made.contains(input.name()) && !graph.isConstant(input.name())) {
          read.put(input.name(), input);
        }
      }
      outputs(node, made);
    }
    return List.copyOf(read.values());
  }

  private static void outputs(Node node, Set<String> into) {
    node.outputs().forEach(v -> into.add(v.name()));
    node.inner().forEach(n -> outputs(n, into));
  }

  private SDVariable[] gradients(List<SDVariable> inputs, SDVariable up, boolean[] wanted) {
    replayed = 0;
    List<Node> again = new ArrayList<>();
    SDVariable y = graph.within(this, again, () -> body.apply(x));
    replayed = -1;
    again.forEach(graph::append);
    List<SDVariable> wrt = new ArrayList<>();
    for (int i = 0; i < wanted.length; i++) {
      if (wanted[i]) {
        wrt.add(inputs.get(i));
      }
    }
    List<SDVariable> found = Gradients.through(graph, again, y, up, wrt);
    SDVariable[] all = new SDVariable[wanted.length];
    for (int i = 0, next = 0; i < wanted.length; i++) {
      all[i] = wanted[i] ? found.get(next++) : null;
    }
    return all;
  }

  /** Whether the ops are being added for the second time. */
  boolean replays() {
    return replayed >= 0;
  }

  /** The random numbers that the first pass drew at this place. */
  SDVariable replayedNoise() {
    return noise.get(replayed++);
  }

  void drew(SDVariable variable) {
    noise.add(variable);
  }
}
