package io.lapidary.app.bench;

import org.nd4j.linalg.api.buffer.DataType;

/** A model of given sizes on drawn inputs; the same seed gives the same task. */
interface Workload {
  /**
   * Builds the graph, its weights and one batch of inputs.
   *
   * @param type FLOAT to time it, DOUBLE to check its gradients
   */
  Task build(DataType type, long seed);
}
