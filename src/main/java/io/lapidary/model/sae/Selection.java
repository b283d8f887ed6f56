package io.lapidary.model.sae;

import io.lapidary.Check;
import io.lapidary.engine.Ops;
import java.util.LinkedHashMap;
import java.util.Map;
import org.nd4j.autodiff.samediff.SDVariable;

/** What the variants that select the largest codes share. */
final class Selection {
  private static final double NOTHING = 1e30;

  private Selection() {}

  static void check(int k, int latentWidth) {
    Check.that(k <= latentWidth, "k must be at most the %d latents, got %d", latentWidth, k);
  }

  /** The k·B largest of {@code active} [B, F], else 0. */
  static SDVariable overBatch(SaeGraph s, SDVariable active, int k) {
    long count = k * s.graph().size(active, 0);
    return s.ops().mul(active, s.ops().batchTopKMask(active, count));
  }

  /** Activations above the tracked threshold. */
  static SDVariable aboveThreshold(SaeGraph s, SDVariable x) {
    SDVariable active = s.ops().relu(s.preActivations(x));
    return s.ops().mul(active, s.ops().greater(active, s.trackedThreshold()));
  }

  /** Smallest positive entry; 0 when there is none. */
  static SDVariable minimum(SaeGraph s, SDVariable codes) {
    Ops ops = s.ops();
    SDVariable least = ops.min(positive(s, codes), false);
    return ops.reshape(ops.mul(least, ops.rsub(1, ops.greater(least, NOTHING / 2))), 1);
  }

  /** Mean over the rows that have a positive entry of their smallest; 0 when no row has one. */
  static SDVariable meanOfRowMinima(SaeGraph s, SDVariable codes) {
    Ops ops = s.ops();
    SDVariable least = ops.min(positive(s, codes), false, 1);
    SDVariable counted = ops.rsub(1, ops.greater(least, NOTHING / 2));
    SDVariable sum = ops.sum(ops.mul(least, counted), false);
    SDVariable count = ops.maximum(ops.sum(counted, false), s.graph().constant(1));
    return ops.reshape(ops.div(sum, count), 1);
  }

  private static SDVariable positive(SaeGraph s, SDVariable codes) {
    SDVariable absent = s.ops().rsub(1, s.ops().greater(codes, 0)); // where() takes far longer
    return s.ops().add(codes, s.ops().mul(absent, NOTHING));
  }

  static SaeForward forward(
      SaeGraph s, SDVariable x, SDVariable active, SDVariable codes, DeadLatents dead) {
    SDVariable reconstruction = s.decode(codes);
    Map<String, SDVariable> losses = new LinkedHashMap<>();
    losses.put("reconstruction", s.squaredError(x, reconstruction));
    addAuxiliary(s, x, reconstruction, active, codes, dead, losses);
    return new SaeForward(codes, reconstruction, losses);
  }

  /**
   * The auxiliary loss: dead latents, up to d/2 a row, reconstruct the error e of the others: α ·
   * mean‖e − ê‖² / mean‖e − mean e‖²; 0 without dead latents or without error. No gradient flows
   * through e.
   */
  static void addAuxiliary(
      SaeGraph s,
      SDVariable x,
      SDVariable reconstruction,
      SDVariable active,
      SDVariable codes,
      DeadLatents dead,
      Map<String, SDVariable> losses) {
    SDVariable silent = s.fired(codes);
    if (dead.alpha() == 0) {
      return;
    }
    Ops ops = s.ops();
    if (!s.auxiliary()) {
      losses.put("auxk", ops.mul(losses.values().iterator().next(), 0));
      return;
    }
    SDVariable isDead = ops.greaterOrEqual(silent, dead.deadAfter());
    int width = (int) s.graph().size(x, 1);
    int most = Math.min(Math.max(1, width / 2), (int) s.graph().size(codes, 1));
    SDVariable candidates = ops.mul(active, isDead);
    SDVariable chosen = ops.mul(candidates, ops.topKMask(candidates, most));
    SDVariable error = ops.stopGradient(ops.sub(x, reconstruction));
    SDVariable guess = ops.matmul(chosen, s.decoder());
    SDVariable spread = s.squaredError(error, ops.mean(error, true, 0));
    SDVariable usable = ops.mul(ops.greater(spread, 0), ops.max(isDead, false));
    SDVariable safe = ops.add(spread, ops.rsub(1, ops.greater(spread, 0)));
    SDVariable ratio = ops.div(s.squaredError(error, guess), safe);
    losses.put("auxk", ops.mul(ops.mul(ratio, usable), dead.alpha()));
  }
}
