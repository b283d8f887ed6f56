package io.lapidary.data;

import io.lapidary.InputException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Where the shipped data sets and the download cache are.
 *
 * <p>The home folder is the system property {@code lapidary.home}, or else the nearest folder
 * upwards from the working directory that holds {@code datasets/emoji}. The cache is {@code
 * datasets/.cache} below it, or the system property {@code lapidary.cache}.
 *
 * @param folder the folder that holds {@code datasets}
 * @param cache where fetched data sets are kept; need not exist yet
 */
public record DataHome(Path folder, Path cache) {

  /**
   * Finds the home folder.
   *
   * @throws InputException when there is none
   */
  public static DataHome find() {
    return find(
        System.getProperty("lapidary.home"),
        System.getProperty("lapidary.cache"),
        Path.of("").toAbsolutePath());
  }

  static DataHome find(String home, String cache, Path working) {
    Path folder = home == null || home.isBlank() ? upwards(working) : Path.of(home.strip());
    if (!holdsData(folder)) {
      throw InputException.of(
          "%s: no folder datasets/emoji here (from the property lapidary.home); set it to the"
              + " folder that holds datasets",
          folder);
    }
    Path kept =
        cache == null || cache.isBlank()
            ? folder.resolve("datasets").resolve(".cache")
            : Path.of(cache.strip());
    return new DataHome(folder, kept);
  }

  /** The folder of a shipped data set. */
  public Path dataset(String name) {
    return folder.resolve("datasets").resolve(name);
  }

  private static Path upwards(Path working) {
    for (Path at = working; at != null; at = at.getParent()) {
      if (holdsData(at)) {
        return at;
      }
    }
    throw InputException.of(
        "%s: no folder datasets/emoji here or in a folder above; start in the project folder or"
            + " set -Dlapidary.home=FOLDER",
        working);
  }

  private static boolean holdsData(Path folder) {
    return Files.isDirectory(folder.resolve("datasets").resolve("emoji"));
  }
}
