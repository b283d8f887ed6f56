package io.lapidary.data;

import io.lapidary.Check;
import java.util.List;

/**
 * Shifts and scales channels: {@code (value - mean) / std}, with values in [0, 1] before.
 *
 * @param mean one per channel, or one for all
 * @param std one per channel, or one for all; above 0
 */
public record Normalization(List<Double> mean, List<Double> std) {
  /** Leaves values in [0, 1]. */
  public static final Normalization NONE = new Normalization(List.of(0.0), List.of(1.0));

  /** Maps [0, 1] to [-1, 1]. */
  public static final Normalization SYMMETRIC = new Normalization(List.of(0.5), List.of(0.5));

  /** The constants of OpenAI's CLIP preprocessing. */
  public static final Normalization CLIP =
      new Normalization(
          List.of(0.48145466, 0.4578275, 0.40821073), List.of(0.26862954, 0.26130258, 0.27577711));

  /** Checks the lists. */
  public Normalization {
    mean = List.copyOf(mean);
    std = List.copyOf(std);
    Check.that(!mean.isEmpty() && !std.isEmpty(), "mean and std need at least one value");
    std.forEach(value -> Check.positive("std", value));
  }

  /** The mean of a channel. */
  public float mean(int channel) {
    return (float) (double) mean.get(mean.size() == 1 ? 0 : channel);
  }

  /** The deviation of a channel. */
  public float std(int channel) {
    return (float) (double) std.get(std.size() == 1 ? 0 : channel);
  }
}
