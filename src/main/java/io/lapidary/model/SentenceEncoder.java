package io.lapidary.model;

import io.lapidary.Check;
import io.lapidary.InputException;
import io.lapidary.io.CheckpointFolder;
import io.lapidary.io.Tokenizer;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Embeds sentences: a tokenizer, a {@link TextEncoder} and the pooling of its states (Reimers and
 * Gurevych 2019).
 */
public final class SentenceEncoder implements AutoCloseable {
  private final TextEncoder encoder;
  private final Tokenizer tokenizer;
  private final SentenceSettings settings;

  /** Takes over an encoder and its tokenizer. */
  public SentenceEncoder(TextEncoder encoder, Tokenizer tokenizer, SentenceSettings settings) {
    this.encoder = Check.present("encoder", encoder);
    this.tokenizer = Check.present("tokenizer", tokenizer);
    this.settings = Check.present("settings", settings);
    Check.between("longest", settings.longest(), 1, encoder.config().longest());
  }

  /**
   * Loads a folder with a tokenizer, such as one of the sentence-transformers library, whose
   * pooling and normalisation are used; without them the mean at unit length.
   *
   * @throws InputException when a file is missing or does not fit, or the folder asks for parts
   *     that are not built here
   */
  public static SentenceEncoder load(Path folder) {
    try (CheckpointFolder open = CheckpointFolder.open(folder)) {
      TextEncoder encoder = TextEncoder.load(open);
      SentenceSettings settings = SentenceSettings.read(folder, encoder.config().longest());
      return new SentenceEncoder(encoder, Tokenizer.open(folder), settings);
    }
  }

  /** The encoder. */
  public TextEncoder encoder() {
    return encoder;
  }

  /** The tokenizer. */
  public Tokenizer tokenizer() {
    return tokenizer;
  }

  /** Pooling and length of the texts. */
  public SentenceSettings settings() {
    return settings;
  }

  /** Ids of a text as the encoder gets them: with special tokens, cut to the longest length. */
  public int[] ids(String text) {
    return tokenizer.encode(
        settings.lowerCase() ? text.toLowerCase(Locale.ROOT) : text, settings.longest());
  }

  /**
   * Embeddings [texts, hidden] in the order of the texts; the caller closes them. Texts of like
   * length share a batch; longer ones are cut.
   */
  public INDArray embed(List<String> texts) {
    return TextBatches.run(
        texts.stream().map(this::ids).toList(),
        tokenizer.special().padding(),
        settings.longest(),
        encoder.config().hiddenSize(),
        (ids, mask) -> encoder.pooled(ids, mask, settings.pooling(), settings.unitLength()));
  }

  @Override
  public void close() {
    encoder.close();
    tokenizer.close();
  }
}
