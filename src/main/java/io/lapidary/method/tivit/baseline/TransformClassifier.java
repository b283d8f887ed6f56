package io.lapidary.method.tivit.baseline;

import io.lapidary.Check;
import io.lapidary.data.series.SeriesSet;

/** Features of a transform and ridge regression on them. */
public final class TransformClassifier implements SeriesClassifier {
  private final SeriesTransform transform;
  private final boolean scaled;
  private final RidgeClassifier ridge = new RidgeClassifier();

  /**
   * @param scaled whether features are divided by their deviation first
   */
  public TransformClassifier(SeriesTransform transform, boolean scaled) {
    this.transform = Check.present("transform", transform);
    this.scaled = scaled;
  }

  @Override
  public void fit(SeriesSet train) {
    transform.fit(train);
    ridge.fit(transform.transform(train), train.labels(), train.classes().size(), scaled);
  }

  @Override
  public int[] predict(SeriesSet test) {
    return ridge.predict(transform.transform(test));
  }
}
