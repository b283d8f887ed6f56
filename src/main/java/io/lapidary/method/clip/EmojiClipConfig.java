package io.lapidary.method.clip;

import io.lapidary.Check;
import io.lapidary.data.Augmentation;
import io.lapidary.data.Emoji;
import io.lapidary.data.EmojiDataset;
import io.lapidary.model.ClipConfig;
import io.lapidary.model.TextConfig;
import io.lapidary.model.VisionConfig;
import io.lapidary.train.TrainConfig;

/**
 * One experiment of CLIP on emoji.
 *
 * @param checkpoint folder of a trained model to judge, relative to the project folder; without it
 *     the models trained here are judged, one per seed
 * @param data which pictures are trained on
 * @param model sizes
 * @param augmentation random changes of the training pictures
 * @param noise largest standard deviation of normal noise added to pixels in [−1, 1]; every picture
 *     gets a deviation drawn evenly from zero to this
 * @param batchSize pairs in a batch; every other pair of a batch is a wrong answer
 * @param train how long and how to train
 */
public record EmojiClipConfig(
    String checkpoint,
    Data data,
    Model model,
    Augmentation augmentation,
    double noise,
    int batchSize,
    TrainConfig train) {
  private static final String ACTIVATION = "quick_gelu";
  private static final double EPSILON = 1e-5;
  private static final double INITIAL_LOGIT_SCALE = Math.log(1 / 0.07); // section 2.5

  /** Checks the fields. */
  public EmojiClipConfig {
    Check.present("data", data);
    Check.present("model", model);
    Check.present("augmentation", augmentation);
    Check.notNegative("noise", noise);
    Check.that(batchSize >= 2, "batchSize must be at least 2, got %d", batchSize);
    Check.present("train", train);
  }

  /**
   * The pictures trained on.
   *
   * @param vendor whose pictures are trained on; the other vendor's are for testing only
   * @param heldOut share of the concepts of each subcategory whose pictures and names are left out
   * @param splitSeed which concepts these are; the same for all seeds of the experiment
   */
  public record Data(Emoji.Vendor vendor, double heldOut, long splitSeed) {
    /** Checks the fields. */
    public Data {
      Check.present("vendor", vendor);
      Check.that(heldOut > 0 && heldOut < 1, "heldOut must be in (0, 1), got %s", heldOut);
    }
  }

  /**
   * Sizes of the model.
   *
   * @param patch side of an image patch in pixels; divides 32
   * @param vision image tower
   * @param text text tower
   * @param context longest text in tokens, begin and end included
   * @param projection width of the shared space
   */
  public record Model(int patch, Tower vision, Tower text, int context, int projection) {
    /** Checks the fields. */
    public Model {
      Check.that(
          patch > 0 && EmojiDataset.SIZE % patch == 0,
          "patch must divide the %d pixels of a picture, got %d",
          EmojiDataset.SIZE,
          patch);
      Check.present("vision", vision);
      Check.present("text", text);
      Check.that(context >= 3, "context must be at least 3, got %d", context);
      Check.positive("projection", projection);
    }
  }

  /** A transformer: width of its stream (four times that inside perceptrons), depth, heads. */
  public record Tower(int width, int layers, int heads) {
    /** Checks the fields. */
    public Tower {
      Check.positive("width", width);
      Check.positive("layers", layers);
      Check.positive("heads", heads);
      Check.that(width % heads == 0, "heads=%d must divide width=%d", heads, width);
    }
  }

  /**
   * The model for a vocabulary whose highest id ends a text.
   *
   * @param words number of ids
   */
  ClipConfig clip(int words, int begin, int pad) {
    Tower v = model.vision();
    Tower t = model.text();
    return new ClipConfig(
        model.projection(),
        INITIAL_LOGIT_SCALE,
        new VisionConfig(
            EmojiDataset.SIZE,
            model.patch(),
            3,
            v.width(),
            4 * v.width(),
            v.layers(),
            v.heads(),
            ACTIVATION,
            EPSILON),
        new TextConfig(
            words,
            model.context(),
            t.width(),
            4 * t.width(),
            t.layers(),
            t.heads(),
            ACTIVATION,
            EPSILON,
            begin,
            words - 1,
            pad));
  }
}
