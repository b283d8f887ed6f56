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
  private double[][][] points; // [case][time][channel]

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
    points = points(cases);
  }

  @Override
  public int[] predict(SeriesSet test) {
    Check.that(train != null, "fit comes before predict");
    Check.that(
        test.channels() == train.channels(),
        "the test series have %d channels, the training series %d",
        test.channels(),
        train.channels());
    double[][][] queries = points(test);
    int[] labels = new int[queries.length];
    long work = (long) points.length * test.maxLength() * train.maxLength();
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
    int best = 0;
    double least = Double.POSITIVE_INFINITY;
    for (int i = 0; i < points.length; i++) {
      double d =
          distance == Distance.EUCLIDEAN
              ? euclidean(query, points[i], least)
              : dtw(query, points[i], window, least);
      if (d < least) {
        least = d;
        best = i;
      }
    }
    return best;
  }

  /** Squared distance over the common beginning; anything above {@code limit} beyond it. */
  static double euclidean(double[][] a, double[][] b, double limit) {
    int length = Math.min(a.length, b.length);
    double sum = 0;
    for (int t = 0; t < length && sum < limit; t++) {
      sum += cost(a[t], b[t]);
    }
    return sum;
  }

  /**
   * Squared cost of the cheapest warping path; infinite as soon as it must exceed {@code limit}.
   *
   * @param window largest |i − j| as a share of the longer series, rounded up
   */
  static double dtw(double[][] a, double[][] b, double window, double limit) {
    int longer = Math.max(a.length, b.length);
    int band = (int) Math.max(Math.ceil(window * longer), Math.abs(a.length - b.length));
    double[] before = new double[b.length + 1];
    double[] now = new double[b.length + 1];
    Arrays.fill(before, Double.POSITIVE_INFINITY);
    before[0] = 0;
    boolean single = a[0].length == 1;
    for (int i = 1; i <= a.length; i++) {
      int from = Math.max(1, i - band);
      int to = Math.min(b.length, i + band);
      now[from - 1] = Double.POSITIVE_INFINITY;
      double least = Double.POSITIVE_INFINITY;
      double left = Double.POSITIVE_INFINITY;
      double[] x = a[i - 1];
      for (int j = from; j <= to; j++) {
        double d = single ? (x[0] - b[j - 1][0]) * (x[0] - b[j - 1][0]) : cost(x, b[j - 1]);
        left = d + Math.min(left, Math.min(before[j], before[j - 1]));
        now[j] = left;
        least = Math.min(least, left);
      }
      if (least > limit) {
        return Double.POSITIVE_INFINITY;
      }
      if (to < b.length) {
        now[to + 1] = Double.POSITIVE_INFINITY;
      }
      double[] spare = before;
      before = now;
      now = spare;
    }
    return before[b.length];
  }

  private static double cost(double[] a, double[] b) {
    double sum = 0;
    for (int c = 0; c < a.length; c++) {
      sum += (a[c] - b[c]) * (a[c] - b[c]);
    }
    return sum;
  }

  private double[][][] points(SeriesSet set) {
    Complete.require(set);
    SeriesSet used = normalised ? SeriesPreparation.zNormalised(set) : set;
    return used.cases().stream().map(NearestNeighbour::points).toArray(double[][][]::new);
  }

  private static double[][] points(TimeSeries one) {
    double[][] points = new double[one.length()][one.channels()];
    for (int c = 0; c < one.channels(); c++) {
      for (int t = 0; t < one.length(); t++) {
        points[t][c] = one.values()[c][t];
      }
    }
    return points;
  }
}
