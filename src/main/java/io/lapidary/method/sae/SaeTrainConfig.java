package io.lapidary.method.sae;

import io.lapidary.Check;
import io.lapidary.model.sae.JumpReluSae;
import io.lapidary.model.sae.SparseAutoencoderConfig;
import io.lapidary.model.sae.StandardSae;
import io.lapidary.train.OptimizerConfig;
import io.lapidary.train.Schedule;

/**
 * How long and how to train.
 *
 * @param steps optimizer steps
 * @param batchSize rows per step; a smaller set is one batch
 * @param learningRate peak rate; the variant's when left out: 1e-3 for standard and gated, 7e-5 for
 *     JumpReLU, else 2e-4/√(F/16384) and at most 1e-3
 * @param warmupSteps steps of the linear rise of the rate; 1000 when left out
 * @param decayStart step from which the rate falls linearly to 0 at the end; none when left out
 * @param clipNorm largest norm of all gradients; 0 does not clip; 1 (0 for standard) when left out
 * @param checkpointEvery steps between checkpoints; 0 (left out) only at the end
 * @param resampleEvery steps after which latents of the standard variant that were silent for half
 *     as long get new directions; 0 (left out) never
 * @param seed of weights and order
 * @param referenceCompat whether the first step has rate 0, as in the authors' code; false when
 *     left out
 */
public record SaeTrainConfig(
    long steps,
    int batchSize,
    Double learningRate,
    Long warmupSteps,
    Long decayStart,
    Double clipNorm,
    Integer checkpointEvery,
    Integer resampleEvery,
    long seed,
    Boolean referenceCompat) {

  /** Fills in defaults and checks ranges. */
  public SaeTrainConfig {
    Check.positive("steps", steps);
    Check.positive("batchSize", batchSize);
    Check.that(
        learningRate == null || learningRate > 0 && Double.isFinite(learningRate),
        "learningRate must be above 0, got %s",
        learningRate);
    warmupSteps = warmupSteps == null ? 1000 : warmupSteps;
    Check.notNegative("warmupSteps", warmupSteps);
    decayStart = decayStart == null ? steps : decayStart;
    Check.between("decayStart", decayStart, 0, steps);
    Check.that(clipNorm == null || clipNorm >= 0, "clipNorm must be at least 0, got %s", clipNorm);
    checkpointEvery = checkpointEvery == null ? 0 : checkpointEvery;
    Check.notNegative("checkpointEvery", checkpointEvery);
    resampleEvery = resampleEvery == null ? 0 : resampleEvery;
    Check.notNegative("resampleEvery", resampleEvery);
    Check.that(
        (long) resampleEvery * batchSize <= 15_000_000,
        "resampleEvery must be at most 15 million rows, got %d steps of %d rows",
        resampleEvery,
        batchSize);
    referenceCompat = referenceCompat != null && referenceCompat;
  }

  /** The peak rate for an autoencoder. */
  public double peakRate(SparseAutoencoderConfig sae) {
    if (learningRate != null) {
      return learningRate;
    }
    return switch (sae.variant().type()) {
      case "standard", "gated" -> 1e-3;
      case "jumprelu" -> 7e-5;
      default -> Math.min(1e-3, 2e-4 / Math.sqrt(sae.latentWidth() / 16384.0));
    };
  }

  /** The largest gradient norm for an autoencoder. */
  double clip(SparseAutoencoderConfig sae) {
    return clipNorm != null ? clipNorm : sae.variant() instanceof StandardSae ? 0 : 1;
  }

  /** Adam, without momentum for JumpReLU. */
  OptimizerConfig optimizer(SparseAutoencoderConfig sae) {
    Double beta1 = sae.variant() instanceof JumpReluSae ? 0.0 : null;
    return new OptimizerConfig(
        OptimizerConfig.Type.ADAM, peakRate(sae), null, beta1, null, null, null, null);
  }

  /** A linear rise, a constant rate, a linear fall. */
  Schedule schedule(double peak) {
    long first = referenceCompat ? 0 : 1;
    return step -> {
      double rise = warmupSteps == 0 ? 1 : Math.min(1, (step + first) / (double) warmupSteps);
      double fall = step < decayStart ? 1 : (steps - step) / (double) (steps - decayStart);
      return peak * rise * fall;
    };
  }
}
