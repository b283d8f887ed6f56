package io.lapidary.app;

import io.lapidary.InputException;
import io.lapidary.engine.ActivationEdits;
import io.lapidary.io.CheckpointFolder;
import io.lapidary.io.ImageProcessor;
import io.lapidary.io.Tokenizer;
import io.lapidary.model.GenerateOptions;
import io.lapidary.model.Generator;
import io.lapidary.model.LoraAdapter;
import io.lapidary.model.LoraBase;
import io.lapidary.model.SplicedText;
import io.lapidary.model.VisionLanguageModel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Prompts with pictures for a vision-language model. */
final class PicturePrompts implements AutoCloseable {
  /** Where a picture stands in a prompt. */
  static final String MARK = "<image>";

  private final Path folder;
  private final VisionLanguageModel model;
  private final ImageProcessor processor;

  private PicturePrompts(Path folder, VisionLanguageModel model, ImageProcessor processor) {
    this.folder = folder;
    this.model = model;
    this.processor = processor;
  }

  /** The model of an open folder; {@code tower} as in {@link VisionLanguageModel#load}. */
  static PicturePrompts open(CheckpointFolder open, Path tower) {
    ImageProcessor processor = VisionLanguageModel.imageProcessor(open, tower);
    return new PicturePrompts(open.folder(), VisionLanguageModel.load(open, tower), processor);
  }

  /** The model. */
  VisionLanguageModel model() {
    return model;
  }

  /** The same model with edited activations; closed on its own. */
  PicturePrompts with(ActivationEdits edits) {
    return new PicturePrompts(folder, model.with(edits), processor);
  }

  /** Lays a LoRA adapter over the model. */
  PicturePrompts withAdapter(Path adapter) {
    LoraAdapter loaded = LoraAdapter.load(adapter, LoraBase.of(model), "adapter");
    return new PicturePrompts(folder, model.with(loaded.applied()), processor);
  }

  /**
   * Continues texts.
   *
   * @param texts with a {@link #MARK} for every picture; without any, the first is put before each
   * @param files pictures in the order of the marks
   */
  List<Generator.Continuation> generate(
      Tokenizer tokenizer, List<String> texts, List<Path> files, GenerateOptions options) {
    List<String> marked = marked(texts, files.size());
    List<int[]> prompts = marked.stream().map(text -> ids(tokenizer, text)).toList();
    if (files.isEmpty()) {
      return model.generate(prompts, null, options, tokenizer);
    }
    try (INDArray pixels = processor.process(files.stream().map(EmbedCommand::decode).toList())) {
      return model.generate(prompts, pixels, options, tokenizer);
    } catch (IllegalArgumentException e) { // pictures of another size than the model's
      throw new InputException(folder + ": " + e.getMessage(), e);
    }
  }

  private static List<String> marked(List<String> texts, int pictures) {
    int marks = texts.stream().mapToInt(text -> pieces(text).length - 1).sum();
    if (marks == 0 && pictures == texts.size()) {
      return texts.stream().map(text -> MARK + "\n" + text).toList();
    }
    if (marks != pictures) {
      throw InputException.of(
          "the prompts hold %d times %s, but there are %d pictures; give one --image for each mark,"
              + " or one for each prompt without marks",
          marks, MARK, pictures);
    }
    return texts;
  }

  private static String[] pieces(String text) {
    return text.split(MARK, -1);
  }

  /** Ids of the pieces between marks; what begins a text is kept once. */
  private int[] ids(Tokenizer tokenizer, String text) {
    List<int[]> parts = new ArrayList<>();
    int begin = model.config().text().tokens().begin();
    for (String piece : pieces(text)) {
      int[] own = tokenizer.encode(piece);
      boolean again = !parts.isEmpty() && own.length > 0 && own[0] == begin;
      if (!parts.isEmpty()) {
        parts.add(new int[] {SplicedText.SENTINEL});
      }
      parts.add(again ? Arrays.copyOfRange(own, 1, own.length) : own);
    }
    return parts.stream().flatMapToInt(IntStream::of).toArray();
  }

  @Override
  public void close() {
    model.close();
  }

  /** Whether a folder holds a vision-language model. */
  static boolean isFor(Path folder) {
    if (!Files.isDirectory(folder)) {
      return false;
    }
    try (CheckpointFolder open = CheckpointFolder.open(folder)) {
      return VisionLanguageModel.reads(open);
    }
  }
}
