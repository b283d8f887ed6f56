package io.lapidary.method.tivit.baseline;

import io.lapidary.Check;
import io.lapidary.Seeds;
import io.lapidary.data.Batches;
import io.lapidary.data.Column;
import io.lapidary.data.Shuffle;
import io.lapidary.engine.Graph;
import io.lapidary.engine.Init;
import io.lapidary.engine.Parameters;
import io.lapidary.engine.Plan;
import io.lapidary.layer.Layers;
import io.lapidary.train.Evaluator;
import io.lapidary.train.Monitor;
import io.lapidary.train.OptimizerConfig;
import io.lapidary.train.TrainConfig;
import io.lapidary.train.Trainer;
import java.util.Arrays;
import java.util.Map;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Softmax regression on standardised features by Adam, for sets too large for ridge regression over
 * all pairs of cases: rate 1e-4, batches of 256, and the weights of the epoch with the least loss
 * on cases held out, after which no better one came for ten epochs.
 */
final class SoftmaxClassifier {
  private static final double RATE = 1e-4;
  private static final int BATCH = 256;
  private static final int EPOCHS = 50;
  private static final int PATIENCE = 10;
  private static final int HELD = 2048;
  private static final String FEATURES = "features";
  private static final String LABELS = "labels";
  private static final String LOSS = "held/loss";

  private final Seeds seeds;
  private double[] means;
  private double[] scales;
  private int classes;
  private Parameters parameters;

  SoftmaxClassifier(long seed) {
    seeds = new Seeds(seed).stream("softmax");
  }

  /** Learns from features [cases][features], which it standardises in place. */
  void fit(float[][] features, int[] labels, int classCount) {
    Check.that(features.length >= 2, "a classifier needs two cases, got %d", features.length);
    classes = classCount;
    measure(features);
    standardise(features);
    parameters = new Parameters(DataType.FLOAT, seeds.stream("weights").seed());
    int[] order = Shuffle.order(features.length, seeds.stream("held"));
    int held = Math.max(1, Math.min(HELD, features.length / 5));
    int[] kept = Arrays.copyOfRange(order, held, features.length);
    int[] out = Arrays.copyOf(order, held);
    float[][] rows = rows(features, kept);
    Batches batches =
        Batches.builder(Math.min(BATCH, rows.length), seeds.stream("batches"))
            .feature(Column.floats(rows))
            .label(Column.classes(labels(labels, kept)))
            .shuffle(true)
            .dropLast(true)
            .build();
    TrainConfig config =
        TrainConfig.epochs(EPOCHS, OptimizerConfig.adam(RATE))
            .evaluateEveryEpochs(1)
            .monitor(new Monitor(LOSS, Monitor.Mode.MIN, PATIENCE, 0.0))
            .build();
    Best best = new Best(rows(features, out), labels(labels, out));
    Trainer.builder(
            config,
            parameters,
            (g, in) ->
                Map.of("class", g.ops().crossEntropy(logits(g, in.get(FEATURES)), in.get(LABELS))),
            batches)
        .features(FEATURES)
        .labels(LABELS)
        .evaluator(best)
        .build()
        .run();
    best.restore();
  }

  /** Measures the held-out loss and keeps the best weights. */
  private final class Best implements Evaluator {
    private final float[][] rows;
    private final int[] labels;
    private double least = Double.POSITIVE_INFINITY;
    private INDArray weight;
    private INDArray bias;

    Best(float[][] rows, int[] labels) {
      this.rows = rows;
      this.labels = labels;
    }

    @Override
    public Map<String, Double> evaluate(long step, long epoch) {
      double[][] logits = decide(rows);
      double loss = 0;
      for (int i = 0; i < rows.length; i++) {
        double most = Arrays.stream(logits[i]).max().orElseThrow();
        double sum = Arrays.stream(logits[i]).map(z -> Math.exp(z - most)).sum();
        loss += Math.log(sum) + most - logits[i][labels[i]];
      }
      if (loss < least) {
        least = loss;
        weight = parameters.get("linear.weight").dup();
        bias = parameters.get("linear.bias").dup();
      }
      return Map.of(LOSS, loss / rows.length);
    }

    void restore() {
      if (weight != null) {
        parameters.get("linear.weight").assign(weight);
        parameters.get("linear.bias").assign(bias);
      }
    }
  }

  private SDVariable logits(Graph g, SDVariable x) {
    return Layers.linear(g, "linear", x, classes, true, Init.zeros());
  }

  private static float[][] rows(float[][] all, int[] places) {
    return Arrays.stream(places).mapToObj(i -> all[i]).toArray(float[][]::new);
  }

  private static int[] labels(int[] all, int[] places) {
    return Arrays.stream(places).map(i -> all[i]).toArray();
  }

  private void measure(float[][] features) {
    int width = features[0].length;
    means = new double[width];
    scales = new double[width];
    for (float[] row : features) {
      for (int f = 0; f < width; f++) {
        means[f] += row[f] / (double) features.length;
      }
    }
    for (float[] row : features) {
      for (int f = 0; f < width; f++) {
        scales[f] += (row[f] - means[f]) * (row[f] - means[f]) / features.length;
      }
    }
    Arrays.setAll(scales, f -> Math.sqrt(scales[f]) + 1e-8);
  }

  private void standardise(float[][] features) {
    for (float[] row : features) {
      for (int f = 0; f < row.length; f++) {
        row[f] = (float) ((row[f] - means[f]) / scales[f]);
      }
    }
  }

  /** Logits of standardised rows. */
  private double[][] decide(float[][] rows) {
    double[][] logits = new double[rows.length][];
    Graph g = new Graph(parameters, false);
    int batch = Math.min(BATCH, rows.length);
    SDVariable x = g.placeholder(FEATURES, batch, means.length);
    SDVariable z = logits(g, x);
    try (Plan plan = Plan.compile(g, z)) {
      for (int from = 0; from < rows.length; from += batch) {
        int start = Math.min(from, rows.length - batch); // the last batch overlaps
        try (INDArray some = Nd4j.createFromArray(Arrays.copyOfRange(rows, start, start + batch))) {
          plan.run(Map.of(FEATURES, some));
          double[][] values = plan.output(z).castTo(DataType.DOUBLE).toDoubleMatrix();
          System.arraycopy(values, 0, logits, start, batch);
        }
      }
    }
    return logits;
  }

  /** The class of every case, whose features it standardises in place. */
  int[] predict(float[][] features) {
    Check.that(parameters != null, "fit comes before predict");
    standardise(features);
    double[][] logits = decide(features);
    int[] labels = new int[logits.length];
    for (int i = 0; i < labels.length; i++) {
      for (int k = 1; k < classes; k++) {
        labels[i] = logits[i][k] > logits[i][labels[i]] ? k : labels[i];
      }
    }
    return labels;
  }
}
