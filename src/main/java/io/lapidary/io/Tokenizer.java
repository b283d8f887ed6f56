package io.lapidary.io;

import io.lapidary.Check;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Turns text into token ids and back. Instances may be shared between threads. */
public interface Tokenizer extends AutoCloseable {

  /**
   * Opens a {@code tokenizer.json} of the Hugging Face format, or a folder that holds one; a {@code
   * tokenizer_config.json} beside it names the special tokens.
   *
   * @throws io.lapidary.InputException when the file is missing or malformed, or its native library
   *     does not run on this system
   */
  static Tokenizer open(Path fileOrFolder) {
    return HubTokenizer.open(fileOrFolder);
  }

  /** Ids of the text with the special tokens that the tokenizer adds; as long as it comes. */
  int[] encode(String text);

  /**
   * Ids of the text alone, without special tokens around it.
   *
   * @param text any text
   */
  int[] encodePlain(String text);

  /**
   * As {@link #encode(String)}, cut to at most {@code maxLength} ids. The text loses its end; the
   * special tokens at both ends stay.
   *
   * @throws IllegalArgumentException when the special tokens alone are longer
   */
  int[] encode(String text, int maxLength);

  /** Text of the ids; special tokens are left out. Ids outside the vocabulary are rejected. */
  String decode(int... ids);

  /** One more than the highest id. */
  int vocabSize();

  /** The id of a token given by its exact text. */
  OptionalInt id(String token);

  /** Which ids have a special meaning. */
  SpecialIds special();

  /** Ids of exactly {@code length}: cut as {@link #encode(String, int)} or padded at the end. */
  default int[] encodePadded(String text, int length, int padId) {
    int[] ids = encode(text, length);
    int[] padded = Arrays.copyOf(ids, length);
    Arrays.fill(padded, ids.length, length, padId);
    return padded;
  }

  /** As {@link #encodeBatch(List, int, int)} with this tokenizer's own padding id. */
  default INDArray encodeBatch(List<String> texts, int length) {
    return encodeBatch(texts, length, special().padding());
  }

  /**
   * Ids of several texts as an INT array of shape [texts, length]: cut or padded at the end.
   *
   * @param padId id that fills short rows
   */
  default INDArray encodeBatch(List<String> texts, int length, int padId) {
    Check.that(!texts.isEmpty(), "a batch needs at least one text");
    int[][] rows = new int[texts.size()][];
    for (int i = 0; i < rows.length; i++) {
      rows[i] = encodePadded(texts.get(i), length, padId);
    }
    return Nd4j.createFromArray(rows);
  }

  @Override
  void close();

  /** Ids of the special tokens; -1 where the tokenizer has none. */
  record SpecialIds(int pad, int bos, int eos, int unk) {

    /**
     * The id to pad with: pad, or the end token where there is none.
     *
     * @throws IllegalStateException when the tokenizer has neither
     */
    public int padding() {
      if (pad < 0 && eos < 0) {
        throw new IllegalStateException(
            "the tokenizer has neither a padding nor an end token; name the padding id");
      }
      return pad >= 0 ? pad : eos;
    }
  }
}
