package io.lapidary.method.tivit.baseline;

import io.lapidary.Seeds;
import io.lapidary.data.series.SeriesSet;
import io.lapidary.engine.vector.Workers;
import java.util.List;

/**
 * MultiRocket (Tan, Dempster, Bergmeir and Webb 2022): the fixed kernels on the series and on its
 * differences, each with biases of its own, and four poolings of every output: the share above the
 * bias, the longest stretch without an output below it, and mean and mean place of those above.
 * 49,728 features. Series shorter than 10 values get zeros at their end.
 */
public final class MultiRocket implements SeriesTransform {
  private static final int PER_KERNEL = 6250 / FixedKernels.COUNT;
  private static final int POOLINGS = 4;
  private static final int SHORTEST = Dilations.KERNEL + 1;

  private final Seeds seeds;
  private int channels;
  private int length;
  private KernelBank base;
  private KernelBank changes;

  /** A transform whose draws depend on the seed. */
  public MultiRocket(long seed) {
    seeds = new Seeds(seed).stream("multirocket");
  }

  @Override
  public void fit(SeriesSet train) {
    length = Complete.requireEqualLength(train);
    channels = train.channels();
    List<float[][]> series = KernelBank.floats(train, SHORTEST);
    base = new KernelBank(series, PER_KERNEL, seeds.stream("series"));
    changes =
        new KernelBank(KernelBank.differences(series), PER_KERNEL, seeds.stream("differences"));
  }

  @Override
  public float[][] transform(SeriesSet set) {
    Complete.requireLike(set, channels, length);
    List<float[][]> series = KernelBank.floats(set, SHORTEST);
    List<float[][]> differences = KernelBank.differences(series);
    int width = POOLINGS * (base.size() + changes.size());
    float[][] features = new float[series.size()][width];
    Workers.run(
        series.size(),
        (long) width * length,
        (from, to) -> {
          KernelBank.Walk walk = base.new Walk();
          KernelBank.Walk further = changes.new Walk();
          for (int i = from; i < to; i++) {
            float[] row = features[i];
            walk.pool(series.get(i), pooling(row, 0, base.size()));
            further.pool(differences.get(i), pooling(row, POOLINGS * base.size(), changes.size()));
          }
        });
    return features;
  }

  /** Writes feature f of pooling p to {@code start + p · size + f}. */
  private KernelBank.Pooling pooling(float[] row, int start, int size) {
    float[] out = new float[Math.max(length, SHORTEST)];
    return (a, b, shift, from, to, biases, at, count) -> {
      for (int t = from; t < to; t++) {
        out[t] = a[t] + b[shift + t];
      }
      for (int f = at; f < at + count; f++) {
        pool(out, from, to, biases[f], row, start + f, size);
      }
    };
  }

  /** The four poolings of one output and bias, {@code stride} apart. */
  static void pool(float[] out, int from, int to, float bias, float[] row, int place, int stride) {
    int above = 0;
    int last = 0;
    int stretch = 0;
    double sum = 0;
    long places = 0;
    int count = to - from;
    for (int t = 0; t < count; t++) {
      float v = out[from + t];
      if (v > bias) {
        above++;
        places += t;
        sum += v + bias;
      } else if (v < bias) {
        stretch = Math.max(stretch, t - last);
        last = t;
      }
    }
    stretch = Math.max(stretch, count - 1 - last);
    row[place] = count > 0 ? (float) above / count : 0;
    row[place + stride] = stretch;
    row[place + 2 * stride] = above > 0 ? (float) (sum / above) : 0;
    row[place + 3 * stride] = above > 0 ? (float) places / above : -1;
  }
}
