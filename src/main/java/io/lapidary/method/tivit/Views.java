package io.lapidary.method.tivit;

import io.lapidary.Seeds;
import io.lapidary.data.series.SeriesProblem;
import io.lapidary.data.series.SeriesSet;
import io.lapidary.metric.IntrinsicDimension;
import java.util.Arrays;

/**
 * What one encoder with one kind of pictures makes of one problem: features of both parts and the
 * probes of every layer.
 */
final class Views {
  private final LayerFeatures train;
  private final LayerFeatures test;
  private final int[] trainLabels;
  private final int[] testLabels;
  private final int classes;
  private final ProbeSplit split;
  private final boolean refit;

  private Views(
      LayerFeatures train,
      LayerFeatures test,
      SeriesProblem problem,
      ProbeSplit split,
      boolean refit) {
    this.train = train;
    this.test = test;
    this.trainLabels = problem.train().labels();
    this.testLabels = problem.test().labels();
    this.classes = problem.train().classes().size();
    this.split = split;
    this.refit = refit;
  }

  static Views of(
      SeriesEncoder encoder,
      SeriesProblem problem,
      FeatureCache cache,
      ProbeSplit split,
      boolean refit) {
    SeriesSet first = problem.train();
    return new Views(
        cache.features(encoder, first),
        cache.features(encoder, problem.test()),
        problem,
        split,
        refit);
  }

  int layers() {
    return train.layers();
  }

  /** Accuracy of a layer's probe on the training cases held out. */
  double validation(int layer) {
    float[][] rows = train.layer(layer);
    LogisticProbe probe = TiVitClassifier.fit(rows, trainLabels, classes, split.fitted());
    return TiVitClassifier.accuracy(probe, rows, trainLabels, split.held());
  }

  /** Accuracy of a layer's probe on the test cases. */
  double accuracy(int layer) {
    return accuracy(train.layer(layer), test.layer(layer));
  }

  /** Accuracy of one probe on a layer of these and one of others together. */
  double accuracy(int layer, Views others, int otherLayer) {
    return accuracy(
        TiVitClassifier.joined(train.layer(layer), others.train.layer(otherLayer)),
        TiVitClassifier.joined(test.layer(layer), others.test.layer(otherLayer)));
  }

  /** Accuracy of one probe on a layer of these and other features together. */
  double accuracy(int layer, float[][] otherTrain, float[][] otherTest) {
    return accuracy(
        TiVitClassifier.joined(train.layer(layer), otherTrain),
        TiVitClassifier.joined(test.layer(layer), otherTest));
  }

  /** Accuracy of a probe on other features of the same cases. */
  double accuracy(float[][] trainRows, float[][] testRows) {
    int[] places = split.fitted();
    if (refit) {
      places = new int[trainRows.length];
      Arrays.setAll(places, i -> i);
    }
    int[] all = new int[testRows.length];
    Arrays.setAll(all, i -> i);
    LogisticProbe probe = TiVitClassifier.fit(trainRows, trainLabels, classes, places);
    return TiVitClassifier.accuracy(probe, testRows, testLabels, all);
  }

  /** TwoNN dimension of a layer over some cases of both parts, labels not looked at. */
  double dimension(int layer, int most, Seeds seeds) {
    return IntrinsicDimension.twoNn(rows(layer, most, seeds));
  }

  /** Features of a layer of up to {@code most} cases of both parts, drawn by the seeds. */
  double[][] rows(int layer, int most, Seeds seeds) {
    return rows(train.layer(layer), test.layer(layer), most, seeds);
  }

  /** Up to {@code most} rows of both parts, drawn by the seeds: the same cases for all features. */
  static double[][] rows(float[][] train, float[][] test, int most, Seeds seeds) {
    int[] order = ProbeSplit.of(train.length + test.length, seeds).fitted();
    float[][] both = Arrays.copyOf(train, train.length + test.length);
    System.arraycopy(test, 0, both, train.length, test.length);
    return LayerAnalysis.rows(both, Arrays.copyOf(order, Math.min(most, order.length)));
  }
}
