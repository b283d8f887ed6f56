package io.lapidary.data.series;

import io.lapidary.AtomicFiles;
import io.lapidary.InputException;
import java.io.BufferedReader;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/**
 * Labelled time series in files: {@code .ts} of the UCR and UEA archives, the tables of the UCR
 * archive ({@code .tsv}, {@code .txt}, {@code .csv}: the label, then the values), and {@code
 * .arff}. Every error names the file and the line.
 */
public final class SeriesFiles {
  private static final List<String> KINDS = List.of(".ts", ".tsv", ".txt", ".csv", ".arff");

  private SeriesFiles() {}

  /** One format. */
  interface Format {
    /** Hands every case of the file to {@code cases}. */
    void read(Lines lines, SeriesCollector cases) throws IOException;
  }

  /** The lines of a file and the number of the last one, from 1. */
  static final class Lines {
    private final BufferedReader reader;
    private int number;

    private Lines(BufferedReader reader) {
      this.reader = reader;
    }

    /** The next line; null at the end. */
    String next() throws IOException {
      String line = reader.readLine();
      number++;
      boolean mark = number == 1 && line != null && line.startsWith("\uFEFF");
      return mark ? line.substring(1) : line;
    }

    int number() {
      return number;
    }
  }

  /**
   * Reads a file; its classes are the labels found, in sorted order.
   *
   * @throws InputException naming file and line when something is wrong
   */
  public static SeriesSet read(Path file) {
    return read(file, null);
  }

  /**
   * Reads a file whose labels must be among known classes, such as the test part of a problem.
   *
   * @param classes of the training part; null for those of the file
   * @throws InputException naming file and line when something is wrong
   */
  public static SeriesSet read(Path file, List<String> classes) {
    SeriesCollector cases = new SeriesCollector(file, classes);
    if (!Files.isRegularFile(file)) {
      throw InputException.of(
          "%s: expected a file of time series, found %s",
          file, Files.isDirectory(file) ? "a folder" : "nothing of that name");
    }
    String name = file.getFileName().toString().toLowerCase(Locale.ROOT);
    Format format =
        name.endsWith(".ts")
            ? new TsReader()
            : name.endsWith(".arff") ? new ArffReader() : new TableReader();
    if (KINDS.stream().noneMatch(name::endsWith)) {
      throw InputException.of("%s: expected a file ending in one of %s", file, KINDS);
    }
    // comments may hold anything, so that wrong bytes are replaced rather than refused
    try (BufferedReader reader =
        new BufferedReader(
            new InputStreamReader(new FileInputStream(file.toFile()), StandardCharsets.UTF_8))) {
      format.read(new Lines(reader), cases);
    } catch (IOException e) {
      throw new InputException(
          String.format("%s: cannot be read (%s)", file, AtomicFiles.reason(e)), e);
    }
    return cases.finish();
  }

  /**
   * Reads both parts of a problem.
   *
   * @throws InputException when a part is wrong, or the test part has a class or a number of
   *     channels that the training part has not
   */
  public static SeriesProblem problem(Path train, Path test) {
    SeriesSet first = read(train);
    SeriesSet second = read(test, first.classes());
    if (first.channels() != second.channels()) {
      throw InputException.of(
          "%s: its series have %d channels, those of %s have %d",
          test, second.channels(), train, first.channels());
    }
    return new SeriesProblem(first, second);
  }

  /**
   * Reads the problem of a folder: its files NAME_TRAIN and NAME_TEST, for example {@code
   * Coffee_TRAIN.ts}.
   *
   * @throws InputException when there is not exactly one name with both
   */
  public static SeriesProblem folder(Path folder) {
    return problem(part(folder, "_TRAIN"), part(folder, "_TEST"));
  }

  /** Whether a folder holds both parts of a problem. */
  public static boolean isProblem(Path folder) {
    try {
      part(folder, "_TRAIN");
      part(folder, "_TEST");
      return true;
    } catch (InputException e) {
      return false;
    }
  }

  private static Path part(Path folder, String ending) {
    if (!Files.isDirectory(folder)) {
      throw InputException.of("%s: expected the folder of a problem", folder);
    }
    String own = folder.toAbsolutePath().normalize().getFileName().toString();
    try (Stream<Path> list = Files.list(folder)) {
      List<Path> files = list.filter(f -> kind(f, ending) >= 0).sorted().toList();
      List<Path> named =
          files.stream().filter(f -> f.getFileName().toString().startsWith(own + ending)).toList();
      List<Path> candidates = named.isEmpty() ? files : named;
      return candidates.stream()
          .min((a, b) -> Integer.compare(kind(a, ending), kind(b, ending)))
          .filter(best -> stems(candidates, ending) == 1)
          .orElseThrow(
              () ->
                  InputException.of(
                      "%s: expected one file NAME%s of a kind in %s, found %s",
                      folder, ending, KINDS, names(files)));
    } catch (IOException e) {
      throw new InputException(
          String.format("%s: cannot be listed (%s)", folder, AtomicFiles.reason(e)), e);
    }
  }

  private static long stems(List<Path> files, String ending) {
    return files.stream()
        .map(f -> f.getFileName().toString())
        .map(name -> name.substring(0, name.lastIndexOf(ending)))
        .distinct()
        .count();
  }

  private static String names(List<Path> files) {
    return files.isEmpty()
        ? "none"
        : files.stream().map(f -> f.getFileName().toString()).toList().toString();
  }

  /** Place of a file's kind in the order of preference; -1 when it is not the part wanted. */
  private static int kind(Path file, String ending) {
    String name = file.getFileName().toString();
    for (int i = 0; i < KINDS.size(); i++) {
      if (name.toLowerCase(Locale.ROOT).endsWith((ending + KINDS.get(i)).toLowerCase(Locale.ROOT))
          && name.contains(ending)) {
        return i;
      }
    }
    return -1;
  }

  /** Writes a {@code .ts} file, from which the same values are read, bit for bit. */
  public static void write(SeriesSet set, Path file) {
    AtomicFiles.writeText(file, TsWriter.text(set));
  }
}
