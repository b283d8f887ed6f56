package io.lapidary.metric;

import io.lapidary.Check;
import java.util.Arrays;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Reads class labels in the forms that data sets give them. */
final class Labels {
  private Labels() {}

  /**
   * Class ids of a batch.
   *
   * @param predictions [examples, classes]; classes at least 2
   * @param labels ids [examples] or [examples, 1], or one-hot rows [examples, classes]
   */
  static int[] ids(INDArray predictions, INDArray labels) {
    Check.that(
        predictions.rank() == 2 && predictions.size(1) >= 2,
        "predictions must be [examples, classes] with 2 classes or more, got %s",
        Arrays.toString(predictions.shape()));
    int examples = (int) predictions.size(0);
    int classes = (int) predictions.size(1);
    boolean oneHot = labels.rank() == 2 && labels.size(0) == examples && labels.size(1) == classes;
    boolean ids =
        labels.length() == examples
            && (labels.rank() == 1 || (labels.rank() == 2 && labels.size(1) == 1));
    Check.that(
        oneHot || ids,
        "labels must be ids [%d] or one-hot [%d, %d], got %s",
        examples,
        examples,
        classes,
        Arrays.toString(labels.shape()));
    int[] found = new int[examples];
    for (int i = 0; i < examples; i++) {
      double id = oneHot ? hot(labels.getRow(i).toDoubleVector(), i) : labels.getDouble(i);
      Check.that(
          id >= 0 && id < classes && id == Math.rint(id),
          "label of example %d must be a whole number in [0, %d), got %s",
          i,
          classes,
          id);
      found[i] = (int) id;
    }
    return found;
  }

  private static int hot(double[] row, int example) {
    int at = -1;
    for (int c = 0; c < row.length; c++) {
      if (row[c] == 1 && at < 0) {
        at = c;
      } else {
        Check.that(row[c] == 0, "label of example %d is not one-hot", example);
      }
    }
    Check.that(at >= 0, "label of example %d is not one-hot", example);
    return at;
  }
}
