package io.lapidary.model.sae;

import io.lapidary.Check;

/**
 * How dead latents are brought back: the auxiliary loss of Gao et al. (2024) lets them reconstruct
 * the error of the others.
 *
 * @param alpha factor of the auxiliary loss; 0 for none
 * @param deadAfter samples without activity after which a latent is dead
 */
public record DeadLatents(double alpha, long deadAfter) {

  /** Checks ranges. */
  public DeadLatents {
    Check.between("alpha", alpha, 0, 1e6);
    Check.positive("deadAfter", deadAfter);
    // counters are floats, which hold whole numbers up to 2^24
    Check.between("deadAfter", deadAfter, 1, 15_000_000);
  }

  /** The values of the paper: 1/32, dead after 10 million samples. */
  public static DeadLatents usual() {
    return new DeadLatents(1.0 / 32, 10_000_000);
  }
}
