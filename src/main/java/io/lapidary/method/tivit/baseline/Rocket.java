package io.lapidary.method.tivit.baseline;

import io.lapidary.Check;
import io.lapidary.Seeds;
import io.lapidary.data.series.SeriesPreparation;
import io.lapidary.data.series.SeriesSet;
import io.lapidary.engine.vector.Workers;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/**
 * ROCKET (Dempster, Petitjean and Webb 2020): random kernels of random length, dilation, bias and
 * padding on normalised series, and of each output its largest value and the share above 0. Series
 * shorter than 11 values get zeros at their end.
 */
public final class Rocket implements SeriesTransform {
  private static final int[] LENGTHS = {7, 9, 11};

  private final int count;
  private final Seeds seeds;
  private int channels;
  private int length;
  private List<Kernel> kernels;

  /**
   * A kernel.
   *
   * @param channels that it reads
   * @param weights [channel][place]
   */
  private record Kernel(int[] channels, float[][] weights, float bias, int dilation, int padding) {
    int size() {
      return weights[0].length;
    }
  }

  /** The usual 10,000 kernels. */
  public Rocket(long seed) {
    this(10_000, seed);
  }

  /** A number of kernels; each gives two features. */
  public Rocket(int kernels, long seed) {
    Check.positive("kernels", kernels);
    count = kernels;
    seeds = new Seeds(seed).stream("rocket");
  }

  @Override
  public void fit(SeriesSet train) {
    length = Complete.requireEqualLength(train);
    channels = train.channels();
    SplittableRandom random = seeds.random();
    Kernel[] drawn = new Kernel[count];
    for (int k = 0; k < count; k++) {
      drawn[k] = draw(Math.max(length, LENGTHS[LENGTHS.length - 1]), random);
    }
    kernels = List.of(drawn);
  }

  private Kernel draw(int time, SplittableRandom random) {
    int size = LENGTHS[random.nextInt(LENGTHS.length)];
    int[] used = {0};
    if (channels > 1) {
      double most = Math.log(Math.min(channels, size) + 1) / Math.log(2);
      int number = (int) Math.floor(Math.pow(2, random.nextDouble() * most));
      used = random.ints(0, channels).distinct().limit(number).toArray();
    }
    float[][] weights = new float[used.length][size];
    for (float[] row : weights) {
      double sum = 0;
      for (int j = 0; j < size; j++) {
        row[j] = (float) random.nextGaussian();
        sum += row[j];
      }
      for (int j = 0; j < size; j++) {
        row[j] -= (float) (sum / size);
      }
    }
    float bias = (float) random.nextDouble(-1, 1);
    double top = Math.log((time - 1) / (double) (size - 1)) / Math.log(2);
    int dilation = (int) Math.floor(Math.pow(2, random.nextDouble() * top));
    int padding = random.nextBoolean() ? (size - 1) * dilation / 2 : 0;
    return new Kernel(used, weights, bias, dilation, padding);
  }

  @Override
  public float[][] transform(SeriesSet set) {
    Complete.requireLike(set, channels, length);
    List<float[][]> series =
        KernelBank.floats(SeriesPreparation.zNormalised(set), LENGTHS[LENGTHS.length - 1]);
    float[][] features = new float[series.size()][2 * count];
    Workers.run(
        series.size(),
        (long) count * LENGTHS[1] * length,
        (from, to) -> {
          float[] out = new float[2 * Math.max(length, LENGTHS[LENGTHS.length - 1])];
          for (int i = from; i < to; i++) {
            for (int k = 0; k < count; k++) {
              apply(kernels.get(k), series.get(i), out, features[i], 2 * k);
            }
          }
        });
    return features;
  }

  private static void apply(Kernel kernel, float[][] series, float[] out, float[] row, int place) {
    int time = series[0].length;
    int size = time + 2 * kernel.padding - (kernel.size() - 1) * kernel.dilation;
    Arrays.fill(out, 0, size, kernel.bias);
    for (int c = 0; c < kernel.channels.length; c++) {
      float[] x = series[kernel.channels[c]];
      for (int j = 0; j < kernel.size(); j++) {
        Convolution.add(x, j * kernel.dilation - kernel.padding, kernel.weights[c][j], out, size);
      }
    }
    float most = Float.NEGATIVE_INFINITY;
    int above = 0;
    for (int t = 0; t < size; t++) {
      most = Math.max(most, out[t]);
      above += out[t] > 0 ? 1 : 0;
    }
    row[place] = most;
    row[place + 1] = (float) above / size;
  }
}
