package io.lapidary.app;

import io.lapidary.InputException;
import io.lapidary.io.CheckpointFolder;
import io.lapidary.io.ImageProcessor;
import io.lapidary.model.Clip;
import io.lapidary.model.VisionConfig;
import io.lapidary.model.VisionEncoder;
import io.lapidary.model.VisionFamily;
import io.lapidary.model.VisionLanguageModel;
import java.awt.image.BufferedImage;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * States that an image encoder makes of pictures.
 *
 * @param encode states [N, tokens, width] of pixels [N, channels, S, S]
 * @param release frees the model
 */
record PictureStates(
    String layer,
    int tokens,
    int width,
    boolean classToken,
    PictureSet pictures,
    ImageProcessor processor,
    UnaryOperator<INDArray> encode,
    Runnable release)
    implements TokenStates {

  /** A block of a vision transformer. */
  static PictureStates ofEncoder(Path folder, PictureSet pictures, String layer) {
    VisionEncoder encoder = VisionEncoder.load(folder);
    VisionConfig config = encoder.config();
    int block = TokenStates.block(folder, layer, config.layers());
    return of(
        config,
        block,
        pictures,
        processor(folder, config),
        pixels -> encoder.hiddenState(pixels, block + 1),
        encoder::close);
  }

  /** A block of the image tower of a vision-language model. */
  static PictureStates ofTower(CheckpointFolder open, PictureSet pictures, String layer) {
    ImageProcessor processor = VisionLanguageModel.imageProcessor(open, null);
    VisionLanguageModel model = VisionLanguageModel.load(open);
    VisionConfig config = model.config().vision();
    int block = TokenStates.block(open.folder(), layer, config.layers());
    return of(
        config,
        block,
        pictures,
        processor,
        pixels -> model.towerState(pixels, block),
        model::close);
  }

  /** Projected image embeddings, one of each picture. */
  static PictureStates ofProjection(Path folder, PictureSet pictures) {
    Clip clip;
    try {
      clip = Clip.load(folder);
    } catch (InputException e) {
      throw new InputException(
          String.format(
              "%s: --layer projection is for folders of CLIP (%s)", folder, e.getMessage()),
          e);
    }
    return new PictureStates(
        PROJECTION,
        1,
        clip.config().projection(),
        false,
        pictures,
        processor(folder, clip.config().vision()),
        pixels -> {
          INDArray rows = clip.imageEmbeddings(pixels);
          return rows.reshape('c', rows.size(0), 1, rows.size(1));
        },
        clip::close);
  }

  private static PictureStates of(
      VisionConfig config,
      int block,
      PictureSet pictures,
      ImageProcessor processor,
      UnaryOperator<INDArray> encode,
      Runnable release) {
    boolean classToken = config.tokens() > config.patches();
    return new PictureStates(
        "block " + block,
        config.tokens(),
        config.hiddenSize(),
        classToken,
        pictures,
        processor,
        encode,
        release);
  }

  /** How the pictures become pixels. */
  private static ImageProcessor processor(Path folder, VisionConfig config) {
    Path file = folder.resolve("preprocessor_config.json");
    int size = config.imageSize();
    ImageProcessor processor =
        Files.exists(file)
            ? ImageProcessor.read(file)
            : config.family() == VisionFamily.CLIP
                ? ImageProcessor.clip(size)
                : ImageProcessor.siglip(size);
    if (processor.size() != size) {
      throw InputException.of(
          "%s: makes pictures of %d pixels, the model takes %d", file, processor.size(), size);
    }
    return processor;
  }

  @Override
  public TokenChoice usual() {
    return TokenChoice.of(layer.equals(PROJECTION) ? "all" : "class");
  }

  @Override
  public String data() {
    return pictures.name();
  }

  @Override
  public String dataSha256() {
    return pictures.sha256();
  }

  @Override
  public int examples() {
    return pictures.size();
  }

  @Override
  public String unit() {
    return "pictures";
  }

  @Override
  public INDArray of(int first, int count) {
    List<BufferedImage> images =
        IntStream.range(first, first + count).mapToObj(pictures.picture()).toList();
    try (INDArray pixels = processor.process(images)) {
      return encode.apply(pixels);
    }
  }

  @Override
  public void close() {
    release.run();
  }
}
