package io.lapidary.app;

import io.lapidary.AtomicFiles;
import io.lapidary.InputException;
import io.lapidary.data.Hashes;
import io.lapidary.io.Tokenizer;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * The tokens of a text file in windows of one length, without overlap; each begins with the token
 * that begins texts, where the tokenizer has one. A last window that is not full is left out.
 *
 * @param name of the file
 * @param sha256 of the file and the length of the windows
 * @param ids [windows][length]
 */
record TextWindows(String name, String sha256, int[][] ids) {

  /**
   * Reads a text file, UTF-8.
   *
   * @param length tokens of a window, at least 2
   * @throws InputException when it cannot be read or has no full window
   */
  static TextWindows read(Path file, Tokenizer tokenizer, int length) {
    if (length < 2) {
      throw InputException.of("a window of text needs at least 2 tokens, found %d", length);
    }
    if (!Files.isRegularFile(file)) {
      throw InputException.of("%s: expected a text file, found no such file", file);
    }
    int begin = tokenizer.special().bos();
    int own = begin < 0 ? length : length - 1;
    List<int[]> windows = new ArrayList<>();
    int[] rest = new int[0];
    try (BufferedReader lines = Files.newBufferedReader(file)) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        int[] more = tokenizer.encodePlain(line + "\n");
        int[] all = Arrays.copyOf(rest, rest.length + more.length);
        System.arraycopy(more, 0, all, rest.length, more.length);
        int at = 0;
        for (; at + own <= all.length; at += own) {
          int[] window = new int[length];
          window[0] = begin; // written over where there is no such token
          System.arraycopy(all, at, window, length - own, own);
          windows.add(window);
        }
        rest = Arrays.copyOfRange(all, at, all.length);
      }
    } catch (CharacterCodingException e) {
      throw new InputException(file + ": is not UTF-8 text", e);
    } catch (IOException e) {
      throw new InputException(
          String.format("%s: cannot be read (%s)", file, AtomicFiles.reason(e)), e);
    }
    if (windows.isEmpty()) {
      throw InputException.of(
          "%s: has %d tokens, a window takes %d; take a longer text or a smaller --context",
          file, rest.length, own);
    }
    return new TextWindows(
        file.getFileName().toString(),
        Hashes.sha256(
            (Hashes.sha256(file) + " " + length).getBytes(java.nio.charset.StandardCharsets.UTF_8)),
        windows.toArray(int[][]::new));
  }

  /** How many windows there are. */
  int size() {
    return ids.length;
  }

  /** Ids [count, length] of some windows. */
  INDArray batch(int first, int count) {
    return Nd4j.createFromArray(Arrays.copyOfRange(ids, first, first + count));
  }
}
