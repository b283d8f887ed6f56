package io.lapidary.method.tivit;

import io.lapidary.Check;

/** The class whose mean of standardised features is nearest. */
final class NearestCentroid implements RowClassifier {
  private final double[] means;
  private final double[] scales;
  private final double[][] centroids;

  /** Learns from features [cases][width]; a class without a case is never predicted. */
  NearestCentroid(float[][] features, int[] labels, int classes) {
    Check.that(features.length > 0, "a classifier needs at least one case");
    int width = features[0].length;
    means = new double[width];
    scales = new double[width];
    for (float[] row : features) {
      for (int f = 0; f < width; f++) {
        means[f] += row[f] / (double) features.length;
      }
    }
    for (float[] row : features) {
      for (int f = 0; f < width; f++) {
        scales[f] += (row[f] - means[f]) * (row[f] - means[f]) / features.length;
      }
    }
    for (int f = 0; f < width; f++) {
      double deviation = Math.sqrt(scales[f]);
      scales[f] = deviation <= 10 * Math.ulp(1f) * Math.abs(means[f]) ? 1 : deviation;
    }
    centroids = new double[classes][];
    int[] counts = new int[classes];
    for (int label : labels) {
      counts[label]++;
    }
    for (int i = 0; i < features.length; i++) {
      int k = labels[i];
      centroids[k] = centroids[k] == null ? new double[width] : centroids[k];
      for (int f = 0; f < width; f++) {
        centroids[k][f] += (features[i][f] - means[f]) / scales[f] / counts[k];
      }
    }
  }

  @Override
  public int[] predict(float[][] features) {
    int[] labels = new int[features.length];
    for (int i = 0; i < labels.length; i++) {
      double least = Double.POSITIVE_INFINITY;
      for (int k = 0; k < centroids.length; k++) {
        double distance = centroids[k] == null ? Double.POSITIVE_INFINITY : 0;
        for (int f = 0; f < means.length && distance < least; f++) {
          double d = (features[i][f] - means[f]) / scales[f] - centroids[k][f];
          distance += d * d;
        }
        if (distance < least) {
          least = distance;
          labels[i] = k;
        }
      }
    }
    return labels;
  }
}
