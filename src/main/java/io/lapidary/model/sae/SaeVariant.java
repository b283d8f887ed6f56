package io.lapidary.model.sae;

import org.nd4j.autodiff.samediff.SDVariable;

/**
 * How codes are made of activations and what training minimises. A variant is a record of its own
 * numbers that checks itself.
 */
public sealed interface SaeVariant
    permits StandardSae, GatedSae, JumpReluSae, TopKSae, BatchTopKSae, MatryoshkaSae {

  /** Name in configuration files. */
  String type();

  /** Codes, reconstruction and losses of a training batch x [B, d]. */
  SaeForward train(SaeGraph s, SDVariable x);

  /** Codes [B, F] of x [B, d] for use; those of a row do not depend on the other rows. */
  SDVariable encode(SaeGraph s, SDVariable x);

  /** Requires that the variant fits so many latents. */
  default void check(int latentWidth) {}

  /** How dead latents are brought back by a loss of their own; null where nothing does. */
  default DeadLatents dead() {
    return null;
  }

  /** Whether use needs a threshold that training has set. */
  default boolean tracksThreshold() {
    return false;
  }

  /** Norm of the fresh dictionary vectors. */
  default double initialNorm() {
    return 1;
  }
}
