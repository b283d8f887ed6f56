package io.lapidary.train;

import java.util.List;
import java.util.Map;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Changes weights in place by their gradients, with state per weight. The state can be taken out
 * and put back as named arrays, after which the optimizer goes on exactly as before.
 */
public interface Optimizer extends AutoCloseable {

  /**
   * One weight and what to do with it.
   *
   * @param name checkpoint name
   * @param weight live array, changed in place
   * @param gradient of the same shape; only read
   * @param learningRate of this step and weight
   * @param weightDecay coefficient λ; see the optimizer for its meaning
   */
  record Update(
      String name, INDArray weight, INDArray gradient, double learningRate, double weightDecay) {}

  /**
   * Takes one step.
   *
   * @param updates every trained weight, the same at each step
   * @param gradientScale factor of all gradients (clipping, averaging)
   * @param step number of this step, from 1
   */
  void step(List<Update> updates, double gradientScale, long step);

  /** Live state arrays by name, such as {@code exp_avg/encoder.weight}; empty before a step. */
  Map<String, INDArray> state();

  /** Replaces the state by copies of what {@link #state} gave earlier. */
  void restore(Map<String, INDArray> state);

  /** Releases the state. */
  @Override
  void close();
}
