package io.lapidary.data;

import io.lapidary.InputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads the binary version of CIFAR-10 (Krizhevsky, 2009): files of records of one label byte and
 * 3,072 pixel bytes, red, green and blue planes of 32x32.
 */
public final class Cifar10 {
  private static final int PIXELS = 3 * 32 * 32;
  private static final int RECORD = 1 + PIXELS;

  /** Class names by label. */
  public static final List<String> CLASSES =
      List.of(
          "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck");

  private Cifar10() {}

  /** The training part: {@code data_batch_1.bin} to {@code data_batch_5.bin}. */
  public static LabelledPictures train(Path folder) {
    List<Path> files = new ArrayList<>();
    for (int i = 1; i <= 5; i++) {
      files.add(inner(folder).resolve("data_batch_" + i + ".bin"));
    }
    return read(files);
  }

  /** The test part: {@code test_batch.bin}. */
  public static LabelledPictures test(Path folder) {
    return read(List.of(inner(folder).resolve("test_batch.bin")));
  }

  /**
   * Reads files of records one after the other.
   *
   * @throws InputException when a file is missing, cut, or has a label above 9
   */
  public static LabelledPictures read(List<Path> files) {
    List<byte[]> parts = new ArrayList<>();
    long count = 0;
    for (Path file : files) {
      parts.add(records(file));
      count += parts.get(parts.size() - 1).length / RECORD;
    }
    if (count * PIXELS > Integer.MAX_VALUE - 8) {
      throw InputException.of("%s: %d pictures are too many to hold at once", files.get(0), count);
    }
    int[] labels = new int[(int) count];
    byte[] pixels = new byte[(int) count * PIXELS];
    int at = 0;
    for (int f = 0; f < parts.size(); f++) {
      byte[] part = parts.get(f);
      for (int start = 0; start < part.length; start += RECORD, at++) {
        labels[at] = part[start] & 0xff;
        if (labels[at] >= CLASSES.size()) {
          throw InputException.of(
              "%s: record %d has label %d, expected 0 to 9; not a CIFAR-10 binary file",
              files.get(f), start / RECORD, labels[at]);
        }
        System.arraycopy(part, start + 1, pixels, at * PIXELS, PIXELS);
      }
    }
    return new LabelledPictures(new BytePictures((int) count, 3, 32, 32, pixels), labels, CLASSES);
  }

  private static byte[] records(Path file) {
    try {
      long length = Files.size(file);
      if (length == 0 || length % RECORD != 0 || length > Integer.MAX_VALUE - 8) {
        throw InputException.of(
            "%s: %d bytes are not a whole number of records of %d bytes; the file is cut or not in"
                + " the binary version of CIFAR-10",
            file, length, RECORD);
      }
      return Files.readAllBytes(file);
    } catch (IOException e) {
      throw new InputException(
          String.format(
              "%s: cannot be read (%s); get the data set with: lapidary datasets fetch cifar10",
              file, io.lapidary.AtomicFiles.reason(e)),
          e);
    }
  }

  private static Path inner(Path folder) {
    Path inner = folder.resolve("cifar-10-batches-bin");
    return Files.isDirectory(inner) ? inner : folder;
  }
}
