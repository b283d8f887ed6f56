package io.lapidary.train.task;

import io.lapidary.Check;
import io.lapidary.data.Augmentation;
import io.lapidary.data.Emoji;
import io.lapidary.data.EmojiDataset;
import io.lapidary.train.TrainConfig;

/**
 * A ConvNet that sorts emoji pictures into their kinds.
 *
 * @param data which pictures and kinds
 * @param network sizes
 * @param augmentation random changes of the training pictures; none when left out
 * @param batchSize pictures in a batch
 * @param train how long and how to train
 */
public record ImageClassifierConfig(
    Data data, Network network, Augmentation augmentation, int batchSize, TrainConfig train) {

  /** Checks the fields. */
  public ImageClassifierConfig {
    Check.present("data", data);
    Check.present("network", network);
    augmentation = augmentation == null ? Augmentation.none(1) : augmentation;
    Check.positive("batchSize", batchSize);
    Check.present("train", train);
  }

  /** What the classes are. */
  public enum Label {
    /** Ten groups, such as food. */
    CATEGORY,
    /** About a hundred kinds, such as fruit. */
    SUBCATEGORY
  }

  /**
   * The pictures.
   *
   * @param label what the classes are; CATEGORY when left out
   * @param vendor whose pictures are trained on; both when left out
   * @param heldOut share of the concepts of each subcategory that is kept for testing
   * @param splitSeed which concepts these are; 0 when left out
   */
  public record Data(Label label, Emoji.Vendor vendor, double heldOut, Long splitSeed) {
    /** Checks the fields. */
    public Data {
      label = label == null ? Label.CATEGORY : label;
      splitSeed = splitSeed == null ? 0 : splitSeed;
      Check.that(heldOut > 0 && heldOut < 1, "heldOut must be in (0, 1), got %s", heldOut);
    }
  }

  /** Sizes of the ConvNet: blocks, each of which halves the picture, and channels. */
  public record Network(int depth, int width) {
    /** Checks the fields. */
    public Network {
      Check.positive("depth", depth);
      Check.that(
          1 << Math.min(depth, 30) <= EmojiDataset.SIZE,
          "depth must leave at least one pixel of %d, got %d",
          EmojiDataset.SIZE,
          depth);
      Check.positive("width", width);
    }
  }
}
