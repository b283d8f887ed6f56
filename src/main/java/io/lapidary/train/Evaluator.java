package io.lapidary.train;

import java.util.Map;

/** Measures the model during training. */
@FunctionalInterface
public interface Evaluator {
  /**
   * Metrics by name. The parameter store holds the weights to judge (the moving average, where one
   * is kept); they must not be changed, and graphs for it must be made with {@code training} false.
   *
   * @param step optimizer steps taken
   * @param epoch whole epochs done
   */
  Map<String, Double> evaluate(long step, long epoch);
}
