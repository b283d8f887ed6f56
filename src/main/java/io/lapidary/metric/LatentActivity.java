package io.lapidary.metric;

import io.lapidary.Check;
import java.util.Arrays;

/**
 * How often each latent of a code is active (not 0), and the range of its values, over a stream of
 * rows. Parts of one data set can be counted apart and merged in any order.
 */
public final class LatentActivity {
  private final int latents;
  private final long[] active;
  private final double[] least;
  private final double[] most;
  private long rows;

  /** No rows yet. */
  public LatentActivity(int latents) {
    Check.positive("latents", latents);
    this.latents = latents;
    this.active = new long[latents];
    this.least = new double[latents];
    this.most = new double[latents];
    Arrays.fill(least, Double.POSITIVE_INFINITY);
    Arrays.fill(most, Double.NEGATIVE_INFINITY);
  }

  /**
   * Adds rows.
   *
   * @param codes [count, latents], row after row, all finite
   */
  public void update(double[] codes, int count) {
    Rows.require("codes", codes, count, latents);
    for (int row = 0, at = 0; row < count; row++) {
      for (int latent = 0; latent < latents; latent++, at++) {
        double value = codes[at];
        if (value != 0) {
          active[latent]++;
        }
        least[latent] = Math.min(least[latent], value);
        most[latent] = Math.max(most[latent], value);
      }
    }
    rows += count;
  }

  /** Adds what another counter of the same width saw. */
  public void merge(LatentActivity other) {
    Check.that(other.latents == latents, "cannot merge %d latents into %d", other.latents, latents);
    for (int latent = 0; latent < latents; latent++) {
      active[latent] += other.active[latent];
      least[latent] = Math.min(least[latent], other.least[latent]);
      most[latent] = Math.max(most[latent], other.most[latent]);
    }
    rows += other.rows;
  }

  /** Number of latents. */
  public int latents() {
    return latents;
  }

  /** Number of rows so far. */
  public long rows() {
    return rows;
  }

  /** On how many rows the latent is not 0. */
  public long active(int latent) {
    return active[latent];
  }

  /** Share of rows on which the latent is not 0; NaN before the first row. */
  public double density(int latent) {
    return (double) active[latent] / rows;
  }

  /** Smallest value of the latent. */
  public double least(int latent) {
    return least[latent];
  }

  /** Largest value of the latent. */
  public double most(int latent) {
    return most[latent];
  }

  /** Mean number of active latents in a row (L0). */
  public MetricValue l0() {
    return MetricValue.of("l0", (double) Arrays.stream(active).sum() / rows, rows);
  }

  /** Share of latents that are never active. */
  public MetricValue deadShare() {
    long dead = Arrays.stream(active).filter(count -> count == 0).count();
    return MetricValue.of("dead share", rows == 0 ? Double.NaN : (double) dead / latents, latents);
  }
}
