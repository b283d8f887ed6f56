package io.lapidary.method.sae;

import io.lapidary.Check;
import io.lapidary.InputException;
import io.lapidary.Seeds;
import io.lapidary.data.ActivationBatches;
import io.lapidary.data.ActivationRows;
import io.lapidary.data.BatchIterator;
import io.lapidary.data.BatchSource;
import io.lapidary.data.Batches;
import io.lapidary.data.Column;
import io.lapidary.model.sae.SparseAutoencoder;
import io.lapidary.model.sae.SparseAutoencoderConfig;
import io.lapidary.model.sae.StandardSae;
import io.lapidary.train.Optimizer;
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
import org.nd4j.autodiff.samediff.SDVariable;
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
  private static final long BUFFER_VALUES = 1 << 26; // 256 MB

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
    Batches batches =
        Batches.builder(batch, new Seeds(config.seed()).stream("shuffle"))
            .feature(Column.floats(rows))
            .shuffle(true)
            .dropLast(true)
            .build();
    return run(batches, rows.length);
  }

  /**
   * Trains on activations that stay on disk, but for a buffer.
   *
   * @throws InputException when their width is not the autoencoder's or a value is not finite
   */
  public Outcome run(ActivationRows rows) {
    requireWidth(0, rows.width());
    int batch = (int) Math.min(config.batchSize(), rows.rows());
    long byMemory = BUFFER_VALUES / rows.width();
    int buffer = (int) Math.max(16, Math.min(rows.rows(), Math.max(4L * batch, byMemory)));
    return run(
        new ActivationBatches(rows, batch, buffer, new Seeds(config.seed()).stream("shuffle")),
        rows.rows());
  }

  private Outcome run(BatchSource batches, long rows) {
    First first = First.of(batches);
    SparseAutoencoder sae = SparseAutoencoder.fresh(model, DataType.FLOAT, config.seed());
    if (!(model.variant() instanceof StandardSae)) {
      double[] median = GeometricMedian.of(first.batch);
      Arrays.setAll(median, j -> median[j] / first.scale);
      sae.parameters().put("b_dec", Nd4j.createFromArray(median).castTo(DataType.FLOAT));
    }
    TrainResult result = trainer(sae, batches, first.scale, rows).run();
    if (result.reason() == TrainResult.Reason.STOPPED) {
      return new Outcome(result, null, first.scale);
    }
    sae.unscale(first.scale);
    return new Outcome(result, sae, first.scale);
  }

  /** The first batch and the root mean squared norm of the first hundred or so. */
  private record First(float[][] batch, double scale) {
    static First of(BatchSource batches) {
      float[][] batch = null;
      double squares = 0;
      long count = 0;
      try (BatchIterator iterator = batches.epoch(0)) {
        for (int i = 0; i < SCALE_BATCHES && iterator.hasNext(); i++) {
          float[][] rows = iterator.next().getFeatures(0).toFloatMatrix();
          batch = batch == null ? rows : batch;
          count += rows.length;
          for (float[] row : rows) {
            for (float value : row) {
              squares += (double) value * value;
            }
          }
        }
      }
      return new First(batch, squares == 0 ? 1 : Math.sqrt(squares / count));
    }
  }

  private Trainer trainer(SparseAutoencoder sae, BatchSource batches, double scale, long rows) {
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
    Optimizer optimizer = train.optimizer().create();
    boolean resampled = config.resampleEvery() > 0 && model.variant() instanceof StandardSae;
    Resampling resampling =
        resampled
            ? new Resampling(
                sae,
                optimizer,
                batches,
                scale,
                config.resampleEvery(),
                new Seeds(config.seed()).stream("resampling"))
            : null;
    TrainListener unitRows =
        new TrainListener() {
          @Override
          public void stepped(Step step) {
            sae.normalizeDecoder();
            if (resampling != null && step.step() < config.steps()) {
              resampling.after(step.step());
            }
          }
        };
    Trainer.Builder trainer =
        Trainer.builder(
                train,
                sae.parameters(),
                (graph, inputs) -> {
                  SDVariable x = graph.ops().mul(inputs.get("x"), 1 / scale);
                  boolean auxiliary = sae.mayHaveDeadLatents(config.batchSize());
                  return sae.train(graph, x, true, auxiliary).losses();
                },
                batches)
            .form(() -> sae.mayHaveDeadLatents(config.batchSize()) ? "auxiliary" : "plain")
            .features("x")
            .optimizer(() -> optimizer)
            .schedule(config.schedule(config.peakRate(model)))
            .identity(identity)
            .listener(unitRows);
    listeners.forEach(trainer::listener);
    if (folder != null) {
      trainer.runFolder(folder).resume(resume);
    }
    return trainer.build();
  }

  private void requireUsable(float[][] rows) {
    if (rows.length == 0) {
      throw InputException.of("there are no activations to train on");
    }
    for (int i = 0; i < rows.length; i++) {
      requireWidth(i, rows[i].length);
      for (float value : rows[i]) {
        if (!Float.isFinite(value)) {
          throw InputException.of(
              "activations: row %d holds %s; leave out rows that are not finite", i, value);
        }
      }
    }
  }

  private void requireWidth(int row, int width) {
    if (width != model.inputWidth()) {
      throw InputException.of(
          "activations: row %d has %d values, the autoencoder takes %d",
          row, width, model.inputWidth());
    }
  }
}
