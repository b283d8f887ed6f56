package io.lapidary.method.tivit;

import io.lapidary.Check;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Multinomial logistic regression on standardised features: ½‖W‖² + C·Σ −log softmax(Wx + b)_y, the
 * intercept not penalised; one weight vector with the sigmoid for two classes. Minimised by L-BFGS
 * until the largest derivative of the mean objective is below the tolerance. Features that do not
 * vary are divided by 1.
 */
public final class LogisticProbe implements RowClassifier {
  private final double c;
  private final int mostIterations;
  private final double tolerance;

  private double[] means;
  private double[] scales;
  private double[] solution; // [outputs][width + 1], the intercept last
  private int classes;

  /** The usual probe: C = 1, at most 500 iterations, tolerance 1e-4. */
  public LogisticProbe() {
    this(1, 500, 1e-4);
  }

  /**
   * @param c inverse strength of the penalty, above 0
   */
  public LogisticProbe(double c, int mostIterations, double tolerance) {
    Check.positive("c", c);
    Check.positive("mostIterations", mostIterations);
    Check.positive("tolerance", tolerance);
    this.c = c;
    this.mostIterations = mostIterations;
    this.tolerance = tolerance;
  }

  /**
   * Learns from features [cases][width].
   *
   * @param labels from 0 to {@code classCount} − 1; classes without a case are never predicted
   *     against the evidence, but may be
   */
  public LogisticProbe fit(float[][] features, int[] labels, int classCount) {
    Check.that(features.length > 0, "a probe needs at least one case");
    Check.that(
        features.length == labels.length,
        "%d rows of features, but %d labels",
        features.length,
        labels.length);
    Check.that(classCount >= 1, "a probe needs a class");
    for (int label : labels) {
      Check.between("label", label, 0, classCount - 1);
    }
    classes = classCount;
    measure(features);
    try (INDArray x = standardised(features)) {
      Objective objective = new Objective(x, labels, outputs(), c);
      solution =
          Lbfgs.minimize(
              objective, new double[outputs() * (means.length + 1)], mostIterations, tolerance);
    }
    return this;
  }

  private int outputs() {
    return classes == 2 ? 1 : classes;
  }

  private void measure(float[][] features) {
    int width = features[0].length;
    means = new double[width];
    scales = new double[width];
    for (int i = 0; i < features.length; i++) {
      Check.that(
          features[i].length == width,
          "row %d has %d features, row 0 has %d",
          i,
          features[i].length,
          width);
      for (int f = 0; f < width; f++) {
        Check.that(
            Float.isFinite(features[i][f]), "row %d: feature %d is %s", i, f, features[i][f]);
        means[f] += features[i][f];
      }
    }
    for (int f = 0; f < width; f++) {
      means[f] /= features.length;
    }
    for (float[] row : features) {
      for (int f = 0; f < width; f++) {
        scales[f] += (row[f] - means[f]) * (row[f] - means[f]);
      }
    }
    for (int f = 0; f < width; f++) {
      double deviation = Math.sqrt(scales[f] / features.length);
      // as scikit-learn: what rounding of a constant leaves is no deviation
      double rounding = 10 * Math.ulp(1f) * Math.abs(means[f]);
      scales[f] = deviation <= rounding ? 1 : deviation;
    }
  }

  /** Standardised features with a column of ones behind [cases, width + 1]. */
  private INDArray standardised(float[][] features) {
    int width = means.length;
    double[] x = new double[Math.multiplyExact(features.length, width + 1)];
    for (int i = 0; i < features.length; i++) {
      Check.that(
          features[i].length == width, "%d features, fitted to %d", features[i].length, width);
      for (int f = 0; f < width; f++) {
        x[i * (width + 1) + f] = (features[i][f] - means[f]) / scales[f];
      }
      x[i * (width + 1) + width] = 1;
    }
    return Nd4j.createFromArray(x).reshape('c', features.length, width + 1);
  }

  /** Logits [cases][classes]; those of two classes are 0 and the sigmoid's. */
  public double[][] decide(float[][] features) {
    Check.that(solution != null, "fit comes before decide");
    double[][] logits = new double[features.length][classes];
    try (INDArray x = standardised(features);
        INDArray w = Nd4j.createFromArray(solution).reshape('c', outputs(), means.length + 1);
        INDArray z = x.mmul(w.transpose())) {
      for (int i = 0; i < logits.length; i++) {
        for (int k = 0; k < outputs(); k++) {
          logits[i][classes == 2 ? 1 : k] = z.getDouble(i, k);
        }
      }
    }
    return logits;
  }

  /** The class of every case; of equal logits the lower. */
  @Override
  public int[] predict(float[][] features) {
    double[][] logits = decide(features);
    int[] labels = new int[logits.length];
    for (int i = 0; i < labels.length; i++) {
      for (int k = 1; k < classes; k++) {
        labels[i] = logits[i][k] > logits[i][labels[i]] ? k : labels[i];
      }
    }
    return labels;
  }

  /** Weights of the standardised features [outputs][width + 1], the intercept last. */
  public double[][] weights() {
    double[][] rows = new double[outputs()][means.length + 1];
    for (int k = 0; k < rows.length; k++) {
      System.arraycopy(solution, k * rows[k].length, rows[k], 0, rows[k].length);
    }
    return rows;
  }

  /** The objective divided by C·n, as its tolerance counts, and its gradient. */
  static final class Objective implements Lbfgs.Function {
    private final INDArray x;
    private final int[] labels;
    private final int outputs;
    private final double penalty;

    Objective(INDArray x, int[] labels, int outputs, double c) {
      this.x = x;
      this.labels = labels;
      this.outputs = outputs;
      this.penalty = 1 / (c * labels.length);
    }

    @Override
    public double at(double[] w, double[] gradient) {
      int n = labels.length;
      int width = w.length / outputs;
      double loss = 0;
      try (INDArray weights = Nd4j.createFromArray(w).reshape('c', outputs, width);
          INDArray z = x.mmul(weights.transpose())) {
        double[] logits = z.dup('c').data().asDouble();
        for (int i = 0; i < n; i++) {
          loss += outputs == 1 ? sigmoid(logits, i) : softmax(logits, i);
        }
        try (INDArray errors = Nd4j.createFromArray(logits).reshape('c', n, outputs);
            INDArray product = errors.transpose().mmul(x)) {
          System.arraycopy(product.dup('c').data().asDouble(), 0, gradient, 0, w.length);
        }
      }
      double squares = 0;
      for (int k = 0; k < outputs; k++) {
        for (int f = 0; f < width - 1; f++) {
          int at = k * width + f;
          squares += w[at] * w[at];
          gradient[at] += penalty * w[at];
        }
      }
      return loss / n + penalty * squares / 2;
    }

    /** The loss of a case; its logit becomes the derivative. */
    private double sigmoid(double[] logits, int i) {
      double z = logits[i];
      double y = labels[i];
      double loss = Math.max(z, 0) - y * z + Math.log1p(Math.exp(-Math.abs(z)));
      logits[i] = (1 / (1 + Math.exp(-z)) - y) / labels.length;
      return loss;
    }

    private double softmax(double[] logits, int i) {
      int at = i * outputs;
      double most = Double.NEGATIVE_INFINITY;
      for (int k = 0; k < outputs; k++) {
        most = Math.max(most, logits[at + k]);
      }
      double sum = 0;
      double own = logits[at + labels[i]];
      for (int k = 0; k < outputs; k++) {
        logits[at + k] = Math.exp(logits[at + k] - most);
        sum += logits[at + k];
      }
      for (int k = 0; k < outputs; k++) {
        double share = logits[at + k] / sum;
        logits[at + k] = (share - (k == labels[i] ? 1 : 0)) / labels.length;
      }
      return Math.log(sum) + most - own;
    }
  }
}
