package io.lapidary.method.tivit.baseline;

import io.lapidary.data.series.SeriesSet;

/** Learns classes of series. Series must be complete: no missing values. */
public interface SeriesClassifier {
  /** Learns from a training part. */
  void fit(SeriesSet train);

  /** The class of every case; call {@link #fit} before. */
  int[] predict(SeriesSet test);
}
