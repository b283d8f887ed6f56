package io.lapidary.metric;

import io.lapidary.Check;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * MonoSemanticity score of every latent (Pach et al. 2025, section 3.3): the mean cosine similarity
 * of the embeddings of all pairs of images, weighted by the product of the latent's activations,
 * which are first scaled to [0, 1] by their range over the data set.
 *
 * <p>With the scaled activations {@code a}, unit embeddings {@code u} and running sums {@code T = Σ
 * a}, {@code S = Σ a u} over the images before, an image adds {@code a u·S} to the numerator and
 * {@code a T} to the denominator. This visits each image once, and nothing cancels when one image
 * outweighs all others, as it does in the form {@code (|S|² - Σ a²) / (T² - Σ a²)}. All sums are
 * doubles; memory is [latents, width].
 */
public final class Monosemanticity {
  private static final int PER_TASK = 64; // latents

  private final LatentActivity ranges;
  private final int width;
  private final double[] sums;
  private final double[] totals;
  private final double[] numerators;
  private final double[] denominators;
  private long rows;

  /**
   * No images yet.
   *
   * @param ranges least and largest value of each latent over all images that will be added
   * @param width length of an embedding
   */
  public Monosemanticity(LatentActivity ranges, int width) {
    Check.positive("width", width);
    int latents = ranges.latents();
    this.ranges = ranges;
    this.width = width;
    this.sums = new double[Math.multiplyExact(latents, width)];
    this.totals = new double[latents];
    this.numerators = new double[latents];
    this.denominators = new double[latents];
  }

  /** Scores of a whole data set: codes [rows, latents], embeddings [rows, width]. */
  public static double[] of(double[] codes, double[] embeddings, int rows) {
    Check.positive("rows", rows);
    Check.that(
        codes.length % rows == 0 && embeddings.length % rows == 0,
        "%d codes and %d embeddings are not matrices of %d rows",
        codes.length,
        embeddings.length,
        rows);
    LatentActivity ranges = new LatentActivity(codes.length / rows);
    ranges.update(codes, rows);
    Monosemanticity score = new Monosemanticity(ranges, embeddings.length / rows);
    score.update(codes, embeddings, rows);
    return score.scores();
  }

  /**
   * Adds images.
   *
   * @param codes [count, latents], row after row, within the ranges given
   * @param embeddings [count, width], row after row; any length above 0
   */
  public void update(double[] codes, double[] embeddings, int count) {
    int latents = ranges.latents();
    Rows.require("codes", codes, count, latents);
    double[] units = units(embeddings, count);
    IntStream.range(0, (latents + PER_TASK - 1) / PER_TASK)
        .parallel()
        .forEach(
            task -> {
              int end = Math.min(latents, (task + 1) * PER_TASK);
              for (int latent = task * PER_TASK; latent < end; latent++) {
                add(codes, units, count, latent);
              }
            });
    rows += count;
  }

  private void add(double[] codes, double[] units, int count, int latent) {
    double least = ranges.least(latent);
    double range = ranges.most(latent) - least;
    if (range == 0) {
      return;
    }
    for (int row = 0; row < count; row++) {
      double value = codes[row * ranges.latents() + latent];
      Check.that(
          value >= least && value <= ranges.most(latent),
          "latent %d is %s on an image, outside its range [%s, %s]",
          latent,
          value,
          least,
          ranges.most(latent));
      double scaled = (value - least) / range;
      if (scaled == 0) {
        continue;
      }
      if (totals[latent] > 0) {
        numerators[latent] += scaled * dot(sums, latent * width, units, row * width);
        denominators[latent] += scaled * totals[latent];
      }
      totals[latent] += scaled;
      for (int i = 0; i < width; i++) {
        sums[latent * width + i] += scaled * units[row * width + i];
      }
    }
  }

  /** Four sums at a time, which lets the additions overlap. */
  private double dot(double[] a, int fromA, double[] b, int fromB) {
    double s0 = 0;
    double s1 = 0;
    double s2 = 0;
    double s3 = 0;
    int i = 0;
    for (; i + 3 < width; i += 4) {
      s0 += a[fromA + i] * b[fromB + i];
      s1 += a[fromA + i + 1] * b[fromB + i + 1];
      s2 += a[fromA + i + 2] * b[fromB + i + 2];
      s3 += a[fromA + i + 3] * b[fromB + i + 3];
    }
    for (; i < width; i++) {
      s0 += a[fromA + i] * b[fromB + i];
    }
    return s0 + s1 + (s2 + s3);
  }

  private double[] units(double[] embeddings, int count) {
    Rows.require("embeddings", embeddings, count, width);
    double[] units = Arrays.copyOf(embeddings, count * width);
    for (int row = 0; row < count; row++) {
      double largest = 0; // scaling by it first keeps the squares from overflow and underflow
      for (int i = row * width; i < (row + 1) * width; i++) {
        largest = Math.max(largest, Math.abs(units[i]));
      }
      Check.that(largest > 0, "embeddings: row %d is all 0 and has no direction", rows + row);
      double squares = 0;
      for (int i = row * width; i < (row + 1) * width; i++) {
        units[i] /= largest;
        squares += units[i] * units[i];
      }
      double norm = Math.sqrt(squares);
      for (int i = row * width; i < (row + 1) * width; i++) {
        units[i] /= norm;
      }
    }
    return units;
  }

  /**
   * One score in [-1, 1] per latent; NaN for a latent that is constant or has weight on one image
   * only: it is dead and belongs in no statistic.
   */
  public double[] scores() {
    Check.that(rows == ranges.rows(), "ranges are of %d images, scores of %d", ranges.rows(), rows);
    double[] scores = new double[numerators.length];
    Arrays.setAll(
        scores,
        latent ->
            denominators[latent] == 0
                ? Double.NaN
                : Math.max(-1, Math.min(1, numerators[latent] / denominators[latent])));
    return scores;
  }
}
