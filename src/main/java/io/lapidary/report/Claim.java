package io.lapidary.report;

import io.lapidary.Check;
import io.lapidary.metric.Interval;

/**
 * A statement of a paper, measured. The verdict is a function of the other components (see {@link
 * Verdict#of}); a claim with another one cannot be made. {@link ClaimSpec} makes claims.
 *
 * @param id short name, unique in its experiment
 * @param paper where the paper says so: section, table, figure
 * @param statement one sentence
 * @param value what was measured; NaN when nothing could be, then {@code note} says why
 * @param ci confidence interval of the value at level 0.95, or null
 * @param direction the side of the threshold on which the claim holds
 * @param threshold fixed before the run
 * @param unit unit of value, interval and threshold; may be empty
 * @param verdict what follows
 * @param indicative true when fewer than {@value ClaimSpec#SEEDS} seeds were run
 * @param note a remark for the reader, or null
 */
public record Claim(
    String id,
    String paper,
    String statement,
    double value,
    Interval ci,
    Direction direction,
    double threshold,
    String unit,
    Verdict verdict,
    boolean indicative,
    String note) {

  public Claim {
    Check.that(id != null && !id.isBlank(), "a claim needs an id");
    Check.present("paper of claim " + id, paper);
    Check.that(statement != null && !statement.isBlank(), "claim %s needs a statement", id);
    Check.present("direction of claim " + id, direction);
    Check.present("unit of claim " + id, unit);
    Check.that(
        Double.isFinite(threshold), "threshold of claim %s must be finite, got %s", id, threshold);
    if (!Double.isFinite(value)) { // JSON has no such numbers: keep the reason in words
      note = note == null ? "measured value is " + value : note;
      value = Double.NaN;
      ci = null;
    }
    Verdict right = Verdict.of(value, ci, direction, threshold);
    Check.that(
        verdict == right,
        "claim %s says %s, but its numbers give %s (value %s, interval %s, %s %s)",
        id,
        verdict,
        right,
        value,
        ci,
        direction.sign(),
        threshold);
  }
}
