package io.lapidary.data;

import io.lapidary.InputException;
import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.zip.GZIPInputStream;

/**
 * Reads unsigned byte arrays in the idx format of MNIST and its kin, plain or gzipped: two zero
 * bytes, type 8, the number of axes, each axis as a big-endian int, then the values.
 */
public final class Idx {
  /** Class names of Fashion-MNIST by label. */
  public static final List<String> FASHION_CLASSES =
      List.of(
          "T-shirt/top",
          "Trouser",
          "Pullover",
          "Dress",
          "Coat",
          "Sandal",
          "Shirt",
          "Sneaker",
          "Bag",
          "Ankle boot");

  private Idx() {}

  /**
   * An array as it stands in the file.
   *
   * @param shape length of each axis
   * @param values row by row
   */
  public record Bytes(int[] shape, byte[] values) {}

  /** The training part of Fashion-MNIST in a folder with the four published files. */
  public static LabelledPictures fashionTrain(Path folder) {
    return pictures(
        file(folder, "train-images-idx3-ubyte"),
        file(folder, "train-labels-idx1-ubyte"),
        FASHION_CLASSES);
  }

  /** The test part of Fashion-MNIST. */
  public static LabelledPictures fashionTest(Path folder) {
    return pictures(
        file(folder, "t10k-images-idx3-ubyte"),
        file(folder, "t10k-labels-idx1-ubyte"),
        FASHION_CLASSES);
  }

  /**
   * Reads grey pictures and their labels.
   *
   * @throws InputException when a file is missing, cut, longer than declared, of another type, or
   *     the two do not fit
   */
  public static LabelledPictures pictures(Path images, Path labels, List<String> classNames) {
    Bytes grey = read(images, 3);
    Bytes classes = read(labels, 1);
    int n = grey.shape()[0];
    if (classes.shape()[0] != n) {
      throw InputException.of(
          "%s has %d labels but %s has %d pictures; take both files of one part",
          labels, classes.shape()[0], images, n);
    }
    int[] numbers = new int[n];
    for (int i = 0; i < n; i++) {
      numbers[i] = classes.values()[i] & 0xff;
      if (numbers[i] >= classNames.size()) {
        throw InputException.of(
            "%s: label %d is %d, expected 0 to %d", labels, i, numbers[i], classNames.size() - 1);
      }
    }
    return new LabelledPictures(
        new BytePictures(n, 1, grey.shape()[1], grey.shape()[2], grey.values()),
        numbers,
        classNames);
  }

  /** Reads a file that must have {@code axes} axes. */
  public static Bytes read(Path file, int axes) {
    try (InputStream raw = new BufferedInputStream(Files.newInputStream(file), 1 << 16)) {
      raw.mark(2);
      boolean zipped = raw.read() == 0x1f && raw.read() == 0x8b;
      raw.reset();
      DataInputStream in = new DataInputStream(zipped ? new GZIPInputStream(raw, 1 << 16) : raw);
      int magic = in.readInt();
      if (magic != (0x0800 | axes)) {
        throw InputException.of(
            "%s: starts with 0x%08x, expected 0x%08x (idx, unsigned bytes, %d axes)",
            file, magic, 0x0800 | axes, axes);
      }
      int[] shape = new int[axes];
      long length = 1;
      for (int i = 0; i < axes; i++) {
        shape[i] = in.readInt();
        if (shape[i] < 1 || (length *= shape[i]) > Integer.MAX_VALUE - 8) {
          throw InputException.of(
              "%s: axis %d has length %d, which cannot be held", file, i, shape[i]);
        }
      }
      byte[] values =
          in.readNBytes((int) length); // grows while reading: a false length costs nothing
      if (values.length < length) {
        throw InputException.of(
            "%s: cut: declares %d values, holds %d; fetch it again", file, length, values.length);
      }
      if (in.read() >= 0) {
        throw InputException.of("%s: holds more than the %d values declared", file, length);
      }
      return new Bytes(shape, values);
    } catch (EOFException e) {
      throw new InputException(String.format("%s: cut; fetch it again", file), e);
    } catch (IOException e) {
      throw Hashes.unreadable(file, e);
    }
  }

  private static Path file(Path folder, String name) {
    Path zipped = folder.resolve(name + ".gz");
    Path plain = folder.resolve(name);
    if (!Files.isRegularFile(zipped) && !Files.isRegularFile(plain)) {
      throw InputException.of(
          "%s: no file %s.gz or %s; get it with: lapidary datasets fetch fashion-mnist",
          folder, name, name);
    }
    return Files.isRegularFile(zipped) ? zipped : plain;
  }
}
