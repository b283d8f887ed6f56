package io.lapidary.method.tivit;

/** What has learned classes from features. */
interface RowClassifier {
  /** The class of every row of features [cases][width]. */
  int[] predict(float[][] features);
}
