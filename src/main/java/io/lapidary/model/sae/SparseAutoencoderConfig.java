package io.lapidary.model.sae;

import io.lapidary.Check;

/**
 * Size and kind of a sparse autoencoder.
 *
 * @param inputWidth width d of the activations
 * @param latentWidth number F of dictionary vectors
 * @param variant how codes are made
 */
public record SparseAutoencoderConfig(int inputWidth, int latentWidth, SaeVariant variant) {

  /** Checks the sizes. */
  public SparseAutoencoderConfig {
    Check.positive("inputWidth", inputWidth);
    Check.positive("latentWidth", latentWidth);
    Check.present("variant", variant);
    variant.check(latentWidth);
  }
}
