package io.lapidary.method.tivit;

import io.lapidary.Check;
import io.lapidary.Seeds;
import io.lapidary.data.Batches;
import io.lapidary.data.Column;
import io.lapidary.data.series.SeriesPreparation;
import io.lapidary.data.series.SeriesSet;
import io.lapidary.engine.Parameters;
import io.lapidary.model.SeriesTransformer;
import io.lapidary.model.SeriesTransformerConfig;
import io.lapidary.train.TrainConfig;
import io.lapidary.train.TrainListener;
import io.lapidary.train.TrainResult;
import io.lapidary.train.Trainer;
import java.nio.file.Path;
import java.util.Map;
import java.util.SplittableRandom;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * The encoder of time series whose features are joined with those of pictures: a {@link
 * SeriesTransformer} trained on random crops of drawn series, which come from no classification
 * problem: walks, waves, steps and bursts.
 */
public final class SeriesPartner implements AutoCloseable {
  private static final double MOST_CROPPED = 0.2;
  private static final int KINDS = 4;

  private final SeriesTransformer model;
  private final int layer;

  /**
   * How it is made.
   *
   * @param network sizes
   * @param series drawn series
   * @param layer read afterwards: 0 enters the blocks, n leaves block n
   * @param batchSize series in a batch
   * @param train how long and how to train
   */
  public record Config(
      SeriesTransformerConfig network, int series, int layer, int batchSize, TrainConfig train) {
    /** Checks the fields. */
    public Config {
      Check.present("network", network);
      Check.positive("series", series);
      Check.between("layer", layer, 0, network.layers());
      Check.that(
          batchSize >= 2 && batchSize <= series,
          "batchSize must be in [2, series=%d], got %d",
          series,
          batchSize);
      Check.present("train", train);
    }
  }

  private SeriesPartner(SeriesTransformer model, int layer) {
    this.model = model;
    this.layer = layer;
  }

  /**
   * Trains one, or goes on in a folder.
   *
   * @return null when training was stopped before its end
   */
  static SeriesPartner train(Config config, Path folder, Seeds seeds, TrainListener listener) {
    Parameters parameters = new Parameters(DataType.FLOAT, seeds.stream("weights").seed());
    SeriesTransformer model = new SeriesTransformer(config.network(), parameters);
    float[][] first = new float[config.series()][];
    float[][] second = new float[config.series()][];
    int length = config.network().length();
    for (int i = 0; i < first.length; i++) {
      SplittableRandom random = seeds.stream("series").at(i).random();
      double[] drawn = draw(i % KINDS, length, random);
      first[i] = crop(drawn, length, random);
      second[i] = crop(drawn, length, random);
    }
    Batches batches =
        Batches.builder(config.batchSize(), seeds.stream("batches"))
            .feature(Column.floats(first))
            .feature(Column.floats(second))
            .shuffle(true)
            .dropLast(true)
            .build();
    TrainResult result =
        Trainer.builder(
                config.train(),
                parameters,
                (g, in) -> Map.of("contrast", model.loss(g, in.get("first"), in.get("second"))),
                batches)
            .features("first", "second")
            .noise(seeds.stream("noise"))
            .identity(config)
            .runFolder(folder)
            .resume(true)
            .listener(listener)
            .build()
            .run();
    return result.reason() == TrainResult.Reason.STOPPED
        ? null
        : new SeriesPartner(model, config.layer());
  }

  /** A series of some kind: a walk, waves, steps, or bursts over an autoregressive process. */
  static double[] draw(int kind, int length, SplittableRandom random) {
    double[] x = new double[length];
    double noise = random.nextDouble(0, 0.3);
    double level = 0;
    double frequency = random.nextDouble(1, 20) * 2 * Math.PI / length;
    double second = random.nextDouble(1, 40) * 2 * Math.PI / length;
    double phase = random.nextDouble(0, 2 * Math.PI);
    double trend = random.nextDouble(-2, 2) / length;
    double memory = random.nextDouble(0.3, 0.99);
    for (int t = 0; t < length; t++) {
      level =
          switch (kind) {
            case 0 -> level + random.nextGaussian();
            case 1 -> Math.sin(frequency * t + phase) + 0.5 * Math.sin(second * t) + trend * t;
            case 2 -> random.nextDouble() < 8.0 / length ? 3 * random.nextGaussian() : level;
            default ->
                memory * level + random.nextGaussian() * (random.nextDouble() < 0.05 ? 5 : 0.3);
          };
      x[t] = level + noise * random.nextGaussian();
    }
    return x;
  }

  /** A random part of at least four fifths, stretched back. */
  private static float[] crop(double[] x, int length, SplittableRandom random) {
    int size = (int) Math.ceil(x.length * (1 - random.nextDouble(0, MOST_CROPPED)));
    int from = random.nextInt(x.length - size + 1);
    return floats(
        SeriesPreparation.resampled(java.util.Arrays.copyOfRange(x, from, from + size), length));
  }

  private static float[] floats(double[] x) {
    float[] row = new float[x.length];
    for (int t = 0; t < row.length; t++) {
      row[t] = (float) x[t];
    }
    return row;
  }

  /** Features [case][channels · 2 · width] of unit length; series are stretched to the model's. */
  float[][] features(SeriesSet set) {
    int channels = set.channels();
    int length = model.config().length();
    float[][] rows = new float[set.size() * channels][];
    for (int i = 0; i < rows.length; i++) {
      double[] channel = set.cases().get(i / channels).values()[i % channels];
      rows[i] = floats(SeriesPreparation.resampled(channel, length));
    }
    float[][] features = new float[set.size()][];
    try (INDArray input = Nd4j.createFromArray(rows);
        INDArray output = model.features(input, layer)) {
      float[][] each = output.toFloatMatrix();
      int width = each[0].length;
      for (int i = 0; i < features.length; i++) {
        features[i] = new float[channels * width];
        for (int c = 0; c < channels; c++) {
          System.arraycopy(each[i * channels + c], 0, features[i], c * width, width);
        }
        SeriesEncoder.normalise(features[i]);
      }
    }
    return features;
  }

  @Override
  public void close() {
    model.close();
  }
}
