package io.lapidary.model.sae;

import io.lapidary.Check;
import java.util.LinkedHashMap;
import java.util.Map;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * ReLU codes with an L1 penalty: f = ReLU((x − b_dec)·W_enc + b_enc).
 *
 * @param l1 factor of the mean over rows of Σ|f|
 * @param warmup steps over which the factor rises linearly from 0; 0 for none
 */
public record StandardSae(double l1, long warmup) implements SaeVariant {

  /** Checks ranges. */
  public StandardSae {
    Check.between("l1", l1, 0, 1e6);
    Check.notNegative("warmup", warmup);
  }

  @Override
  public String type() {
    return "standard";
  }

  @Override
  public SaeForward train(SaeGraph s, SDVariable x) {
    SDVariable codes = encode(s, x);
    SDVariable reconstruction = s.decode(codes);
    s.fired(codes);
    Map<String, SDVariable> losses = new LinkedHashMap<>();
    losses.put("reconstruction", s.squaredError(x, reconstruction));
    SDVariable size = s.rowMean(s.ops().abs(codes));
    losses.put("sparsity", s.ops().mul(s.ops().mul(size, l1), s.rise(warmup)));
    return new SaeForward(codes, reconstruction, losses);
  }

  @Override
  public SDVariable encode(SaeGraph s, SDVariable x) {
    return s.ops().relu(s.preActivations(x));
  }

  @Override
  public double initialNorm() {
    return 0.1;
  }
}
