package io.lapidary.train;

import io.lapidary.engine.Graph;
import java.util.Map;
import org.nd4j.autodiff.samediff.SDVariable;

/** What training minimises. */
@FunctionalInterface
public interface Objective {
  /**
   * Builds the model and its losses for one batch shape. Called once per shape, over the same
   * parameters each time; must add the same parameters and name the same losses each time.
   *
   * @param inputs one placeholder per mapped array of the batch, of that array's shape
   * @return scalar losses by name, each a mean over the batch; their weighted sum is minimised. A
   *     loss of weight 0 is only reported
   */
  Map<String, SDVariable> losses(Graph graph, Map<String, SDVariable> inputs);
}
