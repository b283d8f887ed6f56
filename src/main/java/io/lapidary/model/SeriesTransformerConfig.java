package io.lapidary.model;

import io.lapidary.Check;

/**
 * Sizes of a {@link SeriesTransformer}.
 *
 * @param length values of a series, which others are stretched to
 * @param tokens patches of the series; divides {@code length}
 * @param width of the residual stream
 * @param kernel values that a convolution sees, odd
 * @param scalarWidth width of the encodings of a patch's mean and deviation
 * @param layers number of blocks
 * @param heads attention heads
 * @param headWidth width of each head
 * @param mlp width inside the perceptrons
 * @param dropout share dropped while training
 */
public record SeriesTransformerConfig(
    int length,
    int tokens,
    int width,
    int kernel,
    int scalarWidth,
    int layers,
    int heads,
    int headWidth,
    int mlp,
    double dropout) {

  /** Checks the fields. */
  public SeriesTransformerConfig {
    Check.positive("length", length);
    Check.that(
        tokens > 0 && length % tokens == 0 && length / tokens >= 2,
        "tokens must divide the length %d into patches of two values or more, got %d",
        length,
        tokens);
    Check.that(width > 0 && width % 2 == 0, "width must be even and above 0, got %d", width);
    Check.that(kernel > 0 && kernel % 2 == 1, "kernel must be odd, got %d", kernel);
    Check.positive("scalarWidth", scalarWidth);
    Check.positive("layers", layers);
    Check.positive("heads", heads);
    Check.positive("headWidth", headWidth);
    Check.positive("mlp", mlp);
    Check.that(dropout >= 0 && dropout < 1, "dropout must be in [0, 1), got %s", dropout);
  }

  /** The published size: 512 values in 32 tokens of 256, six blocks. */
  public static SeriesTransformerConfig published() {
    return new SeriesTransformerConfig(512, 32, 256, 17, 32, 6, 8, 128, 512, 0.1);
  }
}
