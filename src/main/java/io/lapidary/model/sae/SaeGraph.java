package io.lapidary.model.sae;

import io.lapidary.engine.Graph;
import io.lapidary.engine.Init;
import io.lapidary.engine.Ops;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * The weights of an autoencoder in one graph, and the sums its variants are made of. Training state
 * (steps, counters, threshold) is kept in buffers, so that it is saved and resumed with the
 * weights.
 */
public final class SaeGraph {
  static final String ENCODER = "W_enc";
  static final String ENCODER_BIAS = "b_enc";
  static final String DECODER = "W_dec";
  static final String DECODER_BIAS = "b_dec";
  static final String THRESHOLD = "threshold";
  static final String SILENT = "num_samples_since_fired";
  static final String STEP = "step";

  private final Graph graph;
  private final SparseAutoencoderConfig config;
  private final boolean auxiliary;
  private final SDVariable decoder;

  /**
   * @param constrained whether the gradient of the decoder loses its part along each row
   * @param auxiliary whether latents may be dead, so that the loss that brings them back counts
   */
  SaeGraph(Graph graph, SparseAutoencoderConfig config, boolean constrained, boolean auxiliary) {
    this.graph = graph;
    this.config = config;
    this.auxiliary = auxiliary;
    SDVariable rows =
        graph.parameter(DECODER, Init.zeros(), config.latentWidth(), config.inputWidth());
    decoder = constrained ? graph.ops().tangentRows(rows) : rows;
  }

  Graph graph() {
    return graph;
  }

  Ops ops() {
    return graph.ops();
  }

  boolean auxiliary() {
    return auxiliary;
  }

  /** Dictionary vectors [F, d]. */
  SDVariable decoder() {
    return decoder;
  }

  SDVariable decoderBias() {
    return graph.parameter(DECODER_BIAS, Init.zeros(), config.inputWidth());
  }

  /** A trained vector [F]. */
  SDVariable perLatent(String name, Init init) {
    return graph.parameter(name, init, config.latentWidth());
  }

  private SDVariable encoder() {
    return graph.parameter(ENCODER, Init.zeros(), config.inputWidth(), config.latentWidth());
  }

  /** x·W_enc + b_enc. */
  SDVariable affine(SDVariable x) {
    return ops().dense(x, encoder(), perLatent(ENCODER_BIAS, Init.zeros()));
  }

  /** (x − b_dec)·W_enc + b_enc. */
  SDVariable preActivations(SDVariable x) {
    return affine(ops().sub(x, decoderBias()));
  }

  /** (x − b_dec)·W_enc. */
  SDVariable centredProduct(SDVariable x) {
    return ops().matmul(ops().sub(x, decoderBias()), encoder());
  }

  /** f·W_dec + b_dec. */
  SDVariable decode(SDVariable codes) {
    return ops().add(ops().matmul(codes, decoder), decoderBias());
  }

  /** Mean over rows of the squared distance. */
  SDVariable squaredError(SDVariable x, SDVariable y) {
    return rowMean(ops().square(ops().sub(x, y)));
  }

  /** Mean over rows of the sum of each. */
  SDVariable rowMean(SDVariable values) {
    return ops().mul(ops().sum(values, false), 1.0 / graph.size(values, 0));
  }

  /** Steps taken before this one [1]; each training step adds one. */
  private SDVariable step() {
    SDVariable step = graph.buffer(STEP, Init.zeros(), 1);
    if (!graph.updates().containsKey(STEP)) {
      graph.update(step, ops().add(step, 1));
    }
    return step;
  }

  /** min(step / steps, 1), a scalar. */
  SDVariable rise(long steps) {
    SDVariable one = graph.constant(1);
    if (steps == 0) {
      return one;
    }
    SDVariable share = ops().mul(ops().reshape(step(), new long[0]), 1.0 / steps);
    return ops().minimum(share, one);
  }

  /** Samples since each latent was active, this batch included [F]; kept from step to step. */
  SDVariable fired(SDVariable codes) {
    SDVariable before = graph.buffer(SILENT, Init.zeros(), config.latentWidth());
    SDVariable times = ops().sum(ops().greater(ops().abs(codes), 0), false, 0);
    SDVariable active = ops().greater(times, 0);
    SDVariable longer = ops().add(before, graph.size(codes, 0));
    // a float counts no further than 2^24
    SDVariable capped = ops().minimum(longer, graph.constant(16_000_000));
    SDVariable now = ops().mul(capped, ops().rsub(1, active));
    graph.update(before, now);
    return now;
  }

  /** The threshold of use [1]; −1 until training has set it. */
  SDVariable trackedThreshold() {
    return graph.buffer(THRESHOLD, Init.constant(-1), 1);
  }

  /** Moves the threshold to {@code least} [1] at first, later by an exponential average. */
  void followThreshold(SDVariable least, ThresholdTracking tracking) {
    Ops ops = ops();
    SDVariable old = trackedThreshold();
    SDVariable average =
        ops.add(ops.mul(old, tracking.decay()), ops.mul(least, 1 - tracking.decay()));
    SDVariable next = ops.where(ops.greaterOrEqual(old, 0), average, least);
    SDVariable begun = ops.greater(step(), tracking.start());
    graph.update(old, ops.where(begun, next, old));
  }
}
