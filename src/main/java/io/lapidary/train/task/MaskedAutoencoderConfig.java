package io.lapidary.train.task;

import io.lapidary.Check;
import io.lapidary.data.Augmentation;
import io.lapidary.data.Emoji;
import io.lapidary.train.TrainConfig;

/**
 * A vision transformer pretrained on emoji pictures by painting masked patches.
 *
 * @param vendor whose pictures are trained on; both when left out
 * @param grey whether every picture is also there in grey, so that half of what is seen has no
 *     colour; true when left out
 * @param network sizes
 * @param augmentation random changes of the pictures; none when left out
 * @param batchSize pictures in a batch
 * @param train how long and how to train
 */
public record MaskedAutoencoderConfig(
    Emoji.Vendor vendor,
    Boolean grey,
    Network network,
    Augmentation augmentation,
    int batchSize,
    TrainConfig train) {

  /** Checks the fields. */
  public MaskedAutoencoderConfig {
    grey = grey == null || grey;
    Check.present("network", network);
    augmentation = augmentation == null ? Augmentation.none(1) : augmentation;
    Check.positive("batchSize", batchSize);
    Check.present("train", train);
  }

  /**
   * Sizes.
   *
   * @param patchSize side of a patch in pixels
   * @param width of the encoder
   * @param layers blocks of the encoder
   * @param heads attention heads of the encoder
   * @param kept share of the patches that the encoder sees, in (0, 1)
   * @param decoderWidth width of the decoder
   * @param decoderLayers blocks of the decoder
   * @param decoderHeads attention heads of the decoder
   */
  public record Network(
      int patchSize,
      int width,
      int layers,
      int heads,
      double kept,
      int decoderWidth,
      int decoderLayers,
      int decoderHeads) {
    /** Checks the fields. */
    public Network {
      Check.positive("patchSize", patchSize);
      Check.positive("width", width);
      Check.positive("layers", layers);
      Check.positive("heads", heads);
      Check.that(kept > 0 && kept < 1, "kept must be in (0, 1), got %s", kept);
      Check.positive("decoderWidth", decoderWidth);
      Check.positive("decoderLayers", decoderLayers);
      Check.positive("decoderHeads", decoderHeads);
    }
  }
}
