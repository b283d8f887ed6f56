package io.lapidary.method.tivit;

import io.lapidary.Check;
import io.lapidary.data.series.SeriesPreparation;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * One channel of a series as a grey picture: robust scaling over time, windows of the series side
 * by side, contrast, and nearest-neighbour resizing. Values in [0, 1].
 *
 * @param side of the picture, in pixels
 * @param window length of a window; 0 for the whole part of the root of the length
 * @param stride step between windows as a share of their length, in (0, 1); 1 puts windows side by
 *     side, as columns (overlapping ones are rows, as in the authors' code)
 * @param gamma exponent of the contrast
 */
public record SeriesPictures(int side, int window, double stride, double gamma) {
  /** Side of pictures that no encoder asks for. */
  public static final int USUAL_SIDE = 32;

  private static final float EPSILON = 1e-5f;
  private static final double USUAL_STRIDE = 0.1;
  private static final double USUAL_GAMMA = 0.8;
  private static final int SWEEP = 20;

  /** Checks ranges. */
  public SeriesPictures {
    Check.positive("side", side);
    Check.notNegative("window", window);
    Check.that(stride > 0 && stride <= 1, "stride must be in (0, 1], got %s", stride);
    Check.positive("gamma", gamma);
  }

  /** The paper's: windows of the root of the length, stride 0.1, gamma 0.8. */
  public static SeriesPictures usual(int side) {
    return new SeriesPictures(side, 0, USUAL_STRIDE, USUAL_GAMMA);
  }

  /** Up to 20 window lengths from 1 to half the length, evenly spaced and cut to whole numbers. */
  public static int[] sweep(int length) {
    int most = Math.max(1, length / 2);
    int count = Math.min(most, SWEEP);
    return IntStream.range(0, count)
        .map(i -> count == 1 ? 1 : (int) (1 + i * (most - 1.0) / (count - 1) + 1e-9))
        .distinct()
        .toArray();
  }

  /** Windows for a series of some length. */
  public int windowOf(int length) {
    int root = (int) Math.floor(Math.sqrt(length) + 1e-9);
    return Math.min(length, window == 0 ? Math.max(1, root) : window);
  }

  /** The picture of a channel [side · side], row after row. */
  public float[] picture(double[] channel) {
    return resized(contrasted(scaled(channel)));
  }

  /** (x − median) / (q75 − q25 + ε), in float; of an even number the lower middle is the median. */
  static float[] scaled(double[] channel) {
    float[] x = new float[channel.length];
    for (int t = 0; t < x.length; t++) {
      x[t] = (float) channel[t];
      Check.that(Float.isFinite(x[t]), "value %d of a series is %s", t + 1, channel[t]);
    }
    float[] sorted = x.clone();
    Arrays.sort(sorted);
    float median = sorted[(x.length - 1) / 2];
    float spread = quantile(sorted, 0.75) - quantile(sorted, 0.25) + EPSILON;
    for (int t = 0; t < x.length; t++) {
      x[t] = (x[t] - median) / spread;
    }
    return x;
  }

  private static float quantile(float[] sorted, double q) {
    double at = q * (sorted.length - 1);
    int low = (int) at;
    int high = Math.min(sorted.length - 1, low + 1);
    return (float) (sorted[low] + (at - low) * ((double) sorted[high] - sorted[low]));
  }

  /** Windows before contrast and resizing [rows][columns]. */
  float[][] matrix(float[] x) {
    int p = windowOf(x.length);
    if (stride == 1) {
      int pad = x.length % p == 0 ? 0 : p - x.length % p;
      float[][] columns = new float[p][(x.length + pad) / p];
      for (int f = 0; f < p; f++) {
        for (int w = 0; w < columns[f].length; w++) {
          columns[f][w] = x[Math.max(0, w * p + f - pad)];
        }
      }
      return columns;
    }
    int step = Math.max(1, (int) Math.floor(p * stride + 1e-9));
    int rest = (x.length - p) % step;
    int pad = rest == 0 ? 0 : step - rest;
    float[][] rows = new float[(x.length + pad - p) / step + 1][p];
    for (int w = 0; w < rows.length; w++) {
      for (int f = 0; f < p; f++) {
        rows[w][f] = x[Math.max(0, w * step + f - pad)];
      }
    }
    return rows;
  }

  private float[] resized(float[][] a) {
    float[] out = new float[side * side];
    for (int i = 0; i < side; i++) {
      float[] row = a[(int) ((long) i * a.length / side)];
      for (int j = 0; j < side; j++) {
        out[i * side + j] = row[(int) ((long) j * row.length / side)];
      }
    }
    return out;
  }

  /** The picture before resizing, with contrast [rows][columns]. */
  float[][] contrasted(float[] x) {
    float[][] a = matrix(x);
    float least = Float.POSITIVE_INFINITY;
    float most = Float.NEGATIVE_INFINITY;
    for (float[] row : a) {
      for (float v : row) {
        least = Math.min(least, v);
        most = Math.max(most, v);
      }
    }
    for (float[] row : a) {
      for (int j = 0; j < row.length; j++) {
        row[j] = contrast(row[j], least, most);
      }
    }
    return a;
  }

  private float contrast(float v, float least, float most) {
    return (float) Math.pow((v - least) / (most - least + EPSILON), gamma);
  }

  /**
   * The one-dimensional control: the series stretched to side² values, and runs of patch² of them
   * written row after row into successive square patches.
   *
   * @param patch side of a patch, which divides that of the picture
   */
  public float[] runs(double[] channel, int patch) {
    Check.that(side % patch == 0, "patches of %d pixels do not fill a side of %d", patch, side);
    float[] x = scaled(channel);
    double[] wide = new double[x.length];
    Arrays.setAll(wide, t -> x[t]);
    double[] stretched = SeriesPreparation.resampled(wide, side * side);
    float least = Float.POSITIVE_INFINITY;
    float most = Float.NEGATIVE_INFINITY;
    for (double v : stretched) {
      least = Math.min(least, (float) v);
      most = Math.max(most, (float) v);
    }
    float[] out = new float[side * side];
    int across = side / patch;
    for (int n = 0; n < out.length; n++) {
      int token = n / (patch * patch);
      int within = n % (patch * patch);
      int i = token / across * patch + within / patch;
      int j = token % across * patch + within % patch;
      out[i * side + j] = contrast((float) stretched[n], least, most);
    }
    return out;
  }
}
