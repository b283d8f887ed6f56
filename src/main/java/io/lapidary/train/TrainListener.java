package io.lapidary.train;

import io.lapidary.engine.Parameters;
import java.nio.file.Path;
import java.util.Map;

/** Hears of what happens during training, on the training thread. An exception ends training. */
public interface TrainListener {
  /**
   * One optimizer step.
   *
   * @param step its number, from 1
   * @param epoch epoch of its batches, from 0
   * @param losses by name, with {@code total}; averaged over accumulated batches by examples
   * @param learningRate scheduled rate, before factors of groups
   * @param gradientNorm of all gradients together, before clipping
   * @param examplesPerSecond since the last metric line, evaluations and checkpoints left out
   * @param elapsedSeconds training time over all parts of the run
   */
  record Step(
      long step,
      long epoch,
      Map<String, Double> losses,
      double learningRate,
      double gradientNorm,
      double examplesPerSecond,
      double elapsedSeconds) {}

  /**
   * Training begins or goes on.
   *
   * @param firstStep steps taken before, 0 for a new run
   * @param totalSteps steps of the whole run, −1 when unknown
   */
  default void started(long firstStep, long totalSteps) {}

  /** The parameters exist and hold what the first step starts from; their arrays stay live. */
  default void ready(Parameters parameters) {}

  /** A step was taken. */
  default void stepped(Step step) {}

  /** An evaluation was made; {@code best} says whether it is the best so far. */
  default void evaluated(long step, long epoch, Map<String, Double> metrics, boolean best) {}

  /** A checkpoint was written. */
  default void saved(long step, Path checkpoint) {}

  /** Training ended without an error. */
  default void ended(TrainResult result) {}

  /** The trainer lets go, after an error too. */
  default void closed() {}
}
