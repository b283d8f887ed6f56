package io.lapidary.train.task;

import io.lapidary.Check;
import io.lapidary.data.Augmentation;
import io.lapidary.data.Emoji;
import io.lapidary.train.TrainConfig;

/**
 * A small LLaVA that answers questions about emoji.
 *
 * @param tower folder of a CLIP model whose image tower is used as it is, relative to the project
 *     folder
 * @param featureLayer state of the tower that the projector reads, as in {@code
 *     vision_feature_layer}; −2, that before the last block, when left out
 * @param data which pictures are trained on
 * @param decoder sizes of the LLaMA-like decoder
 * @param augmentation random changes of the training pictures; none when left out
 * @param batchSize pictures in a batch, each with one question drawn anew every time
 * @param train how long and how to train
 */
public record EmojiVlmConfig(
    String tower,
    Integer featureLayer,
    Data data,
    Decoder decoder,
    Augmentation augmentation,
    int batchSize,
    TrainConfig train) {

  /** Checks the fields. */
  public EmojiVlmConfig {
    Check.present("tower", tower);
    featureLayer = featureLayer == null ? -2 : featureLayer;
    Check.present("data", data);
    Check.present("decoder", decoder);
    augmentation = augmentation == null ? Augmentation.none(1) : augmentation;
    Check.positive("batchSize", batchSize);
    Check.present("train", train);
  }

  /**
   * The pictures.
   *
   * @param vendor whose pictures are trained on; both when left out
   * @param heldOut share of the concepts of each subcategory that is kept for testing
   * @param splitSeed which concepts these are; 0 when left out
   */
  public record Data(Emoji.Vendor vendor, double heldOut, Long splitSeed) {
    /** Checks the fields. */
    public Data {
      splitSeed = splitSeed == null ? 0 : splitSeed;
      Check.that(heldOut > 0 && heldOut < 1, "heldOut must be in (0, 1), got %s", heldOut);
    }
  }

  /** Sizes of the decoder: width of its stream, blocks, heads, width inside perceptrons. */
  public record Decoder(int width, int layers, int heads, int mlp) {
    /** Checks the fields. */
    public Decoder {
      Check.positive("width", width);
      Check.positive("layers", layers);
      Check.positive("heads", heads);
      Check.positive("mlp", mlp);
      Check.that(width % heads == 0, "heads=%d must divide width=%d", heads, width);
    }
  }
}
