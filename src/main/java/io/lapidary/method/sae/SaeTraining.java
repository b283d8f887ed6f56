package io.lapidary.method.sae;

import io.lapidary.Check;
import io.lapidary.InputException;
import io.lapidary.Seeds;
import io.lapidary.data.Batches;
import io.lapidary.data.Column;
import io.lapidary.model.sae.SparseAutoencoder;
import io.lapidary.model.sae.SparseAutoencoderConfig;
import io.lapidary.model.sae.StandardSae;
import io.lapidary.train.TrainConfig;
import io.lapidary.train.TrainListener;
import io.lapidary.train.TrainResult;
import io.lapidary.train.Trainer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Trains an autoencoder on activations (Pach et al. 2025, section 3 and appendix). Rows are divided
 * by one scale, so that their mean squared norm is about 1; each step takes the part along each
 * dictionary vector out of its gradient, clips, steps and gives the vectors norm 1 again. The
 * result works on unscaled activations.
 */
public final class SaeTraining {
  private static final int SCALE_BATCHES = 101; // as many as the authors take

  private final SparseAutoencoderConfig model;
  private final SaeTrainConfig config;
  private final List<TrainListener> listeners = new ArrayList<>();
  private Path folder;
  private boolean resume;

  /** Training of a fresh autoencoder. */
  public SaeTraining(SparseAutoencoderConfig model, SaeTrainConfig config) {
    this.model = Check.present("model", model);
    this.config = Check.present("config", config);
  }

  /** Keeps checkpoints and metrics in {@code run}; with {@code again} goes on from the latest. */
  public SaeTraining in(Path run, boolean again) {
    folder = run;
    resume = again;
    return this;
  }

  /** Adds a listener. */
  public SaeTraining listener(TrainListener listener) {
    listeners.add(listener);
    return this;
  }

  /**
   * How it ended.
   *
   * @param autoencoder for unscaled activations; null when training was stopped before its end
   * @param scale what activations were divided by
   */
  public record Outcome(TrainResult result, SparseAutoencoder autoencoder, double scale) {}

  /**
   * Trains on rows [n][d]; these are not changed.
   *
   * @throws InputException when there is no row, a width differs or a value is not finite
   */
  public Outcome run(float[][] rows) {
    requireUsable(rows);
    int batch = Math.min(config.batchSize(), rows.length);
    Seeds seeds = new Seeds(config.seed());
    double scale = scale(rows, batch, seeds);
    float[][] scaled = new float[rows.length][];
    for (int i = 0; i < rows.length; i++) {
      scaled[i] = rows[i].clone();
      for (int j = 0; j < scaled[i].length; j++) {
        scaled[i][j] = (float) (scaled[i][j] / scale);
      }
    }
    Batches batches = batches(scaled, batch, seeds);
    SparseAutoencoder sae = SparseAutoencoder.fresh(model, DataType.FLOAT, config.seed());
    if (!(model.variant() instanceof StandardSae)) {
      float[][] first = new float[batch][];
      int[] order = batches.order(0);
      Arrays.setAll(first, i -> scaled[order[i]]);
      sae.parameters()
          .put("b_dec", Nd4j.createFromArray(GeometricMedian.of(first)).castTo(DataType.FLOAT));
    }
    TrainResult result = trainer(sae, batches, scale, rows.length).run();
    if (result.reason() == TrainResult.Reason.STOPPED) {
      return new Outcome(result, null, scale);
    }
    sae.unscale(scale);
    return new Outcome(result, sae, scale);
  }

  private Trainer trainer(SparseAutoencoder sae, Batches batches, double scale, int rows) {
    TrainConfig train =
        TrainConfig.steps(config.steps(), config.optimizer(model))
            .clipNorm(config.clip(model))
            .checkpointEvery(config.checkpointEvery())
            .seed(config.seed())
            .build();
    Map<String, Object> identity = new LinkedHashMap<>();
    identity.put("variant", model.variant().type());
    identity.put("model", model);
    identity.put("training", config);
    identity.put("rows", rows);
    identity.put("scale", scale);
    TrainListener unitRows =
        new TrainListener() {
          @Override
          public void stepped(Step step) {
            sae.normalizeDecoder();
          }
        };
    Trainer.Builder trainer =
        Trainer.builder(
                train,
                sae.parameters(),
                (graph, inputs) -> sae.train(graph, inputs.get("x"), true).losses(),
                batches)
            .features("x")
            .schedule(config.schedule(config.peakRate(model)))
            .identity(identity)
            .listener(unitRows);
    listeners.forEach(trainer::listener);
    if (folder != null) {
      trainer.runFolder(folder).resume(resume);
    }
    return trainer.build();
  }

  private static Batches batches(float[][] rows, int batch, Seeds seeds) {
    return Batches.builder(batch, seeds.stream("shuffle"))
        .feature(Column.floats(rows))
        .shuffle(true)
        .dropLast(true)
        .build();
  }

  private static double scale(float[][] rows, int batch, Seeds seeds) {
    int[] order = batches(rows, batch, seeds).order(0);
    int count = (int) Math.min(order.length, (long) SCALE_BATCHES * batch);
    double squares = 0;
    for (int i = 0; i < count; i++) {
      for (float value : rows[order[i]]) {
        squares += (double) value * value;
      }
    }
    return squares == 0 ? 1 : Math.sqrt(squares / count);
  }

  private void requireUsable(float[][] rows) {
    if (rows.length == 0) {
      throw InputException.of("there are no activations to train on");
    }
    for (int i = 0; i < rows.length; i++) {
      if (rows[i].length != model.inputWidth()) {
        throw InputException.of(
            "activations: row %d has %d values, the autoencoder takes %d",
            i, rows[i].length, model.inputWidth());
      }
      for (float value : rows[i]) {
        if (!Float.isFinite(value)) {
          throw InputException.of(
              "activations: row %d holds %s; leave out rows that are not finite", i, value);
        }
      }
    }
  }
}
