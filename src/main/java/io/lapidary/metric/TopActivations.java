package io.lapidary.metric;

import io.lapidary.Check;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * The k rows that excite each latent most, over a stream of rows: the last k of a stable ascending
 * sort, so that of equal activations the later rows are kept. Memory is [latents, k].
 */
public final class TopActivations {
  private final int latents;
  private final int k;
  private final double[] values;
  private final int[] indices;
  private int rows;

  /** No rows yet. */
  public TopActivations(int latents, int k) {
    Check.positive("latents", latents);
    Check.positive("k", k);
    this.latents = latents;
    this.k = k;
    this.values = new double[Math.multiplyExact(latents, k)];
    this.indices = new int[latents * k];
    Arrays.fill(values, Double.NEGATIVE_INFINITY);
    Arrays.fill(indices, -1);
  }

  /**
   * Adds rows; they are numbered on from those before.
   *
   * @param codes [count, latents], row after row, all finite
   */
  public void update(double[] codes, int count) {
    Rows.require("codes", codes, count, latents);
    for (int row = 0, at = 0; row < count; row++) {
      for (int latent = 0; latent < latents; latent++, at++) {
        if (codes[at] >= values[latent * k]) {
          insert(latent * k, codes[at], rows + row);
        }
      }
    }
    rows += count;
  }

  /** Drops the least of a list and puts the newcomer behind all that are not larger. */
  private void insert(int from, double value, int index) {
    int last = from;
    while (last + 1 < from + k && values[last + 1] <= value) {
      last++;
    }
    System.arraycopy(values, from + 1, values, from, last - from);
    System.arraycopy(indices, from + 1, indices, from, last - from);
    values[last] = value;
    indices[last] = index;
  }

  /** Number of latents. */
  public int latents() {
    return latents;
  }

  /** Rows kept per latent. */
  public int k() {
    return k;
  }

  /** Row numbers of the latent's largest activations, ascending by activation. */
  public int[] indices(int latent) {
    requireRows();
    return Arrays.copyOfRange(indices, latent * k, (latent + 1) * k);
  }

  /** The latent's k largest activations, ascending. */
  public double[] values(int latent) {
    requireRows();
    return Arrays.copyOfRange(values, latent * k, (latent + 1) * k);
  }

  /** The k-th largest activation of the latent. */
  public double least(int latent) {
    requireRows();
    return values[latent * k];
  }

  /** Latents whose k-th largest activation is not exactly 0: the others have too few images. */
  public int[] described() {
    return IntStream.range(0, latents).filter(latent -> least(latent) != 0).toArray();
  }

  private void requireRows() {
    if (rows < k) {
      throw new IllegalStateException(String.format("needs at least k=%d rows, has %d", k, rows));
    }
  }
}
