package io.lapidary.method.sae;

import io.lapidary.Seeds;
import io.lapidary.data.BatchIterator;
import io.lapidary.data.BatchSource;
import io.lapidary.model.sae.SparseAutoencoder;
import io.lapidary.train.Optimizer;
import java.util.Arrays;
import java.util.Map;
import java.util.SplittableRandom;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Gives silent latents of a standard autoencoder new directions (Bricken et al. 2023): inputs drawn
 * with a probability that grows with the norm of their reconstruction error. What is drawn depends
 * on the seed and the step only, so that a resumed run draws alike.
 */
final class Resampling {
  private static final double ENCODER_SHARE = 0.2;
  // far behind the epochs of any run, so that its own order stays as it is
  private static final long FIRST_EPOCH = 1L << 40;

  private final SparseAutoencoder sae;
  private final Optimizer optimizer;
  private final BatchSource batches;
  private final double scale;
  private final int every;
  private final Seeds seeds;

  /**
   * @param scale what rows are divided by
   * @param every steps between two resamplings
   */
  Resampling(
      SparseAutoencoder sae,
      Optimizer optimizer,
      BatchSource batches,
      double scale,
      int every,
      Seeds seeds) {
    this.sae = sae;
    this.optimizer = optimizer;
    this.batches = batches;
    this.scale = scale;
    this.every = every;
    this.seeds = seeds;
  }

  /** After step {@code step}: resamples when it is time. */
  void after(long step) {
    if (step % every == 0) {
      try (BatchIterator iterator = batches.epoch(FIRST_EPOCH + step)) {
        try (INDArray rows = iterator.next().getFeatures(0).div(scale)) {
          resample(rows, seeds.at(step).random());
        }
      }
    }
  }

  private void resample(INDArray rows, SplittableRandom random) {
    INDArray silent = sae.parameters().get("num_samples_since_fired");
    long limit = every / 2L * rows.size(0);
    int latents = (int) silent.length();
    int[] dead = new int[latents];
    int count = 0;
    for (int j = 0; j < latents; j++) {
      if (silent.getDouble(j) > limit) {
        dead[count++] = j;
      }
    }
    if (count == 0) {
      return;
    }
    int[] drawn = draw(errors(rows), Math.min(count, (int) rows.size(0)), random);
    double living = livingNorm(Arrays.copyOf(dead, count));
    for (int i = 0; i < drawn.length; i++) {
      point(dead[i], rows.getRow(drawn[i]), living);
    }
  }

  /** Norm of the reconstruction error of every row. */
  private double[] errors(INDArray rows) {
    try (INDArray codes = sae.encode(rows);
        INDArray rebuilt = sae.decode(codes);
        INDArray error = rebuilt.subi(rows).norm2(1)) {
      return error.toDoubleVector();
    }
  }

  /** Distinct places, each with a probability in proportion to its weight among those left. */
  static int[] draw(double[] weights, int count, SplittableRandom random) {
    double[] keys = new double[weights.length]; // Efraimidis and Spirakis (2006)
    Integer[] order = new Integer[weights.length];
    for (int i = 0; i < keys.length; i++) {
      keys[i] = weights[i] > 0 ? Math.log(1 - random.nextDouble()) / weights[i] : -1e300;
      order[i] = i;
    }
    Arrays.sort(order, (a, b) -> Double.compare(keys[b], keys[a]));
    return Arrays.stream(order).limit(count).mapToInt(i -> i).toArray();
  }

  /** Mean norm of the encoder vectors of the other latents; 1 when all are dead. */
  private double livingNorm(int[] dead) {
    double[] norms;
    try (INDArray all = sae.parameters().get("W_enc").norm2(0)) {
      norms = all.toDoubleVector();
    }
    double sum = Arrays.stream(norms).sum();
    for (int j : dead) {
      sum -= norms[j];
    }
    int living = norms.length - dead.length;
    return living == 0 ? 1 : sum / living;
  }

  private void point(int latent, INDArray input, double living) {
    double norm = input.norm2Number().doubleValue();
    if (norm == 0) {
      return;
    }
    sae.parameters().get("W_dec").getRow(latent).assign(input.div(norm));
    sae.parameters().get("W_enc").getColumn(latent).assign(input.mul(ENCODER_SHARE * living));
    sae.parameters().get("b_enc").putScalar(latent, 0);
    sae.parameters().get("num_samples_since_fired").putScalar(latent, 0);
    for (Map.Entry<String, INDArray> moment : optimizer.state().entrySet()) {
      INDArray array = moment.getValue();
      if (moment.getKey().contains("W_dec")) {
        array.getRow(latent).assign(0);
      } else if (moment.getKey().contains("W_enc")) {
        array.getColumn(latent).assign(0);
      } else if (moment.getKey().contains("b_enc")) {
        array.putScalar(latent, 0);
      }
    }
  }
}
