package io.lapidary.app;

import io.lapidary.InputException;
import io.lapidary.io.CheckpointFolder;
import io.lapidary.model.LmFamily;
import io.lapidary.model.VisionLanguageModel;
import java.nio.file.Files;
import java.nio.file.Path;
import org.nd4j.linalg.api.ndarray.INDArray;

/** States of one layer of a model over the examples of a data set, in their order. */
interface TokenStates extends AutoCloseable {
  /** Name of the layer of projected image embeddings. */
  String PROJECTION = "projection";

  /** Name of the layer, for people. */
  String layer();

  /** States of each example. */
  int tokens();

  /** Length of a state. */
  int width();

  /** Whether the first state is that of a class token. */
  boolean classToken();

  /** What is taken of an example unless the user says otherwise. */
  TokenChoice usual();

  /** Name of the data, for people. */
  String data();

  /** Checksum of the examples and their order. */
  String dataSha256();

  /** How many examples there are. */
  int examples();

  /** What an example is called, in the plural. */
  String unit();

  /** States [count, tokens, width] of some examples; the caller closes them. */
  INDArray of(int first, int count);

  @Override
  void close();

  /**
   * Opens a model folder over data.
   *
   * @param data a folder of pictures, a picture or {@code emoji:VENDOR}; for language models a text
   *     file
   * @param layer a block from 0, negative from the end, or {@link #PROJECTION}
   * @param context tokens of a window of text
   */
  static TokenStates open(Path folder, String data, String layer, int context) {
    if (Files.isDirectory(folder)) {
      try (CheckpointFolder open = CheckpointFolder.open(folder)) {
        String type = open.config().path("model_type").asText("");
        if (LmFamily.of(type).isPresent()) {
          return TextStates.open(folder, Path.of(data), layer, context);
        }
        if (VisionLanguageModel.reads(open)) {
          return PictureStates.ofTower(open, PictureSet.of(data), layer);
        }
      }
    }
    return layer.equals(PROJECTION)
        ? PictureStates.ofProjection(folder, PictureSet.of(data))
        : PictureStates.ofEncoder(folder, PictureSet.of(data), layer);
  }

  /**
   * The block that {@code layer} names.
   *
   * @throws InputException when there is none
   */
  static int block(Path folder, String layer, int blocks) {
    if (!layer.matches("-?[0-9]{1,9}")) {
      throw InputException.of(
          "%s: --layer must be a block%s, found %s",
          folder, " (the image encoder of CLIP also has the layer " + PROJECTION + ")", layer);
    }
    int block = Integer.parseInt(layer);
    if (block < -blocks || block >= blocks) {
      throw InputException.of(
          "%s: --layer must be in [%d, %d] for %d blocks, found %d",
          folder, -blocks, blocks - 1, blocks, block);
    }
    return block < 0 ? blocks + block : block;
  }
}
