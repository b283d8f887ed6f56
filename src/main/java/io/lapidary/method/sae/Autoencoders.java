package io.lapidary.method.sae;

import io.lapidary.Seeds;
import io.lapidary.model.sae.BatchTopKSae;
import io.lapidary.model.sae.DeadLatents;
import io.lapidary.model.sae.MatryoshkaSae;
import io.lapidary.model.sae.SaeVariant;
import io.lapidary.model.sae.SparseAutoencoder;
import io.lapidary.model.sae.SparseAutoencoderConfig;
import io.lapidary.model.sae.ThresholdTracking;
import io.lapidary.train.TrainListener;
import java.util.Arrays;
import java.util.List;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Trains the autoencoders of the experiment with one recipe. */
record Autoencoders(SaeExperimentConfig.Training training, TrainListener listener) {
  private static final double AUXILIARY = 1.0 / 32;
  private static final double THRESHOLD_DECAY = 0.995;

  /** BatchTopK with so many latents. */
  SparseAutoencoder batchTopK(float[][] rows, int latents, int k, Seeds seeds) {
    long start = training.steps() / 10;
    SaeVariant variant =
        new BatchTopKSae(k, dead(rows), new ThresholdTracking(THRESHOLD_DECAY, start));
    return train(rows, latents, variant, training.steps(), seeds);
  }

  /** Matryoshka BatchTopK of groups of these sizes. */
  SparseAutoencoder matryoshka(float[][] rows, List<Integer> groups, int k, Seeds seeds) {
    long steps = training.steps() * 3 / 2;
    SaeVariant variant =
        new MatryoshkaSae(
            k, groups, dead(rows), new ThresholdTracking(THRESHOLD_DECAY, steps / 10), false);
    int latents = groups.stream().mapToInt(Integer::intValue).sum();
    return train(rows, latents, variant, steps, seeds);
  }

  /**
   * Fresh weights with a threshold that lets so many latents per row be active in the mean: the
   * baseline that shows what sparsity alone does.
   *
   * @param rows on which that holds: those that are looked at
   */
  SparseAutoencoder untrained(float[][] rows, int latents, double active, Seeds seeds) {
    SaeVariant variant =
        new BatchTopKSae(1, DeadLatents.usual(), new ThresholdTracking(THRESHOLD_DECAY, 0));
    SparseAutoencoder sae =
        SparseAutoencoder.fresh(
            new SparseAutoencoderConfig(rows[0].length, latents, variant),
            DataType.FLOAT,
            seeds.seed());
    double[] median = GeometricMedian.of(rows);
    sae.parameters().put("b_dec", Nd4j.createFromArray(median).castTo(DataType.FLOAT));
    sae.parameters().put("threshold", Nd4j.createFromArray(0f));
    try (INDArray x = Nd4j.createFromArray(rows);
        INDArray codes = sae.encode(x)) {
      float[] values = codes.data().asFloat();
      Arrays.sort(values);
      long count = Math.min(values.length - 1L, Math.round(active * rows.length));
      sae.parameters()
          .put("threshold", Nd4j.createFromArray(values[(int) (values.length - 1 - count)]));
    }
    return sae;
  }

  private DeadLatents dead(float[][] rows) {
    long after = Math.max(2L * rows.length, 50L * Math.min(training.batchSize(), rows.length));
    return new DeadLatents(AUXILIARY, after);
  }

  private SparseAutoencoder train(
      float[][] rows, int latents, SaeVariant variant, long steps, Seeds seeds) {
    SaeTrainConfig config =
        new SaeTrainConfig(
            steps,
            training.batchSize(),
            training.learningRate(),
            training.warmupSteps(),
            null,
            null,
            null,
            null,
            seeds.seed(),
            null);
    SparseAutoencoderConfig model = new SparseAutoencoderConfig(rows[0].length, latents, variant);
    return new SaeTraining(model, config).listener(listener).run(rows).autoencoder();
  }
}
