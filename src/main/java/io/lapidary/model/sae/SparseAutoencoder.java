package io.lapidary.model.sae;

import io.lapidary.Check;
import io.lapidary.InputException;
import io.lapidary.Seeds;
import io.lapidary.engine.Graph;
import io.lapidary.engine.Init;
import io.lapidary.engine.Parameters;
import io.lapidary.engine.Plan;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * An overcomplete dictionary of activations x [B, d]: sparse codes f [B, F] and reconstructions
 * f·W_dec + b_dec. Parameters: {@code W_enc} [d, F], {@code b_enc} [F], {@code W_dec} [F, d],
 * {@code b_dec} [d]; Gated has {@code b_gate}, {@code r_mag}, {@code b_mag} [F] in place of {@code
 * b_enc}; JumpReLU {@code threshold} [F], the top-k variants {@code threshold} [1].
 */
public final class SparseAutoencoder {
  private final SparseAutoencoderConfig config;
  private final Parameters parameters;

  /** An autoencoder over the weights of a store; those not there are made when a graph is built. */
  public SparseAutoencoder(SparseAutoencoderConfig config, Parameters parameters) {
    this.config = Check.present("config", config);
    this.parameters = Check.present("parameters", parameters);
  }

  /**
   * An autoencoder with fresh weights: dictionary vectors of random direction, the encoder their
   * transpose, biases 0 (the encoder bias of the standard variant uniform in ±1/√d).
   */
  public static SparseAutoencoder fresh(SparseAutoencoderConfig config, DataType type, long seed) {
    Parameters parameters = new Parameters(type, seed);
    int d = config.inputWidth();
    int f = config.latentWidth();
    boolean standard = config.variant() instanceof StandardSae;
    SplittableRandom random = new Seeds(seed).stream("dictionary").random();
    Init directions = standard ? Init.normal(1) : Init.uniform(Math.sqrt(6.0 / d));
    double[] rows = directions.values(new long[] {f, d}, random);
    double[] columns = new double[rows.length];
    for (int j = 0; j < f; j++) {
      double squares = 0;
      for (int i = 0; i < d; i++) {
        squares += rows[j * d + i] * rows[j * d + i];
      }
      double scale = config.variant().initialNorm() / Math.sqrt(squares);
      for (int i = 0; i < d; i++) {
        rows[j * d + i] *= scale;
        columns[i * f + j] = rows[j * d + i];
      }
    }
    parameters.getOrCreate(SaeGraph.DECODER, (shape, r) -> rows, f, d);
    parameters.getOrCreate(SaeGraph.ENCODER, (shape, r) -> columns, d, f);
    if (standard) {
      parameters.getOrCreate(SaeGraph.ENCODER_BIAS, Init.fanIn(d), f);
    }
    return new SparseAutoencoder(config, parameters);
  }

  /** Size and kind. */
  public SparseAutoencoderConfig config() {
    return config;
  }

  /** The live weights and training state. */
  public Parameters parameters() {
    return parameters;
  }

  /**
   * Codes, reconstruction and losses of a training batch x [B, d].
   *
   * @param constrained whether the gradient of the decoder loses its part along each row, as
   *     training with unit rows wants
   */
  public SaeForward train(Graph graph, SDVariable x, boolean constrained) {
    return train(graph, x, constrained, true);
  }

  /**
   * As above.
   *
   * @param auxiliary false leaves out the loss that brings dead latents back, for steps in which
   *     {@link #mayHaveDeadLatents} says that it is 0
   */
  public SaeForward train(Graph graph, SDVariable x, boolean constrained, boolean auxiliary) {
    return config.variant().train(new SaeGraph(graph, config, constrained, auxiliary), x);
  }

  /** Whether any latent can be dead in a training step of so many rows, by its counters. */
  public boolean mayHaveDeadLatents(long rows) {
    DeadLatents dead = config.variant().dead();
    if (dead == null || dead.alpha() == 0) {
      return false;
    }
    double longest = 0;
    if (parameters.contains(SaeGraph.SILENT)) {
      for (float silent : parameters.get(SaeGraph.SILENT).data().asFloat()) {
        longest = Math.max(longest, silent);
      }
    }
    return longest + rows >= dead.deadAfter();
  }

  /** Codes [B, F] of x [B, d] for use. */
  public SDVariable encode(Graph graph, SDVariable x) {
    return config.variant().encode(new SaeGraph(graph, config, false, false), x);
  }

  /** Reconstructions [B, d] of codes [B, F]. */
  public SDVariable decode(Graph graph, SDVariable codes) {
    return new SaeGraph(graph, config, false, false).decode(codes);
  }

  /**
   * Codes [B, F] of x [B, d] for use; a row's codes do not depend on the others. The caller closes
   * them.
   *
   * @throws InputException when the width differs, or training ended before it set the threshold
   */
  public INDArray encode(INDArray x) {
    requireWidth("activations", x, config.inputWidth());
    requireThreshold();
    return run(x, this::encode);
  }

  /** Reconstructions [B, d] of codes [B, F]; the caller closes them. */
  public INDArray decode(INDArray codes) {
    requireWidth("codes", codes, config.latentWidth());
    return run(codes, this::decode);
  }

  /** Divides every dictionary vector by its norm; one of norm 0 stays. */
  public void normalizeDecoder() {
    INDArray rows = parameters.get(SaeGraph.DECODER);
    try (INDArray norms = rows.norm2(1)) {
      norms.addi(rows.dataType() == DataType.DOUBLE ? 1e-12 : 1e-9);
      rows.diviColumnVector(norms);
    }
  }

  /**
   * Turns an autoencoder of x/s into one of x: biases and thresholds times s, matrices as they are,
   * since all codes scale with their input.
   */
  public void unscale(double s) {
    Check.that(s > 0 && Double.isFinite(s), "the scale must be above 0, got %s", s);
    for (String name :
        new String[] {
          SaeGraph.ENCODER_BIAS, SaeGraph.DECODER_BIAS, "b_gate", "b_mag", SaeGraph.THRESHOLD
        }) {
      boolean unset = name.equals(SaeGraph.THRESHOLD) && thresholdUnset();
      if (parameters.contains(name) && !unset) {
        parameters.get(name).muli(s);
      }
    }
  }

  private boolean thresholdUnset() {
    return config.variant().tracksThreshold()
        && (!parameters.contains(SaeGraph.THRESHOLD)
            || parameters.get(SaeGraph.THRESHOLD).getDouble(0) < 0);
  }

  void requireThreshold() {
    if (thresholdUnset()) {
      throw InputException.of(
          "this %s autoencoder has no threshold: training ended before it was set; train for more"
              + " steps or start following the threshold earlier",
          config.variant().type());
    }
  }

  private static void requireWidth(String what, INDArray x, int width) {
    if (x.rank() != 2 || x.size(1) != width) {
      throw InputException.of(
          "%s must have shape [rows, %d], got %s", what, width, Arrays.toString(x.shape()));
    }
  }

  private interface Body {
    SDVariable add(Graph graph, SDVariable input);
  }

  private INDArray run(INDArray input, Body body) {
    if (input.size(0) == 0) {
      throw InputException.of("there are no rows to work on");
    }
    Graph graph = new Graph(parameters, false);
    SDVariable x = graph.placeholder("x", input.shape());
    SDVariable y = graph.name(body.add(graph, x), "y");
    try (Plan plan = Plan.compile(graph, y)) {
      INDArray result = plan.run(java.util.Map.of("x", input.castTo(parameters.type()))).get("y");
      return Nd4j.createUninitialized(result.dataType(), result.shape(), 'c').assign(result);
    }
  }
}
