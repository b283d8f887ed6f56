package io.lapidary.method.sae;

import io.lapidary.Check;
import io.lapidary.model.sae.BatchTopKSae;
import io.lapidary.model.sae.DeadLatents;
import io.lapidary.model.sae.GatedSae;
import io.lapidary.model.sae.JumpReluSae;
import io.lapidary.model.sae.MatryoshkaSae;
import io.lapidary.model.sae.SaeVariant;
import io.lapidary.model.sae.StandardSae;
import io.lapidary.model.sae.ThresholdTracking;
import io.lapidary.model.sae.TopKSae;
import java.util.List;

/**
 * Variants by name, with the numbers of the paper fitted to a run: thresholds and penalties rise
 * within a tenth of it, latents are dead after twice the data.
 *
 * @param k mean active latents per row, where the variant has such a number
 * @param penalty of sparsity, where the variant has one
 * @param groupFractions shares of the Matryoshka groups, coarse first
 * @param steps of the run
 * @param batch rows per step
 * @param rows of the data
 * @param auxiliary factor of the loss that brings dead latents back; 1/32 when null, 0 for none
 * @param deadAfter rows without activity after which a latent is dead; twice the data when null
 */
public record SaeVariants(
    int k,
    double penalty,
    List<Double> groupFractions,
    long steps,
    int batch,
    long rows,
    Double auxiliary,
    Long deadAfter) {
  /** With the usual numbers for dead latents. */
  public SaeVariants(
      int k, double penalty, List<Double> groupFractions, long steps, int batch, long rows) {
    this(k, penalty, groupFractions, steps, batch, rows, null, null);
  }

  /** All names. */
  public static final List<String> NAMES =
      List.of("standard", "gated", "jumprelu", "top_k", "batch_top_k", "matryoshka_batch_top_k");

  private static final double AUXILIARY = 1.0 / 32;
  private static final double BANDWIDTH = 0.001;

  /** Shares of the authors' groups. */
  public static final List<Double> USUAL_FRACTIONS = List.of(0.0625, 0.125, 0.25, 0.5625);

  /**
   * The variant of a name; the authors' spelling matroyshka is read, too.
   *
   * @throws IllegalArgumentException when there is none of that name, or a number does not fit
   */
  public SaeVariant named(String name, int latents) {
    long part = steps / 10;
    long usual = Math.min(10_000_000, Math.max(2 * rows, 50 * Math.min(batch, rows)));
    DeadLatents dead =
        new DeadLatents(
            auxiliary == null ? AUXILIARY : auxiliary, deadAfter == null ? usual : deadAfter);
    ThresholdTracking tracking = new ThresholdTracking(0.999, Math.min(1000, part));
    long rise = Math.min(2000, part);
    return switch (name.replace("matroyshka", "matryoshka")) {
      case "standard" -> new StandardSae(penalty, rise);
      case "gated" -> new GatedSae(penalty, rise);
      case "jumprelu" -> new JumpReluSae(penalty, k, BANDWIDTH, rise);
      case "top_k" -> new TopKSae(k, dead, tracking);
      case "batch_top_k" -> new BatchTopKSae(k, dead, tracking);
      case "matryoshka_batch_top_k" ->
          new MatryoshkaSae(k, MatryoshkaSae.sizes(groupFractions, latents), dead, tracking, false);
      default -> {
        Check.that(false, "variant must be one of %s, got %s", String.join(", ", NAMES), name);
        throw new AssertionError(name);
      }
    };
  }
}
