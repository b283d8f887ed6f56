package io.lapidary.model.sae;

import io.lapidary.Check;
import io.lapidary.engine.Init;
import io.lapidary.engine.Ops;
import java.util.LinkedHashMap;
import java.util.Map;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * A gate decides which latents are active, another map how much (Rajamanoharan et al. 2024). With p
 * = (x − b_dec)·W_enc: f = 1[p + b_gate &gt; 0] · ReLU(p·exp(r_mag) + b_mag). The gate learns by an
 * L1 penalty on ReLU(p + b_gate) and by reconstructing from it through a frozen decoder.
 *
 * @param l1 factor of the penalty
 * @param warmup steps over which the factor rises linearly from 0; 0 for none
 */
public record GatedSae(double l1, long warmup) implements SaeVariant {

  /** Checks ranges. */
  public GatedSae {
    Check.between("l1", l1, 0, 1e6);
    Check.notNegative("warmup", warmup);
  }

  @Override
  public String type() {
    return "gated";
  }

  @Override
  public SaeForward train(SaeGraph s, SDVariable x) {
    Ops ops = s.ops();
    SDVariable shared = s.centredProduct(x);
    SDVariable gate = gate(s, shared);
    SDVariable codes = codes(s, shared, gate);
    SDVariable reconstruction = s.decode(codes);
    s.fired(codes);
    SDVariable open = ops.relu(gate);
    SDVariable fromGate =
        ops.add(ops.matmul(open, ops.stopGradient(s.decoder())), ops.stopGradient(s.decoderBias()));
    Map<String, SDVariable> losses = new LinkedHashMap<>();
    losses.put("reconstruction", s.squaredError(x, reconstruction));
    losses.put("sparsity", ops.mul(ops.mul(s.rowMean(open), l1), s.rise(warmup)));
    losses.put("gate", s.squaredError(x, fromGate));
    return new SaeForward(codes, reconstruction, losses);
  }

  @Override
  public SDVariable encode(SaeGraph s, SDVariable x) {
    SDVariable shared = s.centredProduct(x);
    return codes(s, shared, gate(s, shared));
  }

  private static SDVariable gate(SaeGraph s, SDVariable shared) {
    return s.ops().add(shared, s.perLatent("b_gate", Init.zeros()));
  }

  private static SDVariable codes(SaeGraph s, SDVariable shared, SDVariable gate) {
    Ops ops = s.ops();
    SDVariable scale = ops.exp(s.perLatent("r_mag", Init.zeros()));
    SDVariable size = ops.add(ops.mul(shared, scale), s.perLatent("b_mag", Init.zeros()));
    return ops.mul(ops.relu(size), ops.greater(gate, 0));
  }
}
