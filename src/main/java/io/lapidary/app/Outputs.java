package io.lapidary.app;

import io.lapidary.AtomicFiles;
import io.lapidary.InputException;
import io.lapidary.metric.MetricValue;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** Places that commands write to. */
final class Outputs {
  private Outputs() {}

  /**
   * Makes a folder where needed and requires that files can be written into it, so that a long run
   * does not find out at its end.
   */
  static Path writable(Path folder) {
    try {
      Files.createDirectories(folder);
      Path probe = Files.createTempFile(folder, ".probe", null);
      Files.delete(probe);
      return folder;
    } catch (IOException e) {
      throw new InputException(
          String.format(
              "%s: cannot be written (%s); choose another folder with --out",
              folder, AtomicFiles.reason(e)),
          e);
    }
  }

  /** Metrics on one line: name and number, separated by commas. */
  static String listed(List<MetricValue> metrics) {
    return metrics.stream()
        .map(m -> String.format(Locale.ROOT, "%s %.4g", m.name(), m.value()))
        .collect(Collectors.joining(", "));
  }

  /** The path relative to the working folder where that is shorter. */
  static String shown(Path path) {
    Path working = Path.of("").toAbsolutePath();
    Path absolute = path.toAbsolutePath().normalize();
    return absolute.startsWith(working) && !absolute.equals(working)
        ? working.relativize(absolute).toString()
        : absolute.toString();
  }
}
