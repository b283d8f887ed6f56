package io.lapidary.metric;

import io.lapidary.Check;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.nd4j.evaluation.classification.Evaluation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Counts of (true class, predicted class). */
public final class ConfusionMatrix implements Metric {
  private final List<String> names;
  private final long[][] counts;

  /** An empty matrix over named classes. */
  public ConfusionMatrix(List<String> names) {
    Check.that(names.size() >= 2, "needs 2 classes or more, got %d", names.size());
    this.names = List.copyOf(names);
    this.counts = new long[names.size()][names.size()];
  }

  /**
   * {@inheritDoc} The first of equal highest predictions is taken.
   *
   * @param predictions [examples, classes], none NaN
   * @param labels ids [examples] or one-hot [examples, classes]
   */
  @Override
  public void update(INDArray predictions, INDArray labels) {
    Check.that(
        predictions.rank() == 2 && predictions.size(1) == names.size(),
        "predictions must be [examples, %d], got %s",
        names.size(),
        Arrays.toString(predictions.shape()));
    int[] ids = Labels.ids(predictions, labels);
    for (int i = 0; i < ids.length; i++) {
      double[] row = predictions.getRow(i).toDoubleVector();
      int best = 0;
      for (int c = 0; c < row.length; c++) {
        Check.that(!Double.isNaN(row[c]), "prediction of example %d is NaN", i);
        best = row[c] > row[best] ? c : best;
      }
      add(ids[i], best);
    }
  }

  /** Counts one example. */
  public void add(int truth, int predicted) {
    Check.that(
        truth >= 0 && truth < names.size() && predicted >= 0 && predicted < names.size(),
        "classes must be in [0, %d), got %d and %d",
        names.size(),
        truth,
        predicted);
    counts[truth][predicted]++;
  }

  /** How often {@code truth} was taken for {@code predicted}. */
  public long count(int truth, int predicted) {
    return counts[truth][predicted];
  }

  /** Class names in order. */
  public List<String> names() {
    return names;
  }

  /** Rows divided by their sum: share of each true class by prediction; NaN in an empty row. */
  public List<List<Double>> shares() {
    List<List<Double>> rows = new ArrayList<>();
    for (long[] row : counts) {
      double sum = Arrays.stream(row).sum();
      rows.add(Arrays.stream(row).mapToObj(n -> n / sum).toList());
    }
    return rows;
  }

  /** Accuracy over all examples. */
  @Override
  public MetricValue value() {
    long right = 0;
    long all = 0;
    for (int truth = 0; truth < counts.length; truth++) {
      right += counts[truth][truth];
      all += Arrays.stream(counts[truth]).sum();
    }
    return MetricValue.of("accuracy", all == 0 ? Double.NaN : (double) right / all, all);
  }

  /** The mean over classes that occur of the share found: balanced accuracy. */
  public MetricValue balancedAccuracy() {
    double sum = 0;
    int classes = 0;
    long all = 0;
    for (int truth = 0; truth < counts.length; truth++) {
      long row = Arrays.stream(counts[truth]).sum();
      all += row;
      if (row > 0) {
        sum += (double) counts[truth][truth] / row;
        classes++;
      }
    }
    return MetricValue.of("balanced accuracy", classes == 0 ? Double.NaN : sum / classes, all);
  }

  /** The same counts as ND4J's {@link Evaluation}, for its precision, recall, F1 and statistics. */
  public Evaluation toEvaluation() {
    Evaluation evaluation = new Evaluation(names);
    for (int truth = 0; truth < counts.length; truth++) {
      int examples = Math.toIntExact(Arrays.stream(counts[truth]).sum());
      if (examples == 0) {
        continue;
      }
      float[][] labels = new float[examples][counts.length];
      float[][] predictions = new float[examples][counts.length];
      int example = 0;
      for (int predicted = 0; predicted < counts.length; predicted++) {
        for (long n = 0; n < counts[truth][predicted]; n++) {
          labels[example][truth] = 1;
          predictions[example++][predicted] = 1;
        }
      }
      evaluation.eval(Nd4j.createFromArray(labels), Nd4j.createFromArray(predictions));
    }
    return evaluation;
  }
}
