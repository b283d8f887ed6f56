package io.lapidary.train;

import io.lapidary.Check;

/**
 * The evaluation metric that says which checkpoint is best, and when to stop.
 *
 * @param metric name among those the evaluator gives
 * @param mode MIN when left out
 * @param patience evaluations in a row without a gain before training stops; 0 (left out) never
 *     stops
 * @param minDelta least difference that counts as a gain; 0 when left out
 */
public record Monitor(String metric, Mode mode, Integer patience, Double minDelta) {

  /** Which direction is better. */
  public enum Mode {
    MIN,
    MAX
  }

  /** Fills in defaults and checks ranges. */
  public Monitor {
    Check.that(metric != null && !metric.isBlank(), "monitor needs the name of a metric");
    mode = mode == null ? Mode.MIN : mode;
    patience = patience == null ? 0 : patience;
    minDelta = minDelta == null ? 0 : minDelta;
    Check.notNegative("patience", patience);
    Check.notNegative("minDelta", minDelta);
  }

  /** Whether {@code value} is a gain over {@code best}; NaN and infinities never are. */
  boolean improves(double value, Double best) {
    if (!Double.isFinite(value)) {
      return false;
    }
    return best == null || (mode == Mode.MIN ? value < best - minDelta : value > best + minDelta);
  }
}
