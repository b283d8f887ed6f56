package io.lapidary.method.tivit.baseline;

import io.lapidary.Seeds;
import io.lapidary.data.series.SeriesSet;
import io.lapidary.data.series.TimeSeries;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/**
 * What the fixed kernels need to be applied: dilations, the channels that each (dilation, kernel)
 * adds up, and the biases, which are quantiles of its output on one training series drawn for it.
 * Features are ordered by dilation, then kernel, then bias.
 */
final class KernelBank {
  private static final int MOST_CHANNELS = 9;

  private final Dilations dilations;
  private final int length;
  private final int[][] channels; // by dilation · 84 + kernel
  private final float[] biases;

  /**
   * @param series [case][channel][time], of one length
   * @param perKernel features of each kernel
   */
  KernelBank(List<float[][]> series, int perKernel, Seeds seeds) {
    length = series.get(0)[0].length;
    dilations = Dilations.of(length, perKernel);
    int all = series.get(0).length;
    int combinations = dilations.steps().length * FixedKernels.COUNT;
    channels = new int[combinations][];
    biases = new float[FixedKernels.COUNT * dilations.perKernel()];
    SplittableRandom choice = seeds.stream("channels").random();
    for (int c = 0; c < combinations; c++) {
      channels[c] = channels(all, choice);
    }
    SplittableRandom draw = seeds.stream("series").random();
    Walk walk = new Walk();
    int feature = 0;
    for (int d = 0; d < dilations.steps().length; d++) {
      for (int k = 0; k < FixedKernels.COUNT; k++) {
        float[][] drawn = series.get(draw.nextInt(series.size()));
        float[] sorted = Arrays.copyOf(walk.output(drawn, d, k), length);
        Arrays.sort(sorted);
        for (int i = 0; i < dilations.features()[d]; i++) {
          biases[feature] = quantile(sorted, Dilations.quantile(feature + 1));
          feature++;
        }
      }
    }
  }

  private static int[] channels(int all, SplittableRandom random) {
    if (all == 1) {
      return new int[] {0};
    }
    double most = Math.log(Math.min(all, MOST_CHANNELS) + 1) / Math.log(2);
    int count = (int) Math.floor(Math.pow(2, random.nextDouble() * most));
    return random.ints(0, all).distinct().limit(count).toArray();
  }

  private static float quantile(float[] sorted, double q) {
    double at = q * (sorted.length - 1);
    int low = (int) at;
    int high = Math.min(sorted.length - 1, low + 1);
    return (float) (sorted[low] + (at - low) * ((double) sorted[high] - sorted[low]));
  }

  /** Number of biases. */
  int size() {
    return biases.length;
  }

  Dilations dilations() {
    return dilations;
  }

  /** Sees the outputs of every (dilation, kernel) and their biases. */
  interface Pooling {
    /**
     * @param a parts of the outputs
     * @param b their other parts: output t is a[t] + b[shift + t]
     * @param shift where they begin
     * @param from the first output that counts
     * @param to behind the last that counts
     * @param biases biases from {@code at} on
     * @param count how many, also the places from {@code at} on of what is pooled
     */
    void pool(float[] a, float[] b, int shift, int from, int to, float[] biases, int at, int count);
  }

  /** Applies the kernels to series; one object serves one thread. */
  final class Walk {
    private final FixedKernels[] kernels;
    private final float[] sum;

    Walk() {
      int most = Arrays.stream(channels).flatMapToInt(Arrays::stream).max().orElse(0) + 1;
      kernels = new FixedKernels[most];
      int widest = Arrays.stream(dilations.steps()).max().orElseThrow();
      Arrays.setAll(kernels, c -> new FixedKernels(length, widest));
      sum = new float[length];
    }

    /** The output of one kernel at one dilation. */
    private float[] output(float[][] series, int dilation, int kernel) {
      int[] used = channels[dilation * FixedKernels.COUNT + kernel];
      for (int c : used) {
        kernels[c].read(series[c]);
        kernels[c].dilate(dilations.steps()[dilation]);
      }
      float[] last = kernels[used[used.length - 1]].output(kernel);
      if (used.length == 1) {
        return last;
      }
      addAllButLast(used, kernel);
      add(last);
      return sum;
    }

    private void addAllButLast(int[] used, int kernel) {
      System.arraycopy(kernels[used[0]].output(kernel), 0, sum, 0, length);
      for (int i = 1; i < used.length - 1; i++) {
        add(kernels[used[i]].output(kernel));
      }
    }

    private void add(float[] more) {
      for (int t = 0; t < length; t++) {
        sum[t] += more[t];
      }
    }

    /** Pools a series [channel][time]. */
    void pool(float[][] series, Pooling pooling) {
      for (int c = 0; c < kernels.length; c++) {
        kernels[c].read(series[c]);
      }
      int feature = 0;
      for (int d = 0; d < dilations.steps().length; d++) {
        int step = dilations.steps()[d];
        for (FixedKernels one : kernels) {
          one.dilate(step);
        }
        int edge = Dilations.KERNEL / 2 * step;
        int count = dilations.features()[d];
        for (int k = 0; k < FixedKernels.COUNT; k++) {
          boolean whole = (d + k) % 2 == 0;
          int from = whole ? 0 : edge;
          int[] used = channels[d * FixedKernels.COUNT + k];
          FixedKernels last = kernels[used[used.length - 1]];
          if (used.length == 1) {
            pooling.pool(
                last.pair(k),
                last.last(),
                last.lastStart(k),
                from,
                length - from,
                biases,
                feature,
                count);
          } else {
            addAllButLast(used, k);
            pooling.pool(sum, last.output(k), 0, from, length - from, biases, feature, count);
          }
          feature += count;
        }
      }
    }
  }

  /** Values as floats [case][channel][time], with zeros up to {@code least} values. */
  static List<float[][]> floats(SeriesSet set, int least) {
    return set.cases().stream().map(one -> floats(one, least)).toList();
  }

  private static float[][] floats(TimeSeries one, int least) {
    float[][] values = new float[one.channels()][Math.max(least, one.length())];
    for (int c = 0; c < values.length; c++) {
      for (int t = 0; t < one.length(); t++) {
        values[c][t] = (float) one.values()[c][t];
      }
    }
    return values;
  }

  /** Neighbouring differences [case][channel][time]. */
  static List<float[][]> differences(List<float[][]> series) {
    return series.stream()
        .map(
            one -> {
              float[][] values = new float[one.length][one[0].length - 1];
              for (int c = 0; c < values.length; c++) {
                for (int t = 0; t < values[c].length; t++) {
                  values[c][t] = one[c][t + 1] - one[c][t];
                }
              }
              return values;
            })
        .toList();
  }
}
