package io.lapidary.method.sae;

import io.lapidary.Check;
import io.lapidary.data.Emoji;
import java.util.List;

/**
 * An autoencoder of the image tower of a CLIP model, trained on emoji of one vendor and measured on
 * the other's.
 *
 * @param encoder folder of the model, relative to the project folder
 * @param vendor whose pictures are trained on
 * @param place where in the tower; BLOCK when left out
 * @param variant one of {@link SaeVariants#NAMES}; batch_top_k when left out
 * @param k mean active latents per row; 8 when left out
 * @param penalty of sparsity for the variants without k; 0.1 when left out
 * @param expansion latents per input value; 4 when left out
 * @param groupFractions shares of the Matryoshka groups; the authors' when left out
 * @param variation of the pictures trained on
 * @param training how to train
 */
public record SaeTaskConfig(
    String encoder,
    Emoji.Vendor vendor,
    TowerActivations.Place place,
    String variant,
    Integer k,
    Double penalty,
    Integer expansion,
    List<Double> groupFractions,
    SaeExperimentConfig.Variation variation,
    SaeExperimentConfig.Training training) {

  /** Fills in defaults and checks the fields. */
  public SaeTaskConfig {
    Check.present("encoder", encoder);
    Check.present("vendor", vendor);
    place = place == null ? TowerActivations.Place.BLOCK : place;
    variant = variant == null ? "batch_top_k" : variant;
    Check.that(
        SaeVariants.NAMES.contains(variant),
        "variant must be one of %s, got %s",
        String.join(", ", SaeVariants.NAMES),
        variant);
    k = k == null ? 8 : k;
    Check.positive("k", k);
    penalty = penalty == null ? 0.1 : penalty;
    Check.notNegative("penalty", penalty);
    expansion = expansion == null ? 4 : expansion;
    Check.positive("expansion", expansion);
    groupFractions = groupFractions == null ? SaeVariants.USUAL_FRACTIONS : groupFractions;
    Check.present("variation", variation);
    Check.present("training", training);
  }
}
