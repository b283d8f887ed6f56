package io.lapidary.engine;

import java.util.List;
import org.nd4j.autodiff.functions.DifferentialFunction;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * One step of a graph: a SameDiff op, or a region of ops that has a meaning (and perhaps a kernel)
 * of its own.
 *
 * @param kind what it computes, such as {@code matmul} or the region {@code layer_norm}
 * @param op the SameDiff op; null for a region
 * @param inner the ops of a region in order; empty for a single op
 * @param attributes numbers a kernel needs, by position
 * @param rule how gradients flow back; null when they do not, or, for a region, when they flow
 *     through its ops
 */
record Node(
    String kind,
    DifferentialFunction op,
    List<SDVariable> inputs,
    List<SDVariable> outputs,
    List<Node> inner,
    double[] attributes,
    GradientRule rule) {

  boolean isRegion() {
    return op == null;
  }

  @Override
  public String toString() {
    return kind + (outputs.isEmpty() ? "" : " " + outputs.get(0).name());
  }
}
