package io.lapidary.train;

import io.lapidary.Check;

/** Learning rate by step. */
@FunctionalInterface
public interface Schedule {
  /**
   * Rate of a step.
   *
   * @param step steps taken before, from 0
   */
  double rate(long step);

  /** The same rate at every step. */
  static Schedule constant(double rate) {
    return step -> rate;
  }

  /**
   * Rises to {@code peak} over the first {@code steps} steps (step 0 has peak / steps), then
   * follows {@code after}, which counts from the end of the rise.
   */
  static Schedule warmup(double peak, long steps, Schedule after) {
    Check.notNegative("warmupSteps", steps);
    return step -> step < steps ? peak * (step + 1) / steps : after.rate(step - steps);
  }

  /** Half a cosine from {@code peak} at step 0 to {@code floor} at {@code steps} and after. */
  static Schedule cosine(double peak, double floor, long steps) {
    Check.positive("steps", steps);
    return step -> {
      double done = Math.min(1, (double) step / steps);
      return floor + (peak - floor) * 0.5 * (1 + Math.cos(Math.PI * done));
    };
  }

  /** A line from {@code peak} at step 0 to {@code floor} at {@code steps} and after. */
  static Schedule linear(double peak, double floor, long steps) {
    Check.positive("steps", steps);
    return step -> peak + (floor - peak) * Math.min(1, (double) step / steps);
  }

  /** Multiplies the rate by {@code factor} every {@code every} steps. */
  static Schedule step(double peak, long every, double factor) {
    Check.positive("every", every);
    Check.positive("factor", factor);
    return step -> peak * Math.pow(factor, (double) (step / every));
  }

  /** peak · √(timescale / (timescale + step)): 1/√step after a start at {@code peak}. */
  static Schedule inverseSqrt(double peak, long timescale) {
    Check.positive("timescale", timescale);
    return step -> peak * Math.sqrt((double) timescale / (timescale + step));
  }
}
