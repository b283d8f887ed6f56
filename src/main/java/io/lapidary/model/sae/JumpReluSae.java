package io.lapidary.model.sae;

import io.lapidary.Check;
import io.lapidary.engine.Init;
import io.lapidary.engine.Ops;
import java.util.LinkedHashMap;
import java.util.Map;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * A learned threshold per latent: f = z·1[z &gt; θ] with z = x·W_enc + b_enc, and a loss that pulls
 * the mean number of active latents L0 to a target: λ·(L0/target − 1)².
 *
 * @param penalty λ
 * @param targetL0 active latents per row
 * @param bandwidth width of the pseudo-derivatives; 0.001 in the paper
 * @param warmup steps over which λ rises linearly from 0; 0 for none
 */
public record JumpReluSae(double penalty, double targetL0, double bandwidth, long warmup)
    implements SaeVariant {
  private static final double FIRST_THRESHOLD = 0.001;

  /** Checks ranges. */
  public JumpReluSae {
    Check.between("penalty", penalty, 0, 1e6);
    Check.positive("targetL0", targetL0);
    Check.positive("bandwidth", bandwidth);
    Check.notNegative("warmup", warmup);
  }

  @Override
  public String type() {
    return "jumprelu";
  }

  @Override
  public SaeForward train(SaeGraph s, SDVariable x) {
    Ops ops = s.ops();
    SDVariable codes = encode(s, x);
    SDVariable reconstruction = s.decode(codes);
    s.fired(codes);
    // of the codes after the jump, as the authors do: only values just above θ move it
    SDVariable count = s.rowMean(ops.stepAbove(codes, threshold(s), bandwidth));
    SDVariable miss = ops.square(ops.add(ops.mul(count, 1 / targetL0), -1));
    Map<String, SDVariable> losses = new LinkedHashMap<>();
    losses.put("reconstruction", s.squaredError(x, reconstruction));
    losses.put("sparsity", ops.mul(ops.mul(miss, penalty), s.rise(warmup)));
    return new SaeForward(codes, reconstruction, losses);
  }

  @Override
  public SDVariable encode(SaeGraph s, SDVariable x) {
    return s.ops().jumpRelu(s.affine(x), threshold(s), bandwidth);
  }

  private static SDVariable threshold(SaeGraph s) {
    return s.perLatent(SaeGraph.THRESHOLD, Init.constant(FIRST_THRESHOLD));
  }
}
