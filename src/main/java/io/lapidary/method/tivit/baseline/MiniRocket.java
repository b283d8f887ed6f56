package io.lapidary.method.tivit.baseline;

import io.lapidary.Check;
import io.lapidary.Seeds;
import io.lapidary.data.series.SeriesSet;
import io.lapidary.engine.vector.Workers;
import java.util.List;

/**
 * MiniRocket (Dempster, Schmidt and Webb 2021): 84 fixed kernels at up to 32 dilations, and the
 * shares of their outputs above biases taken from training series: 9,996 features by default.
 * Arithmetic in float; series shorter than 9 values get zeros at their end.
 */
public final class MiniRocket implements SeriesTransform {
  private final int perKernel;
  private final Seeds seeds;
  private int channels;
  private int length;
  private KernelBank bank;

  /** The usual 10,000 features. */
  public MiniRocket(long seed) {
    this(10_000, seed);
  }

  /**
   * @param features wanted, at least 84; a multiple of 84 is made
   */
  public MiniRocket(int features, long seed) {
    Check.that(features >= FixedKernels.COUNT, "features must be at least 84, got %d", features);
    perKernel = features / FixedKernels.COUNT;
    seeds = new Seeds(seed).stream("minirocket");
  }

  @Override
  public void fit(SeriesSet train) {
    length = Complete.requireEqualLength(train);
    channels = train.channels();
    bank = new KernelBank(KernelBank.floats(train, Dilations.KERNEL), perKernel, seeds);
  }

  @Override
  public float[][] transform(SeriesSet set) {
    Complete.requireLike(set, channels, length);
    List<float[][]> series = KernelBank.floats(set, Dilations.KERNEL);
    float[][] features = new float[series.size()][bank.size()];
    Workers.run(
        series.size(),
        (long) bank.size() * length,
        (from, to) -> {
          KernelBank.Walk walk = bank.new Walk();
          for (int i = from; i < to; i++) {
            float[] row = features[i];
            walk.pool(
                series.get(i),
                (a, b, shift, first, end, biases, at, count) ->
                    new Shares(a, b, shift, first, end).above(biases, at, count, row));
          }
        });
    return features;
  }
}
