package io.lapidary.method.tivit.baseline;

import io.lapidary.Check;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Ridge regression on targets ±1, one column a class (one in all for two classes), with the
 * strength chosen by the exact leave-one-out error. Computed over the cases, in double, so that
 * features may be many more than cases.
 */
public final class RidgeClassifier {
  /** Strengths tried: 10 from 10^-3 to 10^3, evenly spaced in the exponent. */
  private static final int STRENGTHS = 10;

  private static final int COLUMNS = 4096;

  private double strength;
  private double[] means; // of the features
  private double[] scales;
  private double[][] weights; // [column][feature], for centred and scaled features
  private double[] intercepts;

  /**
   * Learns from features [cases][features].
   *
   * @param labels from 0 to {@code classes} − 1
   * @param scaled whether every feature is divided by its deviation first (population; one that
   *     does not vary stays)
   */
  public void fit(float[][] features, int[] labels, int classes, boolean scaled) {
    int n = features.length;
    Check.that(n == labels.length, "%d rows of features, but %d labels", n, labels.length);
    Check.that(classes >= 2, "a classifier needs two classes, got %d", classes);
    Check.that(n >= 2, "a classifier needs two cases, got %d", n);
    measure(features, scaled);
    int columns = classes == 2 ? 1 : classes;
    try (INDArray targets = targets(labels, columns);
        INDArray centres = targets.mean(0);
        INDArray y = targets.subRowVector(centres);
        INDArray gram = gram(features)) {
      intercepts = centres.toDoubleVector();
      // the vector of ones spans the null space of centred cases: moved to the far end of the
      // spectrum it cannot mix with others
      double trace = 0;
      for (int i = 0; i < n; i++) {
        trace += gram.getDouble(i, i);
      }
      gram.addi((2 * trace + 1) / n);
      try (INDArray basis = gram.dup('f');
          INDArray values = Nd4j.zeros(DataType.DOUBLE, n)) {
        Nd4j.getBlasWrapper().lapack().syev('V', 'U', basis, values);
        solve(features, basis, values.toDoubleVector(), y);
      }
    }
  }

  private void measure(float[][] features, boolean scaled) {
    int width = features[0].length;
    means = new double[width];
    scales = new double[width];
    double[] squares = new double[width];
    for (float[] row : features) {
      for (int f = 0; f < width; f++) {
        means[f] += row[f];
        squares[f] += (double) row[f] * row[f];
      }
    }
    int n = features.length;
    for (int f = 0; f < width; f++) {
      means[f] /= n;
      double variance = Math.max(0, squares[f] / n - means[f] * means[f]);
      // rounding leaves about 1e-16 of the square of a constant
      boolean constant = variance <= 1e-12 * Math.max(means[f] * means[f], 1e-30);
      scales[f] = scaled && !constant ? Math.sqrt(variance) : 1;
    }
  }

  private static INDArray targets(int[] labels, int columns) {
    double[][] targets = new double[labels.length][columns];
    for (int i = 0; i < labels.length; i++) {
      for (int c = 0; c < columns; c++) {
        targets[i][c] = labels[i] == (columns == 1 ? 1 : c) ? 1 : -1;
      }
    }
    return Nd4j.createFromArray(targets);
  }

  /** Centred and scaled features from column {@code from} on [rows, columns]. */
  private INDArray block(float[][] features, int from) {
    int width = Math.min(COLUMNS, means.length - from);
    double[] block = new double[features.length * width];
    for (int i = 0; i < features.length; i++) {
      for (int f = 0; f < width; f++) {
        block[i * width + f] = (features[i][from + f] - means[from + f]) / scales[from + f];
      }
    }
    return Nd4j.createFromArray(block).reshape('c', features.length, width);
  }

  private INDArray gram(float[][] features) {
    INDArray gram = Nd4j.zeros(DataType.DOUBLE, features.length, features.length);
    for (int from = 0; from < means.length; from += COLUMNS) {
      try (INDArray x = block(features, from);
          INDArray product = x.mmul(x.transpose())) {
        gram.addi(product);
      }
    }
    return gram;
  }

  private void solve(float[][] features, INDArray basis, double[] values, INDArray y) {
    int n = values.length;
    int columns = (int) y.size(1);
    double[][] q = basis.toDoubleMatrix(); // columns are vectors; the last is that of ones
    double[][] turned;
    try (INDArray product = basis.transpose().mmul(y)) {
      turned = product.toDoubleMatrix();
    }
    double least = Double.POSITIVE_INFINITY;
    for (int s = 0; s < STRENGTHS; s++) {
      double alpha = Math.pow(10, -3 + 6.0 * s / (STRENGTHS - 1));
      double error = 0;
      for (int i = 0; i < n; i++) {
        double diagonal = 0;
        double[] sums = new double[columns];
        for (int r = 0; r < n - 1; r++) {
          double g = q[i][r] / (Math.max(0, values[r]) + alpha);
          diagonal += q[i][r] * g;
          for (int c = 0; c < columns; c++) {
            sums[c] += g * turned[r][c];
          }
        }
        for (double sum : sums) {
          error += diagonal == 0 ? 0 : sum / diagonal * (sum / diagonal);
        }
      }
      if (error < least) {
        least = error;
        strength = alpha;
      }
    }
    double[][] dual = new double[n][columns];
    for (int i = 0; i < n; i++) {
      for (int r = 0; r < n - 1; r++) {
        double g = q[i][r] / (Math.max(0, values[r]) + strength);
        for (int c = 0; c < columns; c++) {
          dual[i][c] += g * turned[r][c];
        }
      }
    }
    weights = new double[columns][means.length];
    try (INDArray coefficients = Nd4j.createFromArray(dual)) {
      for (int from = 0; from < means.length; from += COLUMNS) {
        try (INDArray x = block(features, from);
            INDArray part = coefficients.transpose().mmul(x)) {
          double[][] rows = part.toDoubleMatrix();
          for (int c = 0; c < columns; c++) {
            System.arraycopy(rows[c], 0, weights[c], from, rows[c].length);
          }
        }
      }
    }
  }

  /** The chosen strength. */
  public double strength() {
    return strength;
  }

  /** Decision values [cases][columns]; for two classes one column, positive for class 1. */
  public double[][] decide(float[][] features) {
    Check.that(weights != null, "fit comes before decide");
    double[][] values = new double[features.length][];
    for (int i = 0; i < features.length; i++) {
      float[] row = features[i];
      Check.that(row.length == means.length, "%d features, fitted to %d", row.length, means.length);
      double[] sums = intercepts.clone();
      for (int f = 0; f < row.length; f++) {
        double v = (row[f] - means[f]) / scales[f];
        for (int c = 0; c < sums.length; c++) {
          sums[c] += v * weights[c][f];
        }
      }
      values[i] = sums;
    }
    return values;
  }

  /** The class of every case; of equal decisions the lower. */
  public int[] predict(float[][] features) {
    double[][] values = decide(features);
    int[] labels = new int[values.length];
    for (int i = 0; i < labels.length; i++) {
      double[] row = values[i];
      if (row.length == 1) {
        labels[i] = row[0] > 0 ? 1 : 0;
        continue;
      }
      for (int c = 1; c < row.length; c++) {
        labels[i] = row[c] > row[labels[i]] ? c : labels[i];
      }
    }
    return labels;
  }
}
