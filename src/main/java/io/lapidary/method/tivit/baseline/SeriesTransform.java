package io.lapidary.method.tivit.baseline;

import io.lapidary.data.series.SeriesSet;

/** Makes features of series. Series must be complete and of one length. */
public interface SeriesTransform {
  /** Chooses what the transform needs from a training part. */
  void fit(SeriesSet train);

  /** Features [cases][features]; call {@link #fit} before. */
  float[][] transform(SeriesSet set);
}
