package io.lapidary.model.sae;

import io.lapidary.Check;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * The k·B largest of ReLU((x − b_dec)·W_enc + b_enc) over a whole training batch (Bussmann et al.
 * 2024); in use all values above a threshold that training follows, so that a row's codes do not
 * depend on its batch.
 *
 * @param k mean number of active latents per row
 * @param dead how dead latents are brought back
 * @param tracking how the threshold follows the smallest positive code
 */
public record BatchTopKSae(int k, DeadLatents dead, ThresholdTracking tracking)
    implements SaeVariant {

  /** Checks ranges. */
  public BatchTopKSae {
    Check.positive("k", k);
    Check.present("dead", dead);
    Check.present("tracking", tracking);
  }

  @Override
  public String type() {
    return "batch_top_k";
  }

  @Override
  public void check(int latentWidth) {
    Selection.check(k, latentWidth);
  }

  @Override
  public boolean tracksThreshold() {
    return true;
  }

  @Override
  public SaeForward train(SaeGraph s, SDVariable x) {
    SDVariable active = s.ops().relu(s.preActivations(x));
    SDVariable codes = Selection.overBatch(s, active, k);
    s.followThreshold(Selection.minimum(s, codes), tracking);
    return Selection.forward(s, x, active, codes, dead);
  }

  @Override
  public SDVariable encode(SaeGraph s, SDVariable x) {
    return Selection.aboveThreshold(s, x);
  }
}
