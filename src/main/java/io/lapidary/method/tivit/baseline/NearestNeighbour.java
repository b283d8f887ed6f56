package io.lapidary.method.tivit.baseline;

import io.lapidary.Check;
import io.lapidary.data.series.SeriesPreparation;
import io.lapidary.data.series.SeriesSet;
import io.lapidary.data.series.TimeSeries;
import io.lapidary.engine.vector.Workers;
import java.util.Arrays;

/**
 * The class of the nearest training case; of equally near ones the first. Series may differ in
 * length: the Euclidean distance then compares the common beginning, dynamic time warping the
 * whole.
 */
public final class NearestNeighbour implements SeriesClassifier {
  private final Distance distance;
  private final double window;
  private final boolean normalised;
  private SeriesSet train;
  private double[][][] known; // [case][channel][time], as the distance reads them

  /** Distances. */
  public enum Distance {
    /** Sum of squared differences over time and channels. */
    EUCLIDEAN,
    /** Dynamic time warping over all channels at once (dependent). */
    DTW
  }

  /**
   * @param window share of the length by which warping may leave the diagonal, in [0, 1]
   * @param normalised whether every series and channel is first brought to mean 0 and deviation 1
   */
  public NearestNeighbour(Distance distance, double window, boolean normalised) {
    Check.present("distance", distance);
    Check.between("window", window, 0, 1);
    this.distance = distance;
    this.window = window;
    this.normalised = normalised;
  }

  @Override
  public void fit(SeriesSet cases) {
    train = cases;
    known = values(cases);
    if (distance == Distance.DTW) {
      Arrays.setAll(known, i -> Warping.reversed(known[i]));
    }
  }

  @Override
  public int[] predict(SeriesSet test) {
    Check.that(train != null, "fit comes before predict");
    Check.that(
        test.channels() == train.channels(),
        "the test series have %d channels, the training series %d",
        test.channels(),
        train.channels());
    double[][][] queries = values(test);
    int[] labels = new int[queries.length];
    long work = (long) known.length * test.maxLength() * train.maxLength();
    Workers.run(
        queries.length,
        work,
        (from, to) -> {
          for (int i = from; i < to; i++) {
            labels[i] = train.cases().get(nearest(queries[i])).label();
          }
        });
    return labels;
  }

  /** Place of the nearest training case. */
  private int nearest(double[][] query) {
    Warping warping = distance == Distance.DTW ? new Warping(query) : null;
    int best = 0;
    double least = Double.POSITIVE_INFINITY;
    for (int i = 0; i < known.length; i++) {
      double d =
          warping == null
              ? euclidean(query, known[i], least)
              : warping.cost(known[i], window, least);
      if (d < least) {
        least = d;
        best = i;
      }
    }
    return best;
  }

  /** Squared distance over the common beginning; anything above {@code limit} beyond it. */
  private static double euclidean(double[][] a, double[][] b, double limit) {
    int length = Math.min(a[0].length, b[0].length);
    double sum = 0;
    for (int t = 0; t < length && sum < limit; t++) {
      for (int c = 0; c < a.length; c++) {
        sum += (a[c][t] - b[c][t]) * (a[c][t] - b[c][t]);
      }
    }
    return sum;
  }

  private double[][][] values(SeriesSet set) {
    Complete.require(set);
    SeriesSet used = normalised ? SeriesPreparation.zNormalised(set) : set;
    return used.cases().stream().map(TimeSeries::values).toArray(double[][][]::new);
  }
}
