package io.lapidary.metric;

import org.nd4j.linalg.api.ndarray.INDArray;

/** A number gathered batch by batch; make one per evaluation. */
public interface Metric {
  /**
   * Adds a batch.
   *
   * @param predictions model output, the first axis counts examples
   * @param labels the truth for the same examples
   */
  void update(INDArray predictions, INDArray labels);

  /** The value over all batches so far; NaN with count 0 before the first one. */
  MetricValue value();
}
