package io.lapidary.engine;

import org.nd4j.autodiff.samediff.SDVariable;

/** Replaces an activation of a model while a graph is built; see {@link ActivationEdits}. */
@FunctionalInterface
public interface ActivationEdit {

  /** What stands in place of {@code x}, of the same shape. */
  SDVariable apply(Graph g, SDVariable x);
}
