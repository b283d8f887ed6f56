package io.lapidary.method.sae;

import io.lapidary.data.ActivationRows;
import io.lapidary.metric.LatentActivity;
import io.lapidary.metric.MetricValue;
import io.lapidary.metric.ReconstructionError;
import io.lapidary.model.sae.SparseAutoencoder;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** How well an autoencoder rebuilds activations and how few latents it uses for it. */
public final class SaeQuality {
  private static final int VALUES_AT_ONCE = 1 << 22; // they are copied to the heap

  private final SparseAutoencoder sae;
  private final ReconstructionError error;
  private final LatentActivity activity;

  /** Nothing measured yet. */
  public SaeQuality(SparseAutoencoder sae) {
    this.sae = sae;
    error = new ReconstructionError(sae.config().inputWidth());
    activity = new LatentActivity(sae.config().latentWidth());
  }

  /**
   * The codes of activations, block after block, measured on the way; the caller closes them.
   *
   * @param most rows that are read
   */
  public Stream<INDArray> codes(ActivationRows rows, long most) {
    int width = sae.config().inputWidth();
    int block = Math.max(1, VALUES_AT_ONCE / Math.max(width, sae.config().latentWidth()));
    long[] left = {most};
    return IntStream.range(0, rows.shardRows().size())
        .boxed()
        .flatMap(
            shard -> {
              int count = (int) Math.min(left[0], rows.shardRows().get(shard));
              left[0] -= count;
              return IntStream.iterate(0, from -> from < count, from -> from + block)
                  .mapToObj(from -> block(rows, shard, from, Math.min(block, count - from)));
            });
  }

  private INDArray block(ActivationRows rows, int shard, int from, int count) {
    double[] values = rows.read(shard, from, count);
    float[] floats = new float[values.length];
    for (int i = 0; i < floats.length; i++) {
      floats[i] = (float) values[i];
    }
    try (INDArray x = Nd4j.createFromArray(floats).reshape('c', count, rows.width())) {
      INDArray codes = sae.encode(x);
      try (INDArray rebuilt = sae.decode(codes)) {
        error.update(values, rebuilt.data().asDouble(), count);
      }
      activity.update(codes.data().asDouble(), count);
      return codes;
    }
  }

  /** Measures up to {@code most} rows, the first ones. */
  public SaeQuality measure(ActivationRows rows, long most) {
    codes(rows, most).forEach(INDArray::close);
    return this;
  }

  /** FVU, explained variance, cosine, L0 and the share of latents that were never active. */
  public List<MetricValue> values() {
    return List.of(
        error.fvu(),
        error.explainedVariance(),
        error.cosine(),
        activity.l0(),
        activity.deadShare());
  }
}
