package io.lapidary.report;

import io.lapidary.Check;
import io.lapidary.metric.Interval;
import io.lapidary.metric.PairedTests;
import io.lapidary.metric.Statistics;

/** A claim before it is measured, its threshold fixed. Components as in {@link Claim}. */
public record ClaimSpec(
    String id, String paper, String statement, String unit, Direction direction, double threshold) {
  /** With fewer seeds than this a verdict is indicative only. */
  public static final int SEEDS = 3;

  public ClaimSpec {
    Check.that(
        Double.isFinite(threshold), "threshold of claim %s must be finite, got %s", id, threshold);
  }

  /**
   * The claim with a value whose interval was found by the caller.
   *
   * @param ci interval at level 0.95, or null when there is none
   * @param seeds how many seeds the value rests on
   */
  public Claim measured(double value, Interval ci, int seeds) {
    Interval kept = Double.isFinite(value) ? ci : null;
    return new Claim(
        id,
        paper,
        statement,
        value,
        kept,
        direction,
        threshold,
        unit,
        Verdict.of(Double.isFinite(value) ? value : Double.NaN, kept, direction, threshold),
        seeds < SEEDS,
        null);
  }

  /** The claim that could not be measured, with the reason. */
  public Claim unmeasured(String reason) {
    return new Claim(
        id,
        paper,
        statement,
        Double.NaN,
        null,
        direction,
        threshold,
        unit,
        Verdict.INCONCLUSIVE,
        false,
        Check.present("reason", reason));
  }

  /**
   * The claim about a mean over seeds, with Student's t-interval; one seed gives no interval. A
   * value that is not finite leaves the claim unmeasured.
   *
   * @param perSeed one value per seed
   */
  public Claim overSeeds(double... perSeed) {
    Check.that(perSeed.length >= 1, "claim %s needs a value", id);
    for (int i = 0; i < perSeed.length; i++) {
      if (!Double.isFinite(perSeed[i])) {
        return unmeasured(String.format("value %d of %d is %s", i + 1, perSeed.length, perSeed[i]));
      }
    }
    return measured(
        Statistics.mean(perSeed),
        perSeed.length == 1 ? null : Statistics.meanInterval(perSeed),
        perSeed.length);
  }

  /** The claim about the mean difference ours - baseline, paired by seed. */
  public Claim paired(double[] ours, double[] baseline) {
    Check.that(
        ours.length == baseline.length,
        "claim %s: paired values must be equally many, got %d and %d",
        id,
        ours.length,
        baseline.length);
    for (int i = 0; i < ours.length; i++) {
      if (!Double.isFinite(ours[i]) || !Double.isFinite(baseline[i])) {
        return unmeasured(String.format("pair %d is %s and %s", i + 1, ours[i], baseline[i]));
      }
    }
    return overSeeds(PairedTests.differences(ours, baseline));
  }
}
