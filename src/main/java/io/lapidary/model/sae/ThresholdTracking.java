package io.lapidary.model.sae;

import io.lapidary.Check;

/**
 * How training follows the smallest positive code, which becomes the threshold of use.
 *
 * @param decay share of the old threshold that stays at each step, in [0, 1)
 * @param start steps before the first value is taken
 */
public record ThresholdTracking(double decay, long start) {

  /** Checks ranges. */
  public ThresholdTracking {
    Check.that(decay >= 0 && decay < 1, "decay must be in [0, 1), got %s", decay);
    Check.notNegative("start", start);
  }

  /** The values of the paper: 0.999, from step 1000. */
  public static ThresholdTracking usual() {
    return new ThresholdTracking(0.999, 1000);
  }
}
