package io.lapidary.metric;

import io.lapidary.Check;

/**
 * How well rows {@code x} are rebuilt as {@code x̂}, over a stream of rows: means and squared
 * deviations are kept in double by the updates of Welford and merged by those of Chan, so that the
 * figures are those of the full set, whatever the blocks.
 */
public final class ReconstructionError {
  private final int width;
  private final double[] meanX;
  private final double[] meanError;
  private double scatterX;
  private double scatterError;
  private double squaredError;
  private double squaredRebuilt;
  private double products;
  private double cosines;
  private double ratios;
  private long directed;
  private long rows;

  /** No rows yet, of this width. */
  public ReconstructionError(int width) {
    Check.positive("width", width);
    this.width = width;
    this.meanX = new double[width];
    this.meanError = new double[width];
  }

  /**
   * Adds rows.
   *
   * @param x [count, width], row after row
   * @param rebuilt the same shape
   */
  public void update(double[] x, double[] rebuilt, int count) {
    Rows.require("x", x, count, width);
    Rows.require("reconstruction", rebuilt, count, width);
    for (int row = 0; row < count; row++) {
      rows++;
      add(x, rebuilt, row * width);
    }
  }

  private void add(double[] x, double[] rebuilt, int from) {
    double normX = 0;
    double norm = 0;
    double product = 0;
    for (int i = 0; i < width; i++) {
      double value = x[from + i];
      double other = rebuilt[from + i];
      double error = value - other;
      normX += value * value;
      norm += other * other;
      product += value * other;
      squaredError += error * error;
      scatterX += deviate(meanX, i, value);
      scatterError += deviate(meanError, i, error);
    }
    squaredRebuilt += norm;
    products += product;
    if (normX > 0) {
      directed++;
      ratios += Math.sqrt(norm / normX);
      cosines += norm > 0 ? product / (Math.sqrt(normX) * Math.sqrt(norm)) : 0;
    }
  }

  private double deviate(double[] mean, int i, double value) {
    double before = value - mean[i];
    mean[i] += before / rows;
    return before * (value - mean[i]);
  }

  /** Adds what another counter of the same width saw. */
  public void merge(ReconstructionError other) {
    Check.that(other.width == width, "cannot merge width %d into %d", other.width, width);
    if (other.rows == 0) {
      return;
    }
    long both = rows + other.rows;
    double weight = (double) rows * other.rows / both;
    double share = (double) other.rows / both;
    for (int i = 0; i < width; i++) {
      double x = other.meanX[i] - meanX[i];
      double error = other.meanError[i] - meanError[i];
      scatterX += weight * x * x;
      scatterError += weight * error * error;
      meanX[i] += share * x;
      meanError[i] += share * error;
    }
    scatterX += other.scatterX;
    scatterError += other.scatterError;
    squaredError += other.squaredError;
    squaredRebuilt += other.squaredRebuilt;
    products += other.products;
    cosines += other.cosines;
    ratios += other.ratios;
    directed += other.directed;
    rows = both;
  }

  /** Fraction of variance unexplained: {@code Σ(x-x̂)² / Σ(x-mean x)²}. NaN for constant rows. */
  public MetricValue fvu() {
    return value("fvu", scatterX == 0 ? Double.NaN : squaredError / scatterX, rows);
  }

  /**
   * Explained variance {@code 1 - Σ var(x-x̂) / Σ var(x)}; forgives a constant offset, so it is at
   * least 1 - FVU.
   */
  public MetricValue explainedVariance() {
    double share = scatterX == 0 ? Double.NaN : 1 - scatterError / scatterX;
    return value("explained variance", share, rows);
  }

  /** Mean over rows of {@code Σ(x-x̂)²}. */
  public MetricValue squaredError() {
    return value("squared error", squaredError / rows, rows);
  }

  /** Mean cosine of x and x̂ over the rows where x is not 0; 0 where x̂ is. */
  public MetricValue cosine() {
    return value("cosine", cosines / directed, directed);
  }

  /** Mean of {@code |x̂| / |x|} over the rows where x is not 0. */
  public MetricValue normRatio() {
    return value("l2 ratio", ratios / directed, directed);
  }

  /** Relative reconstruction bias {@code Σ|x̂|² / Σ⟨x,x̂⟩}; 1 is unbiased. */
  public MetricValue relativeBias() {
    return value("relative bias", squaredRebuilt / products, rows);
  }

  /**
   * Share of a model's loss that survives when its activations are replaced by reconstructions.
   *
   * @param zero loss with the activations replaced by 0
   * @param rebuilt loss with reconstructions
   * @param original loss of the unchanged model
   * @return {@code (zero - rebuilt) / (zero - original)}; NaN when the activations do not matter
   */
  public static double lossRecovered(double zero, double rebuilt, double original) {
    return zero == original ? Double.NaN : (zero - rebuilt) / (zero - original);
  }

  private static MetricValue value(String name, double value, long count) {
    return MetricValue.of(name, value, count);
  }
}
