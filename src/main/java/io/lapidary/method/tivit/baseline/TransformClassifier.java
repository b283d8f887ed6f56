package io.lapidary.method.tivit.baseline;

import io.lapidary.Check;
import io.lapidary.data.series.SeriesSet;

/**
 * Features of a transform and a linear classifier on them: ridge regression, for more than 10,000
 * training cases softmax regression.
 */
public final class TransformClassifier implements SeriesClassifier {
  private static final int MOST_FOR_RIDGE = 10_000;

  private final SeriesTransform transform;
  private final boolean scaled;
  private final int mostForRidge;
  private final RidgeClassifier ridge = new RidgeClassifier();
  private final SoftmaxClassifier softmax = new SoftmaxClassifier(0);
  private boolean large;

  /**
   * @param scaled whether features are divided by their deviation first
   */
  public TransformClassifier(SeriesTransform transform, boolean scaled) {
    this(transform, scaled, MOST_FOR_RIDGE);
  }

  TransformClassifier(SeriesTransform transform, boolean scaled, int mostForRidge) {
    this.transform = Check.present("transform", transform);
    this.scaled = scaled;
    this.mostForRidge = mostForRidge;
  }

  @Override
  public void fit(SeriesSet train) {
    transform.fit(train);
    float[][] features = transform.transform(train);
    large = train.size() > mostForRidge;
    if (large) {
      softmax.fit(features, train.labels(), train.classes().size());
    } else {
      ridge.fit(features, train.labels(), train.classes().size(), scaled);
    }
  }

  @Override
  public int[] predict(SeriesSet test) {
    float[][] features = transform.transform(test);
    return large ? softmax.predict(features) : ridge.predict(features);
  }
}
