package io.lapidary.train;

import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * What the values of an array are like.
 *
 * @param mean of all values
 * @param deviation their standard deviation, divided by n
 * @param meanMagnitude mean of the absolute values
 * @param min smallest value
 * @param max largest value
 * @param bins counts of values in equal parts of [min, max]
 */
record ValueSummary(
    double mean, double deviation, double meanMagnitude, double min, double max, int[] bins) {
  static final int BINS = 20;

  /** Reads every value once or twice; an empty array gives zeros. */
  @SuppressWarnings("ReferenceEquality")
  static ValueSummary of(INDArray array) {
    if (array.isEmpty() || array.length() == 0) {
      return new ValueSummary(0, 0, 0, 0, 0, new int[BINS]);
    }
    INDArray plain = array.isView() || array.ordering() != 'c' ? array.dup('c') : array;
    try {
      return read(plain);
    } finally {
      if (plain != array) {
        plain.close();
      }
    }
  }

  private static ValueSummary read(INDArray array) {
    long length = array.length();
    double sum = 0;
    double magnitudes = 0;
    double min = Double.POSITIVE_INFINITY;
    double max = Double.NEGATIVE_INFINITY;
    for (long i = 0; i < length; i++) {
      double value = array.data().getDouble(i);
      sum += value;
      magnitudes += Math.abs(value);
      min = Math.min(min, value);
      max = Math.max(max, value);
    }
    double mean = sum / length;
    double squares = 0;
    double width = (max - min) / BINS;
    int[] bins = new int[BINS];
    for (long i = 0; i < length; i++) {
      double value = array.data().getDouble(i);
      squares += (value - mean) * (value - mean);
      bins[width > 0 ? Math.min(BINS - 1, (int) ((value - min) / width)) : 0]++;
    }
    return new ValueSummary(mean, Math.sqrt(squares / length), magnitudes / length, min, max, bins);
  }
}
