package io.lapidary.io;

import ai.djl.huggingface.tokenizers.Encoding;
import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import io.lapidary.Check;
import io.lapidary.InputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.OptionalInt;

/**
 * A {@code tokenizer.json} run by the Hugging Face library inside DJL's jar; nothing is fetched.
 */
final class HubTokenizer implements Tokenizer {
  private final Path file;
  private final TokenizerFile description;
  private final HuggingFaceTokenizer library;

  private HubTokenizer(Path file, TokenizerFile description, HuggingFaceTokenizer library) {
    this.file = file;
    this.description = description;
    this.library = library;
  }

  static HubTokenizer open(Path fileOrFolder) {
    Path file =
        Files.isDirectory(fileOrFolder) ? fileOrFolder.resolve("tokenizer.json") : fileOrFolder;
    TokenizerFile description = TokenizerFile.read(file);
    setUnlessGiven("OPT_OUT_TRACKING", "true"); // else DJL reports its use on cloud machines
    setUnlessGiven("ai.djl.offline", "true");
    setUnlessGiven("RUST_FLAVOR", "cpu"); // else DJL fetches another build where it finds a GPU
    try {
      HuggingFaceTokenizer library =
          HuggingFaceTokenizer.builder()
              .optTokenizerPath(file.toAbsolutePath())
              .optTruncation(false)
              .optPadding(false)
              .build();
      return new HubTokenizer(file, description, library);
    } catch (LinkageError e) {
      throw new InputException(
          String.format(
              "%s: the tokenizer library cannot be loaded on this system (%s); it needs Linux, macOS"
                  + " or Windows of 64 bits and a home folder that can be written, or DJL_CACHE_DIR",
              file, Texts.line(e.toString())),
          e);
    } catch (IOException | RuntimeException e) {
      throw new InputException(
          String.format("%s: not a usable tokenizer.json (%s)", file, Texts.line(e.getMessage())),
          e);
    }
  }

  @Override
  public int[] encode(String text) {
    return ids(run(text, true));
  }

  @Override
  public int[] encodePlain(String text) {
    return ids(run(text, false));
  }

  @Override
  public int[] encode(String text, int maxLength) {
    Encoding encoding = run(text, true);
    int[] ids = ids(encoding);
    if (ids.length <= maxLength) {
      return ids;
    }
    long[] added = encoding.getSpecialTokenMask();
    int tail = 0;
    while (tail < ids.length && added[ids.length - 1 - tail] != 0) {
      tail++;
    }
    int head = 0;
    while (head < ids.length - tail && added[head] != 0) {
      head++;
    }
    Check.that(
        head + tail <= maxLength,
        "maxLength must leave room for %d special tokens, got %d",
        head + tail,
        maxLength);
    int[] cut = Arrays.copyOf(ids, maxLength);
    System.arraycopy(ids, ids.length - tail, cut, maxLength - tail, tail);
    return cut;
  }

  @Override
  public String decode(int... ids) {
    long[] wide = new long[ids.length];
    for (int i = 0; i < ids.length; i++) {
      Check.that(
          ids[i] >= 0 && ids[i] < vocabSize(),
          "token id must be in [0, %d], got %d at %d",
          vocabSize() - 1,
          ids[i],
          i);
      wide[i] = ids[i];
    }
    return library.decode(wide, true);
  }

  @Override
  public int vocabSize() {
    return description.vocabSize();
  }

  @Override
  public OptionalInt id(String token) {
    Integer id = description.ids().get(token);
    return id == null ? OptionalInt.empty() : OptionalInt.of(id);
  }

  @Override
  public SpecialIds special() {
    return description.special();
  }

  @Override
  public void close() {
    library.close();
  }

  @Override
  public String toString() {
    return file + " (" + vocabSize() + " ids)";
  }

  private Encoding run(String text, boolean specialTokens) {
    return library.encode(text, specialTokens, false);
  }

  private static int[] ids(Encoding encoding) {
    return Arrays.stream(encoding.getIds()).mapToInt(Math::toIntExact).toArray();
  }

  private static void setUnlessGiven(String property, String value) {
    if (System.getProperty(property) == null && System.getenv(property) == null) {
      System.setProperty(property, value);
    }
  }
}
