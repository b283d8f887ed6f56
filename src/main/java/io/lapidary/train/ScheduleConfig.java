package io.lapidary.train;

import io.lapidary.Check;

/**
 * How the learning rate moves after an optional rise.
 *
 * @param type CONSTANT when left out
 * @param warmupSteps steps of the linear rise; 0 when left out
 * @param floor last rate as a share of the peak, in [0, 1] (COSINE, LINEAR); 0 when left out
 * @param every steps between drops (STEP)
 * @param factor of each drop (STEP); 0.1 when left out
 * @param timescale steps until the rate has fallen to 1/√2 (INVERSE_SQRT); warmupSteps when left
 *     out
 */
public record ScheduleConfig(
    Type type, Long warmupSteps, Double floor, Long every, Double factor, Long timescale) {

  /** Known shapes. */
  public enum Type {
    CONSTANT,
    COSINE,
    LINEAR,
    STEP,
    INVERSE_SQRT
  }

  /** Fills in defaults and checks ranges. */
  public ScheduleConfig {
    type = type == null ? Type.CONSTANT : type;
    warmupSteps = warmupSteps == null ? 0 : warmupSteps;
    floor = floor == null ? 0 : floor;
    factor = factor == null ? 0.1 : factor;
    Check.notNegative("warmupSteps", warmupSteps);
    Check.between("floor", floor, 0, 1);
    Check.positive("factor", factor);
    if (type == Type.STEP) {
      Check.that(every != null && every > 0, "schedule STEP needs every above 0, got %s", every);
    }
    if (type == Type.INVERSE_SQRT) {
      timescale = timescale == null ? Math.max(1, warmupSteps) : timescale;
      Check.positive("timescale", timescale);
    }
  }

  /** The peak rate at every step. */
  public static ScheduleConfig constant() {
    return new ScheduleConfig(Type.CONSTANT, null, null, null, null, null);
  }

  /** A linear rise, then half a cosine down to {@code floor} of the peak. */
  public static ScheduleConfig cosine(long warmupSteps, double floor) {
    return new ScheduleConfig(Type.COSINE, warmupSteps, floor, null, null, null);
  }

  /**
   * The schedule for a run.
   *
   * @param totalSteps steps of the whole run; at most 0 when nobody knows
   * @throws IllegalArgumentException when the shape needs the length of the run
   */
  public Schedule create(double peak, long totalSteps) {
    boolean needsEnd = type == Type.COSINE || type == Type.LINEAR;
    Check.that(
        !needsEnd || totalSteps > 0,
        "schedule %s needs the number of steps, which this batch source cannot tell; set steps",
        type);
    Check.that(
        !needsEnd || warmupSteps <= totalSteps,
        "warmupSteps %s exceed the %d steps of the run",
        warmupSteps,
        totalSteps);
    long rest = Math.max(1, totalSteps - warmupSteps);
    Schedule after =
        switch (type) {
          case CONSTANT -> Schedule.constant(peak);
          case COSINE -> Schedule.cosine(peak, floor * peak, rest);
          case LINEAR -> Schedule.linear(peak, floor * peak, rest);
          case STEP -> Schedule.step(peak, every, factor);
          case INVERSE_SQRT -> Schedule.inverseSqrt(peak, timescale);
        };
    return warmupSteps == 0 ? after : Schedule.warmup(peak, warmupSteps, after);
  }
}
