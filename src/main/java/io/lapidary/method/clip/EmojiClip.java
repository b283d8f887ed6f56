package io.lapidary.method.clip;

import io.lapidary.Check;
import io.lapidary.InputException;
import io.lapidary.Seeds;
import io.lapidary.data.Batches;
import io.lapidary.data.Column;
import io.lapidary.data.Normalization;
import io.lapidary.engine.Graph;
import io.lapidary.engine.Parameters;
import io.lapidary.io.Dtype;
import io.lapidary.io.ImageProcessor;
import io.lapidary.io.Tokenizer;
import io.lapidary.io.WordVocabulary;
import io.lapidary.model.Clip;
import io.lapidary.model.ClipConfig;
import io.lapidary.train.TrainListener;
import io.lapidary.train.Trainer;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** A CLIP model with its tokenizer: trained on emoji, saved and loaded as one folder. */
public final class EmojiClip implements AutoCloseable {
  private static final double LARGEST_LOGIT_SCALE = Math.log(100); // section 2.5
  private static final String PIXELS = "pixel_values";
  private static final String IDS = "input_ids";

  private final Clip clip;
  private final Tokenizer tokenizer;

  private EmojiClip(Clip clip, Tokenizer tokenizer) {
    this.clip = clip;
    this.tokenizer = tokenizer;
  }

  /**
   * Loads a folder written by {@link #save}.
   *
   * @throws InputException when a file is missing or does not fit
   */
  public static EmojiClip load(Path folder) {
    Clip clip = Clip.load(folder);
    Tokenizer tokenizer = Tokenizer.open(folder);
    int words = clip.config().text().vocabularySize();
    if (tokenizer.vocabSize() > words) {
      throw InputException.of(
          "%s: the tokenizer has %d ids, but the model only %d; take both from one training",
          folder, tokenizer.vocabSize(), words);
    }
    return new EmojiClip(clip, tokenizer);
  }

  /** A model with fresh weights, its tokenizer written to {@code folder}. */
  static EmojiClip fresh(EmojiClipConfig config, EmojiWorld world, Seeds seeds, Path folder) {
    WordVocabulary words = world.vocabulary();
    words.write(folder);
    ClipConfig sizes = config.clip(words.size(), words.bosId(), words.padId());
    Parameters parameters = new Parameters(DataType.FLOAT, seeds.stream("weights").seed());
    return new EmojiClip(new Clip(sizes, parameters), Tokenizer.open(folder));
  }

  /**
   * Trains from fresh weights and saves the model to {@code folder}.
   *
   * @param listener hears of every step
   */
  static EmojiClip train(
      EmojiClipConfig config, EmojiWorld world, Seeds seeds, Path folder, TrainListener listener) {
    EmojiClip model = fresh(config, world, seeds, folder);
    model.trainer(config, world, seeds).listener(listener).build().run();
    model.save(folder);
    return model;
  }

  /** A trainer of this model's weights on the pictures and texts of {@code world}. */
  Trainer.Builder trainer(EmojiClipConfig config, EmojiWorld world, Seeds seeds) {
    Column pictures =
        Column.pictures(
            world.data().pictures(world.train()), config.augmentation(), Normalization.SYMMETRIC);
    Batches batches =
        Batches.builder(config.batchSize(), seeds.stream("batches"))
            .feature(pictures)
            .feature(Column.idChoices(trainingIds(world)))
            .build();
    return Trainer.builder(
            config.train(),
            clip.parameters(),
            (g, in) -> {
              SDVariable pixels = noisy(g, in.get(PIXELS), config.noise());
              return Map.of("contrastive", clip.contrastiveLoss(g, pixels, in.get(IDS)));
            },
            batches)
        .features(PIXELS, IDS)
        .noise(seeds.stream("noise"))
        .listener(scaleGuard());
  }

  /**
   * Noise of another strength for each picture. What tells pictures apart under noise is what they
   * differ in most, not some detail of one vendor's drawing.
   */
  private static SDVariable noisy(Graph g, SDVariable pixels, double largest) {
    if (largest == 0) {
      return pixels;
    }
    long[] shape = g.shape(pixels);
    SDVariable strength = g.ops().mul(g.uniformNoise("noise_strength", shape[0], 1, 1, 1), largest);
    return g.ops().add(pixels, g.ops().mul(g.normalNoise("pixel_noise", shape), strength));
  }

  private int[][][] trainingIds(EmojiWorld world) {
    int length = clip.config().text().contextLength();
    int pad = clip.config().text().padToken();
    return world.trainingTexts().stream()
        .map(
            texts ->
                texts.stream()
                    .map(text -> tokenizer.encodePadded(text, length, pad))
                    .toArray(int[][]::new))
        .toArray(int[][][]::new);
  }

  /** Keeps the factor of the similarities at most 100, as the paper does. */
  private TrainListener scaleGuard() {
    return new TrainListener() {
      @Override
      public void stepped(Step step) {
        INDArray scale = clip.parameters().get("logit_scale");
        if (scale.getDouble(0) > LARGEST_LOGIT_SCALE) {
          scale.assign(LARGEST_LOGIT_SCALE);
        }
      }
    };
  }

  /** Writes weights in half precision, configuration and picture preparation. */
  void save(Path folder) {
    clip.save(folder, Dtype.F16);
    ImageProcessor.writeClip(folder, clip.config().vision().imageSize(), 0.5, 0.5);
  }

  /** The model. */
  public Clip clip() {
    return clip;
  }

  /** Its tokenizer. */
  public Tokenizer tokenizer() {
    return tokenizer;
  }

  /** Embeddings of unit length of pictures [n, 3, S, S] with values in [−1, 1]. */
  public INDArray images(INDArray pixels) {
    return clip.imageEmbeddings(pixels);
  }

  /**
   * One embedding of unit length per label [labels, projection]: the mean over the prompts around
   * it (paper, section 3.1.4).
   *
   * @param prompts formats with one {@code %s} for the label
   */
  public INDArray labels(List<String> labels, List<String> prompts) {
    Check.that(
        !labels.isEmpty() && !prompts.isEmpty(), "at least one label and one prompt are needed");
    int length = clip.config().text().contextLength();
    int pad = clip.config().text().padToken();
    INDArray sum = null;
    for (String prompt : prompts) {
      List<String> texts = labels.stream().map(label -> String.format(prompt, label)).toList();
      INDArray embedded = clip.textEmbeddings(tokenizer.encodeBatch(texts, length, pad));
      sum = sum == null ? embedded : sum.addi(embedded);
    }
    return sum.diviColumnVector(sum.norm2(true, 1).addi(1e-12));
  }

  /** Cosines between rows of unit length: [a, b]. */
  static INDArray cosines(INDArray a, INDArray b) {
    return Nd4j.gemm(a, b, false, true);
  }

  @Override
  public void close() {
    clip.close();
    tokenizer.close();
  }
}
