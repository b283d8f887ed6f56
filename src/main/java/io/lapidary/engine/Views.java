package io.lapidary.engine;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Which variables of a plan are mere views of others' memory: reshapes and identities always; a
 * permutation when only batched products, attention and rotary positions read it, or when one of
 * them feeds it, which then writes straight into the permuted place.
 */
final class Views {
  private final Set<Node> views = Collections.newSetFromMap(new IdentityHashMap<>());
  private final Map<String, Node> writtenThrough = new HashMap<>();
  private final Map<String, String> roots = new HashMap<>();

  Views(Graph graph, List<Node> nodes, Collection<SDVariable> requested, boolean strided) {
    Map<String, List<Node>> readers = new HashMap<>();
    Map<String, Node> producers = new HashMap<>();
    for (Node node : nodes) {
      node.inputs()
          .forEach(v -> readers.computeIfAbsent(v.name(), k -> new ArrayList<>()).add(node));
      node.outputs().forEach(v -> producers.put(v.name(), node));
    }
    Set<String> kept = new HashSet<>();
    requested.forEach(v -> kept.add(v.name()));
    for (Node node : nodes) {
      String kind = node.kind();
      if (kind.equals("reshape") || kind.equals("identity")) {
        views.add(node);
      } else if (kind.equals("permute") && strided) {
        String in = node.inputs().get(0).name();
        String out = node.outputs().get(0).name();
        Node producer = producers.get(in);
        if (!kept.contains(in)
            && (BatchedProduct.handles(graph, producer) || isStrided(producer))
            && BatchedProduct.strideable(node.attributes(), true)
            && readers.get(in).stream()
                .allMatch(
                    n ->
                        n == node
                            || (isStrided(n)
                                && reads(graph, n, node.inputs().get(0), node.attributes())))) {
          writtenThrough.put(in, node);
        } else if (!kept.contains(out)
            && readers.getOrDefault(out, List.of()).stream()
                .allMatch(n -> reads(graph, n, node.outputs().get(0), node.attributes()))) {
          views.add(node);
        }
      }
    }
    for (Node node : nodes) {
      for (SDVariable output : node.outputs()) {
        Node through = writtenThrough.get(output.name());
        String root = output.name();
        if (through != null) {
          root = through.outputs().get(0).name();
        } else if (views.contains(node)) {
          String source = node.inputs().get(0).name();
          root = roots.getOrDefault(source, source);
        }
        roots.put(output.name(), root);
      }
    }
  }

  /** Whether the kernel of a node works on heads at any stride: all of rank 4 but tables. */
  private static boolean isStrided(Node node) {
    return node != null
        && switch (node.kind()) {
          case "attention", "attention_bp", "rotary", "rotary_bp" -> true;
          default -> false;
        };
  }

  /** Whether {@code reader} can read {@code variable}, an array permuted so. */
  private static boolean reads(
      Graph graph, Node reader, SDVariable variable, double[] permutation) {
    if (!isStrided(reader)) {
      return BatchedProduct.handles(graph, reader) && BatchedProduct.strideable(permutation, false);
    }
    boolean table =
        reader.kind().startsWith("rotary")
            && reader.inputs().subList(1, 3).stream()
                .anyMatch(v -> v.name().equals(variable.name()));
    return !table && BatchedProduct.strideable(permutation, true);
  }

  /** Whether a node needs no call because its result is where it should be already. */
  boolean skips(Node node) {
    return views.contains(node) || isWrittenThrough(node);
  }

  private boolean isWrittenThrough(Node node) {
    return node.kind().equals("permute") && writtenThrough.get(node.inputs().get(0).name()) == node;
  }

  /** The variable whose memory {@code name} looks at; itself when it has its own. */
  String root(String name) {
    return roots.getOrDefault(name, name);
  }

  /** The variables that need memory when {@code node} runs. */
  List<SDVariable> owned(Node node) {
    if (skips(node)) {
      return List.of();
    }
    return node.outputs().stream()
        .map(
            v ->
                writtenThrough.containsKey(v.name())
                    ? writtenThrough.get(v.name()).outputs().get(0)
                    : v)
        .toList();
  }

  /** The arrays of all views of {@code nodes}, over those that exist. */
  void bind(Graph graph, List<Node> nodes, Map<String, INDArray> arrays) {
    for (Node node : nodes) {
      for (SDVariable output : node.outputs()) {
        Node through = writtenThrough.get(output.name());
        if (through != null) {
          INDArray target = arrays.get(through.outputs().get(0).name());
          arrays.put(output.name(), target.permute(Shapes.inverse(permutation(through))));
        }
      }
      if (views.contains(node)) {
        SDVariable output = node.outputs().get(0);
        INDArray source = arrays.get(node.inputs().get(0).name());
        arrays.put(
            output.name(),
            node.kind().equals("permute")
                ? source.permute(permutation(node))
                : source.reshape('c', graph.shape(output)));
      }
    }
  }

  private static int[] permutation(Node permute) {
    int[] order = new int[permute.attributes().length];
    for (int i = 0; i < order.length; i++) {
      order[i] = (int) permute.attributes()[i];
    }
    return order;
  }
}
