package io.lapidary.train;

import java.nio.file.Path;
import java.util.Map;

/**
 * How a run ended.
 *
 * @param reason why
 * @param steps optimizer steps taken, those before a resume included
 * @param epochs whole epochs done
 * @param losses of the last step by name, with {@code total}; empty when this call took no step
 * @param best best value of the monitored metric; null without one
 * @param bestStep its step; null without one
 * @param latestCheckpoint newest checkpoint; null without a run folder
 * @param bestCheckpoint checkpoint of the best step; null without one
 * @param elapsedSeconds training time over all parts of the run
 */
public record TrainResult(
    Reason reason,
    long steps,
    long epochs,
    Map<String, Double> losses,
    Double best,
    Long bestStep,
    Path latestCheckpoint,
    Path bestCheckpoint,
    double elapsedSeconds) {

  /** Why a run ended. */
  public enum Reason {
    /** All epochs or steps were done. */
    COMPLETE,
    /** The monitored metric gained nothing for too long. */
    EARLY_STOP,
    /** It was asked to stop, and can be resumed. */
    STOPPED
  }
}
