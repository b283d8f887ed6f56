package io.lapidary.method.sae;

import io.lapidary.Check;
import io.lapidary.data.Augmentation;
import io.lapidary.data.Emoji;
import java.util.List;

/**
 * What the experiment trains and looks at.
 *
 * @param planted activations with known concepts
 * @param variation random changes of the emoji pictures that autoencoders are trained on
 * @param emoji activations of an encoder on emoji
 * @param steering a vision-language model whose tower is steered; left out when null
 */
public record SaeExperimentConfig(
    Planted planted, Variation variation, EmojiPart emoji, Steering steering) {
  /** Checks the fields. */
  public SaeExperimentConfig {
    Check.present("planted", planted);
    Check.present("variation", variation);
    Check.present("emoji", emoji);
  }

  /**
   * More pictures to train on than there are emoji.
   *
   * @param copies of every picture, each changed on its own
   * @param augmentation how much each may be changed
   */
  public record Variation(int copies, Augmentation augmentation) {
    /** Checks the fields. */
    public Variation {
      Check.positive("copies", copies);
      Check.present("augmentation", augmentation);
    }
  }

  /**
   * How every autoencoder is trained.
   *
   * @param steps of BatchTopK; Matryoshka takes half as many again
   * @param batchSize rows per step
   * @param learningRate peak rate
   * @param warmupSteps steps of its rise
   */
  public record Training(long steps, int batchSize, double learningRate, long warmupSteps) {
    /** Checks the fields. */
    public Training {
      Check.positive("steps", steps);
      Check.positive("batchSize", batchSize);
      Check.positive("learningRate", learningRate);
      Check.notNegative("warmupSteps", warmupSteps);
    }
  }

  /**
   * Activations with known concepts.
   *
   * @param samples per concept, of 160
   * @param k mean active latents of the main autoencoder
   * @param otherK ascending, compared with each other; {@code k} may be among them
   * @param expansion latents per input value of the main autoencoder
   * @param otherExpansions whose best latents are compared with those of expansion 1
   * @param groups sizes of the Matryoshka groups
   * @param training how to train
   */
  public record Planted(
      int samples,
      int k,
      List<Integer> otherK,
      int expansion,
      List<Integer> otherExpansions,
      List<Integer> groups,
      Training training) {
    /** Checks the fields. */
    public Planted {
      Check.positive("samples", samples);
      Check.positive("k", k);
      otherK = List.copyOf(otherK);
      Check.that(otherK.size() >= 2, "otherK needs at least two values to compare");
      Check.positive("expansion", expansion);
      otherExpansions = List.copyOf(otherExpansions);
      Check.that(!otherExpansions.isEmpty(), "otherExpansions needs a value");
      groups = List.copyOf(groups);
      Check.that(groups.size() >= 2, "groups needs at least two sizes");
      Check.present("training", training);
    }
  }

  /**
   * Activations of an encoder on emoji.
   *
   * @param encoder folder of the encoder, relative to the project folder
   * @param vendor whose pictures the autoencoders are trained on; scores are of the other's
   * @param k mean active latents of the main autoencoder
   * @param otherK ascending, compared with each other
   * @param expansion latents per input value
   * @param training how to train
   */
  public record EmojiPart(
      String encoder,
      Emoji.Vendor vendor,
      int k,
      List<Integer> otherK,
      int expansion,
      Training training) {
    /** Checks the fields. */
    public EmojiPart {
      Check.present("encoder", encoder);
      Check.present("vendor", vendor);
      Check.positive("k", k);
      otherK = List.copyOf(otherK);
      Check.that(otherK.size() >= 2, "otherK needs at least two values to compare");
      Check.positive("expansion", expansion);
      Check.present("training", training);
    }
  }

  /**
   * Steering of a vision-language model.
   *
   * @param model its folder, relative to the project folder
   * @param vendor whose pictures the autoencoder is trained on
   * @param heldOut share of the concepts of each subcategory that the model was not trained on
   * @param splitSeed which concepts these are; questions are asked about them
   * @param k mean active latents
   * @param expansion latents per input value
   * @param latents how many are steered
   * @param images how many each is tried on
   * @param strength times the latent's largest activation in training
   * @param training how to train
   */
  public record Steering(
      String model,
      Emoji.Vendor vendor,
      double heldOut,
      long splitSeed,
      int k,
      int expansion,
      int latents,
      int images,
      double strength,
      Training training) {
    /** Checks the fields. */
    public Steering {
      Check.present("model", model);
      Check.present("vendor", vendor);
      Check.that(heldOut > 0 && heldOut < 1, "heldOut must be in (0, 1), got %s", heldOut);
      Check.positive("k", k);
      Check.positive("expansion", expansion);
      Check.positive("latents", latents);
      Check.positive("images", images);
      Check.positive("strength", strength);
      Check.present("training", training);
    }
  }
}
