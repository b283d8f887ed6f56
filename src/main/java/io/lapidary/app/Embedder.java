package io.lapidary.app;

import io.lapidary.InputException;
import io.lapidary.io.CheckpointFolder;
import io.lapidary.io.ImageProcessor;
import io.lapidary.io.Tokenizer;
import io.lapidary.model.Clip;
import io.lapidary.model.MiniLm;
import io.lapidary.model.ResNet;
import io.lapidary.model.SentenceEncoder;
import io.lapidary.model.TextBatches;
import io.lapidary.model.VisionEncoder;
import java.awt.image.BufferedImage;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.nd4j.linalg.api.ndarray.INDArray;

/** A model that makes one vector of a text, of a picture, or of either. */
final class Embedder implements AutoCloseable {
  /** The sentence encoder that comes with the program. */
  static final String MINILM = "minilm";

  private static final int RESNET_SIZE = 224;

  private final Function<List<String>, INDArray> texts;
  private final Function<List<BufferedImage>, INDArray> pictures;
  private final List<Runnable> resources;

  private Embedder(
      Function<List<String>, INDArray> texts,
      Function<List<BufferedImage>, INDArray> pictures,
      List<Runnable> resources) {
    this.texts = texts;
    this.pictures = pictures;
    this.resources = resources;
  }

  /**
   * Loads a model.
   *
   * @param model {@link #MINILM} or a folder
   * @param ofPictures whether it must embed pictures rather than texts
   * @throws InputException when it does not load, or does not embed what is asked for
   */
  static Embedder open(String model, boolean ofPictures) {
    if (model.equals(MINILM)) {
      if (ofPictures) {
        throw new InputException(MINILM + " embeds texts; for pictures name a vision model folder");
      }
      return of(MiniLm.load());
    }
    Path folder = Path.of(model);
    String type;
    try (CheckpointFolder open = CheckpointFolder.open(folder)) {
      type =
          switch (open.layout()) {
            case OPEN_CLIP -> "clip";
            case PEFT_ADAPTER -> "an adapter";
            default -> open.config().path("model_type").asText("none");
          };
    }
    boolean textual = List.of("bert", "mpnet", "clip").contains(type);
    if (!ofPictures && !textual) {
      throw InputException.of(
          "%s: texts are embedded by %s and models of type bert, mpnet and clip, not %s",
          folder, MINILM, type);
    }
    if (ofPictures && (type.equals("bert") || type.equals("mpnet"))) {
      throw InputException.of(
          "%s: a model of type %s embeds texts; its input is a text file", folder, type);
    }
    return switch (type) {
      case "bert", "mpnet" -> of(SentenceEncoder.load(folder));
      case "clip" -> clip(folder, ofPictures);
      case "resnet" -> {
        ResNet resNet = ResNet.load(folder);
        ImageProcessor standard = ImageProcessor.siglip(RESNET_SIZE);
        yield pictures(folder, standard, resNet::pooled, resNet::close);
      }
      default -> {
        VisionEncoder encoder = VisionEncoder.load(folder);
        int size = encoder.config().imageSize();
        boolean clip = type.startsWith("clip");
        ImageProcessor standard = clip ? ImageProcessor.clip(size) : ImageProcessor.siglip(size);
        yield pictures(folder, standard, encoder::pooled, encoder::close);
      }
    };
  }

  private static Embedder of(SentenceEncoder encoder) {
    return new Embedder(encoder::embed, null, List.of(encoder::close));
  }

  private static Embedder clip(Path folder, boolean ofPictures) {
    Clip clip = Clip.load(folder);
    if (ofPictures) {
      ImageProcessor standard = ImageProcessor.clip(clip.config().vision().imageSize());
      return pictures(folder, standard, clip::imageEmbeddings, clip::close);
    }
    Tokenizer tokenizer = Tokenizer.open(folder);
    int longest = clip.config().text().contextLength();
    Function<List<String>, INDArray> embed =
        lines ->
            TextBatches.run(
                lines.stream().map(line -> tokenizer.encode(line, longest)).toList(),
                tokenizer.special().padding(),
                longest,
                clip.config().projection(),
                (ids, mask) -> clip.textEmbeddings(ids)); // nothing after the end token counts
    return new Embedder(embed, null, List.of(tokenizer::close, clip::close));
  }

  private static Embedder pictures(
      Path folder, ImageProcessor standard, UnaryOperator<INDArray> encoder, Runnable close) {
    Path file = folder.resolve("preprocessor_config.json");
    ImageProcessor processor = Files.exists(file) ? ImageProcessor.read(file) : standard;
    Function<List<BufferedImage>, INDArray> embed =
        images -> {
          try (INDArray pixels = processor.process(images)) {
            return encoder.apply(pixels);
          } catch (IllegalArgumentException e) { // another size than the model's
            throw new InputException(folder + ": " + e.getMessage(), e);
          }
        };
    return new Embedder(null, embed, List.of(close));
  }

  /** One row per text [texts, D]; the caller closes it. */
  INDArray texts(List<String> lines) {
    return texts.apply(lines);
  }

  /** One row per picture [pictures, D]; the caller closes it. */
  INDArray pictures(List<BufferedImage> images) {
    return pictures.apply(images);
  }

  @Override
  public void close() {
    resources.forEach(Runnable::run);
  }
}
