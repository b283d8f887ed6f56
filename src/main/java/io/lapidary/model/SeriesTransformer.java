package io.lapidary.model;

import io.lapidary.Check;
import io.lapidary.engine.Graph;
import io.lapidary.engine.Init;
import io.lapidary.engine.Ops;
import io.lapidary.engine.Parameters;
import io.lapidary.layer.Layers;
import io.lapidary.layer.Patches;
import java.util.ArrayList;
import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * A transformer on time series in the manner of Mantis (Feofanov et al. 2025): tokens are patches
 * of a convolution of the series, of one of its differences, and encodings of the mean and
 * deviation of the raw patch; class token, fixed sinusoidal positions, pre-norm blocks. Trained by
 * telling two crops of a series from those of others.
 */
public final class SeriesTransformer implements AutoCloseable {
  private static final double EPSILON = 1e-5;
  private static final int SMALLEST = -4; // powers of ten of the scalar encoders
  private static final int LARGEST = 4;
  private static final double SOFTENED = 1.1;
  private static final double BASE = 1e4;

  private final SeriesTransformerConfig config;
  private final Parameters parameters;
  private final BatchRunner runner;

  /** A model over a store; parameters that the store lacks are made when a graph asks for them. */
  public SeriesTransformer(SeriesTransformerConfig config, Parameters parameters) {
    this.config = Check.present("config", config);
    this.parameters = Check.present("parameters", parameters);
    this.runner = new BatchRunner(parameters, 64, 4);
  }

  /** Sizes. */
  public SeriesTransformerConfig config() {
    return config;
  }

  /** Live weights, shared by all graphs of this model. */
  public Parameters parameters() {
    return parameters;
  }

  // ---- graphs -------------------------------------------------------------------------------

  /**
   * States [B, 1 + tokens, width] of what enters the blocks and of every block, the class token
   * first.
   *
   * @param series raw values [B, length]
   */
  public List<SDVariable> states(Graph g, SDVariable series) {
    Ops ops = g.ops();
    long batch = g.size(series, 0);
    Check.that(
        g.size(series, 1) == config.length(),
        "series must have %d values, got %d",
        config.length(),
        g.size(series, 1));
    SDVariable values = normalised(g, series);
    SDVariable steps =
        ops.sub(
            ops.slice(values, 1, 1, config.length() - 1L),
            ops.slice(values, 1, 0, config.length() - 1L));
    SDVariable changes = normalised(g, ops.pad(steps, 1, 0, 1));
    int patch = config.length() / config.tokens();
    SDVariable raw = ops.reshape(series, batch, config.tokens(), patch);
    SDVariable mean = ops.mean(raw, true, 2);
    SDVariable deviation =
        ops.sqrt(ops.add(ops.mean(ops.square(ops.sub(raw, mean)), true, 2), 1e-12));
    SDVariable tokens =
        ops.concat(
            2,
            convolved(g, "values", values),
            convolved(g, "changes", changes),
            scalar(g, "mean", mean),
            scalar(g, "deviation", deviation));
    tokens = Layers.linear(g, "tokens.embed", tokens, config.width(), true);
    tokens = Layers.layerNorm(g, "tokens.norm", tokens, EPSILON);
    SDVariable x = Patches.prependToken(g, "class_token", tokens);
    x = ops.add(x, g.constant(positions()));
    x = ops.dropout(x, config.dropout());
    List<SDVariable> states = new ArrayList<>();
    states.add(x);
    for (int i = 0; i < config.layers(); i++) {
      x = block(g, "blocks." + i, x);
      states.add(x);
    }
    return states;
  }

  /**
   * The contrastive loss of two views of every series (InfoNCE, temperature 0.1) behind a linear
   * head on the class token.
   *
   * @param first raw values [B, length]
   * @param second other crops of the same series
   */
  public SDVariable loss(Graph g, SDVariable first, SDVariable second) {
    return g.ops().infoNce(projected(g, first), projected(g, second), g.constant(10));
  }

  private SDVariable projected(Graph g, SDVariable series) {
    List<SDVariable> states = states(g, series);
    SDVariable token = first(g, states.get(states.size() - 1));
    token = Layers.layerNorm(g, "head.norm", token, EPSILON);
    SDVariable out = Layers.linear(g, "head.linear", token, config.width(), true);
    return g.ops().l2Normalize(out, 1, 1e-12);
  }

  private SDVariable first(Graph g, SDVariable x) {
    return g.ops().reshape(g.ops().slice(x, 1, 0, 1), g.size(x, 0), config.width());
  }

  /** Every series less its mean, divided by its sample deviation + 1e-5. */
  private SDVariable normalised(Graph g, SDVariable x) {
    Ops ops = g.ops();
    SDVariable centred = ops.sub(x, ops.mean(x, true, 1));
    double correction = config.length() / (config.length() - 1.0);
    SDVariable variance = ops.mul(ops.mean(ops.square(centred), true, 1), correction);
    return ops.div(centred, ops.add(ops.sqrt(ops.add(variance, 1e-12)), 1e-5));
  }

  /** A convolution with zeros beyond the ends, its norm, and the mean over each patch. */
  private SDVariable convolved(Graph g, String name, SDVariable x) {
    Ops ops = g.ops();
    long batch = g.size(x, 0);
    int half = config.kernel() / 2;
    SDVariable padded = ops.reshape(ops.pad(x, 1, half, half), batch, -1, 1);
    SDVariable[] shifted = new SDVariable[config.kernel()];
    for (int j = 0; j < shifted.length; j++) {
      shifted[j] = ops.slice(padded, 1, j, config.length());
    }
    SDVariable windows = shifted.length == 1 ? shifted[0] : ops.concat(2, shifted);
    SDVariable y = Layers.linear(g, name + ".convolution", windows, config.width(), true);
    y = Layers.layerNorm(g, name + ".norm", y, EPSILON);
    int patch = config.length() / config.tokens();
    y = ops.reshape(y, batch, config.tokens(), patch, config.width());
    return ops.mean(y, false, 2);
  }

  /** Numbers [B, tokens, 1] of any size as vectors: encoders of nine scales, the near ones more. */
  private SDVariable scalar(Graph g, String name, SDVariable x) {
    Ops ops = g.ops();
    SDVariable sum = null;
    SDVariable total = null;
    for (int power = SMALLEST; power <= LARGEST; power++) {
      double scale = Math.pow(10, power);
      String own = name + ".scale." + (power - SMALLEST);
      SDVariable w = g.parameter(own + ".weight", Init.normal(1), config.scalarWidth());
      SDVariable b = g.parameter(own + ".bias", Init.normal(1), config.scalarWidth());
      SDVariable encoded =
          Layers.layerNorm(g, own + ".norm", ops.add(ops.mul(x, w), ops.mul(b, scale)), EPSILON);
      SDVariable near =
          ops.abs(ops.reciprocal(ops.log(ops.add(ops.mul(ops.abs(x), 1 / scale), SOFTENED))));
      SDVariable part = ops.mul(encoded, near);
      sum = sum == null ? part : ops.add(sum, part);
      total = total == null ? near : ops.add(total, near);
    }
    return ops.div(sum, total);
  }

  private SDVariable block(Graph g, String name, SDVariable x) {
    Ops ops = g.ops();
    long[] s = g.shape(x);
    int inner = config.heads() * config.headWidth();
    SDVariable n = Layers.layerNorm(g, name + ".norm1", x, EPSILON);
    SDVariable[] parts = new SDVariable[3];
    String[] names = {".query", ".key", ".value"};
    for (int i = 0; i < 3; i++) {
      SDVariable y = Layers.linear(g, name + names[i], n, inner, false);
      y = ops.reshape(y, s[0], s[1], config.heads(), config.headWidth());
      parts[i] = ops.permute(y, 0, 2, 1, 3);
    }
    double scale = 1 / Math.sqrt(config.headWidth());
    SDVariable mixed =
        ops.attention(parts[0], parts[1], parts[2], scale, Ops.AttentionMask.FULL, null);
    SDVariable joined = ops.reshape(ops.permute(mixed, 0, 2, 1, 3), s[0], s[1], inner);
    SDVariable out = Layers.linear(g, name + ".out", joined, config.width(), true);
    SDVariable h = ops.add(x, ops.dropout(out, config.dropout()));
    SDVariable wide = Layers.layerNorm(g, name + ".norm2", h, EPSILON);
    wide = ops.gelu(Layers.linear(g, name + ".fc1", wide, config.mlp(), true));
    SDVariable narrow = Layers.linear(g, name + ".fc2", wide, config.width(), true);
    return ops.add(h, ops.dropout(narrow, config.dropout()));
  }

  /** Sines and cosines [1, 1 + tokens, width] (Vaswani et al. 2017). */
  private INDArray positions() {
    int rows = 1 + config.tokens();
    int width = config.width();
    double[] table = new double[rows * width];
    for (int t = 0; t < rows; t++) {
      for (int i = 0; i < width / 2; i++) {
        double angle = t / Math.pow(BASE, 2.0 * i / width);
        table[t * width + 2 * i] = Math.sin(angle);
        table[t * width + 2 * i + 1] = Math.cos(angle);
      }
    }
    return Nd4j.createFromArray(table).reshape(1, rows, width).castTo(parameters.type());
  }

  // ---- arrays -------------------------------------------------------------------------------

  /**
   * Features [B, 2 · width] of a layer: its class token and the mean of the other tokens; the
   * caller closes them.
   *
   * @param series raw values [B, length]
   * @param layer 0 for what enters the blocks, n for block n
   */
  public INDArray features(INDArray series, int layer) {
    Check.between("layer", layer, 0, config.layers());
    return runner
        .run(
            "layer " + layer,
            parameters.type() == DataType.DOUBLE ? DataType.DOUBLE : DataType.FLOAT,
            series,
            (g, input) -> {
              SDVariable x = states(g, input).get(layer);
              SDVariable mean = g.ops().mean(g.ops().slice(x, 1, 1, config.tokens()), false, 1);
              return List.of(g.ops().concat(1, first(g, x), mean));
            })
        .get(0);
  }

  /** Frees the plans; the weights stay. */
  @Override
  public void close() {
    runner.close();
  }
}
