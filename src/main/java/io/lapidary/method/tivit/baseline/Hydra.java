package io.lapidary.method.tivit.baseline;

import io.lapidary.Seeds;
import io.lapidary.data.series.SeriesSet;
import io.lapidary.engine.vector.Workers;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Hydra (Dempster, Schmidt and Webb 2023): groups of 8 random kernels compete at every time step;
 * the kernel with the largest output gains that output, the one with the smallest a count of 1. For
 * each dilation 32 groups on the series and 32 on its differences: 1,024 features, here already as
 * square roots and scaled by the training part. Series shorter than 10 values get zeros at their
 * end; with several channels a group reads the sum of some of them.
 */
public final class Hydra implements SeriesTransform {
  private static final int GROUPS = 32;
  private static final int KERNELS = 8;
  private static final int SIZE = Dilations.KERNEL;
  private static final int SHORTEST = SIZE + 1;
  private static final int MOST_CHANNELS = 8;

  private final Seeds seeds;
  private int channels;
  private int length;
  private Group[][] groups; // [dilation][series, then differences]
  private double[] means;
  private double[] divisors;

  private record Group(int[] channels, float[][] weights) {}

  /** A transform whose kernels depend on the seed. */
  public Hydra(long seed) {
    seeds = new Seeds(seed).stream("hydra");
  }

  @Override
  public void fit(SeriesSet train) {
    length = Complete.requireEqualLength(train);
    channels = train.channels();
    int time = Math.max(length, SHORTEST);
    int dilations = 1 + (int) Math.floor(Math.log((time - 1) / (SIZE - 1.0)) / Math.log(2) + 1e-9);
    SplittableRandom random = seeds.random();
    groups = new Group[dilations][2 * GROUPS];
    for (Group[] row : groups) {
      Arrays.setAll(row, g -> draw(random));
    }
    scale(counts(train));
  }

  private Group draw(SplittableRandom random) {
    float[][] weights = new float[KERNELS][SIZE];
    for (float[] kernel : weights) {
      double[] w = new double[SIZE];
      Arrays.setAll(w, j -> random.nextGaussian());
      double mean = Arrays.stream(w).sum() / SIZE;
      double norm = Arrays.stream(w).map(v -> Math.abs(v - mean)).sum();
      for (int j = 0; j < SIZE; j++) {
        kernel[j] = (float) ((w[j] - mean) / norm);
      }
    }
    int number = Math.min(channels, Math.max(2, Math.min(MOST_CHANNELS, channels / 2)));
    return new Group(random.ints(0, channels).distinct().limit(number).toArray(), weights);
  }

  private void scale(float[][] counts) {
    int n = counts.length;
    int width = counts[0].length;
    means = new double[width];
    divisors = new double[width];
    for (int f = 0; f < width; f++) {
      double sum = 0;
      int zeros = 0;
      for (float[] row : counts) {
        sum += row[f];
        zeros += row[f] == 0 ? 1 : 0;
      }
      means[f] = sum / n;
      double squares = 0;
      for (float[] row : counts) {
        squares += (row[f] - means[f]) * (row[f] - means[f]);
      }
      double deviation = n > 1 ? Math.sqrt(squares / (n - 1)) : 0;
      divisors[f] = deviation + Math.pow((double) zeros / n, 4) + 1e-8;
    }
  }

  @Override
  public float[][] transform(SeriesSet set) {
    Complete.requireLike(set, channels, length);
    float[][] rows = counts(set);
    for (float[] row : rows) {
      for (int f = 0; f < row.length; f++) {
        row[f] = row[f] == 0 ? 0 : (float) ((row[f] - means[f]) / divisors[f]);
      }
    }
    return rows;
  }

  /** Square roots of what the kernels gained. */
  private float[][] counts(SeriesSet set) {
    List<float[][]> series = KernelBank.floats(set, SHORTEST);
    List<float[][]> differences = KernelBank.differences(series);
    int width = groups.length * 2 * GROUPS * KERNELS * 2;
    float[][] rows = new float[series.size()][width];
    Workers.run(
        series.size(),
        (long) width * SIZE * length,
        (from, to) -> {
          int time = series.get(0)[0].length;
          float[] sum = new float[time];
          float[][] out = new float[KERNELS][time];
          for (int i = from; i < to; i++) {
            int place = 0;
            for (int d = 0; d < groups.length; d++) {
              for (int g = 0; g < 2 * GROUPS; g++) {
                float[][] x = g < GROUPS ? series.get(i) : differences.get(i);
                compete(groups[d][g], 1 << d, x, sum, out, rows[i], place);
                place += 2 * KERNELS;
              }
            }
          }
        });
    return rows;
  }

  private static void compete(
      Group group,
      int dilation,
      float[][] series,
      float[] sum,
      float[][] out,
      float[] row,
      int at) {
    int time = series[0].length;
    float[] x = series[group.channels[0]];
    if (group.channels.length > 1) {
      Arrays.fill(sum, 0, time, 0);
      for (int c : group.channels) {
        Convolution.add(series[c], 0, 1, sum, time);
      }
      x = Arrays.copyOf(sum, time);
    }
    for (int k = 0; k < KERNELS; k++) {
      Arrays.fill(out[k], 0, time, 0);
      for (int j = 0; j < SIZE; j++) {
        Convolution.add(x, (j - SIZE / 2) * dilation, group.weights[k][j], out[k], time);
      }
    }
    gain(out, time, row, at);
  }

  /**
   * Adds up what each kernel gains over time, as square roots: of the largest outputs at {@code at}
   * on, of the counts behind. Of equal outputs the first kernel gains.
   */
  static void gain(float[][] out, int time, float[] row, int at) {
    int kernels = out.length;
    double[] gains = new double[kernels];
    int[] counts = new int[kernels];
    for (int t = 0; t < time; t++) {
      int most = 0;
      int least = 0;
      for (int k = 1; k < kernels; k++) {
        most = out[k][t] > out[most][t] ? k : most;
        least = out[k][t] < out[least][t] ? k : least;
      }
      gains[most] += out[most][t];
      counts[least]++;
    }
    for (int k = 0; k < kernels; k++) {
      row[at + k] = (float) Math.sqrt(Math.max(0, gains[k]));
      row[at + kernels + k] = (float) Math.sqrt(counts[k]);
    }
  }
}
