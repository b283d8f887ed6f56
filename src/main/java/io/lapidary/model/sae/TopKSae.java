package io.lapidary.model.sae;

import io.lapidary.Check;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * The k largest of ReLU((x − b_dec)·W_enc + b_enc) in each row (Gao et al. 2024), in training and
 * in use. Of equal values the lower index wins; zeros that are selected stay zero.
 *
 * @param k active latents per row
 * @param dead how dead latents are brought back
 * @param tracking how the smallest positive code is followed; rows without one are left out
 */
public record TopKSae(int k, DeadLatents dead, ThresholdTracking tracking) implements SaeVariant {

  /** Checks ranges. */
  public TopKSae {
    Check.positive("k", k);
    Check.present("dead", dead);
    Check.present("tracking", tracking);
  }

  @Override
  public String type() {
    return "top_k";
  }

  @Override
  public void check(int latentWidth) {
    Selection.check(k, latentWidth);
  }

  @Override
  public SaeForward train(SaeGraph s, SDVariable x) {
    SDVariable active = s.ops().relu(s.preActivations(x));
    SDVariable codes = s.ops().mul(active, s.ops().topKMask(active, k));
    s.followThreshold(Selection.meanOfRowMinima(s, codes), tracking);
    return Selection.forward(s, x, active, codes, dead);
  }

  @Override
  public SDVariable encode(SaeGraph s, SDVariable x) {
    SDVariable active = s.ops().relu(s.preActivations(x));
    return s.ops().mul(active, s.ops().topKMask(active, k));
  }
}
