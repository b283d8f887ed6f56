package io.lapidary.metric;

import io.lapidary.Check;
import java.util.Arrays;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Area under the receiver operating characteristic: the chance that a positive example scores
 * higher than a negative one, ties counted half (Hanley and McNeil 1982). Exact; keeps all scores.
 */
public final class Auroc implements Metric {
  private double[] scores = new double[256];
  private boolean[] positive = new boolean[256];
  private int count;

  /**
   * {@inheritDoc}
   *
   * @param predictions scores of any shape, higher means positive, none NaN
   * @param labels 0 or 1, as many
   */
  @Override
  public void update(INDArray predictions, INDArray labels) {
    Check.that(
        predictions.length() == labels.length(),
        "predictions %s and labels %s must hold equally many values",
        Arrays.toString(predictions.shape()),
        Arrays.toString(labels.shape()));
    for (long i = 0; i < predictions.length(); i++) {
      double label = labels.getDouble(i);
      Check.that(label == 0 || label == 1, "label %d must be 0 or 1, got %s", i, label);
      add(predictions.getDouble(i), label == 1);
    }
  }

  /** Adds one example. */
  public void add(double score, boolean isPositive) {
    Check.that(!Double.isNaN(score), "score %d is NaN", count);
    if (count == scores.length) {
      scores = Arrays.copyOf(scores, 2 * count);
      positive = Arrays.copyOf(positive, 2 * count);
    }
    scores[count] = score;
    positive[count++] = isPositive;
  }

  /** The area; NaN without an example of either kind. */
  @Override
  public MetricValue value() {
    Integer[] order = new Integer[count];
    Arrays.setAll(order, i -> i);
    Arrays.sort(order, (a, b) -> Double.compare(scores[a], scores[b]));
    double positives = 0;
    double rankSum = 0;
    for (int from = 0; from < count; ) {
      int to = from;
      int here = 0;
      while (to < count && scores[order[to]] == scores[order[from]]) {
        here += positive[order[to++]] ? 1 : 0;
      }
      rankSum += here * (from + 1 + to) / 2.0; // mean of the ranks from + 1 … to
      positives += here;
      from = to;
    }
    double negatives = count - positives;
    double area = (rankSum - positives * (positives + 1) / 2) / (positives * negatives);
    return MetricValue.of("AUROC", area, count);
  }
}
