package io.lapidary.train;

import io.lapidary.Seeds;
import io.lapidary.data.BatchSource;
import io.lapidary.data.Batches;
import io.lapidary.data.Column;
import io.lapidary.engine.Graph;
import io.lapidary.engine.Init;
import io.lapidary.engine.Ops;
import io.lapidary.engine.Parameters;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** A small network and a small regression problem. */
final class Tiny {
  static final int INPUTS = 3;
  static final int HIDDEN = 8;

  private Tiny() {}

  static Parameters parameters() {
    return new Parameters(DataType.FLOAT, 5);
  }

  /** Two layers; with {@code noisy} also batch norm and dropout. Losses {@code error, size}. */
  static Objective objective(boolean noisy) {
    return (graph, inputs) -> {
      SDVariable h = layer(graph, "hidden", inputs.get("x"), INPUTS, HIDDEN);
      if (noisy) {
        h =
            graph
                .ops()
                .batchNorm(
                    h,
                    graph.parameter("norm.weight", Init.ones(), HIDDEN),
                    graph.parameter("norm.bias", Init.zeros(), HIDDEN),
                    graph.buffer("norm.running_mean", Init.zeros(), HIDDEN),
                    graph.buffer("norm.running_var", Init.ones(), HIDDEN),
                    0.1,
                    1e-5);
      }
      h = graph.ops().tanh(h);
      h = noisy ? graph.ops().dropout(h, 0.25) : h;
      SDVariable y = layer(graph, "out", h, HIDDEN, 1);
      Map<String, SDVariable> losses = new LinkedHashMap<>();
      losses.put("error", graph.ops().squaredError(y, inputs.get("y"), Ops.Reduction.MEAN));
      losses.put("size", graph.ops().mean(graph.ops().square(h), false));
      return losses;
    };
  }

  private static SDVariable layer(Graph graph, String name, SDVariable x, int in, int out) {
    return graph
        .ops()
        .linear(
            x,
            graph.parameter(name + ".weight", Init.fanIn(in), out, in),
            graph.parameter(name + ".bias", Init.zeros(), out));
  }

  /** {@code examples} pairs of x [3] and y [1] with y a smooth function of x. */
  static BatchSource batches(int examples, int batchSize, boolean shuffle) {
    SplittableRandom random = new Seeds(3).random();
    float[][] x = new float[examples][INPUTS];
    float[][] y = new float[examples][1];
    for (int i = 0; i < examples; i++) {
      for (int j = 0; j < INPUTS; j++) {
        x[i][j] = (float) (2 * random.nextDouble() - 1);
      }
      y[i][0] = (float) Math.sin(x[i][0] - 2 * x[i][1]) + x[i][2] * x[i][0];
    }
    return Batches.builder(batchSize, new Seeds(9))
        .feature(Column.floats(x))
        .label(Column.floats(y))
        .shuffle(shuffle)
        .dropLast(false)
        .build();
  }

  static Trainer.Builder trainer(TrainConfig config, Parameters parameters, boolean noisy) {
    return Trainer.builder(config, parameters, objective(noisy), batches(37, 8, true))
        .features("x")
        .labels("y");
  }

  /** The exact values of every array. */
  static Map<String, String> bits(Map<String, INDArray> arrays) {
    Map<String, String> bits = new TreeMap<>();
    arrays.forEach(
        (name, array) -> {
          StringBuilder text = new StringBuilder();
          for (float value : array.dup('c').data().asFloat()) {
            text.append(Integer.toHexString(Float.floatToRawIntBits(value))).append(' ');
          }
          bits.put(name, text.toString());
        });
    return bits;
  }
}
