package io.lapidary.metric;

import io.lapidary.Check;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Share of examples whose label is among the k highest predictions. A tie is counted against the
 * model: wrong classes of the same score stand first. A row with a NaN counts as wrong.
 */
public final class TopKAccuracy implements Metric {
  private final int k;
  private long right;
  private long count;

  /** Counts the first {@code k} classes; 1 is plain accuracy. */
  public TopKAccuracy(int k) {
    Check.positive("k", k);
    this.k = k;
  }

  /**
   * {@inheritDoc}
   *
   * @param predictions [examples, classes]
   * @param labels ids [examples] or one-hot [examples, classes]
   */
  @Override
  public void update(INDArray predictions, INDArray labels) {
    int[] ids = Labels.ids(predictions, labels);
    for (int i = 0; i < ids.length; i++) {
      double[] row = predictions.getRow(i).toDoubleVector();
      int ahead = 0;
      for (int c = 0; c < row.length; c++) {
        ahead += c != ids[i] && !(row[c] < row[ids[i]]) ? 1 : 0;
      }
      right += ahead < k ? 1 : 0;
    }
    count += ids.length;
  }

  @Override
  public MetricValue value() {
    return MetricValue.of(
        k == 1 ? "accuracy" : "top-" + k + " accuracy",
        count == 0 ? Double.NaN : (double) right / count,
        count);
  }

  /** Wilson interval of the share so far. */
  public Interval interval() {
    return Statistics.wilson(Math.toIntExact(right), Math.toIntExact(count), Interval.LEVEL);
  }
}
