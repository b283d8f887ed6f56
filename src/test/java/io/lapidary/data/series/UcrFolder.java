package io.lapidary.data.series;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;

/**
 * Real problems that lie beside the project on some machines; tests on them are skipped elsewhere.
 */
public final class UcrFolder {
  private UcrFolder() {}

  /** The folder of a problem; ends the test as skipped where it is absent. */
  public static Path problem(String name) {
    Path folder = Path.of(System.getProperty("lapidary.ucr", "../shared/data/ucr"), name);
    Assumptions.assumeTrue(
        Files.isDirectory(folder),
        () -> "no folder " + folder + "; name one with -Dlapidary.ucr=FOLDER");
    return folder;
  }
}
