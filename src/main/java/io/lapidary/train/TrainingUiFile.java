package io.lapidary.train;

import io.lapidary.AtomicFiles;
import io.lapidary.InputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.deeplearning4j.core.storage.StatsStorage;
import org.deeplearning4j.ui.model.storage.FileStatsStorage;

/** A file of training reports that the training page of Deeplearning4j can open. */
public final class TrainingUiFile implements AutoCloseable {
  private final StatsStorage storage;

  private TrainingUiFile(StatsStorage storage) {
    this.storage = storage;
  }

  /**
   * Opens or makes the file.
   *
   * @throws InputException when it cannot be written, is open elsewhere or is of another kind
   */
  public static TrainingUiFile open(Path file) {
    try {
      Path parent = file.toAbsolutePath().getParent();
      if (parent != null) {
        Files.createDirectories(parent);
      }
    } catch (IOException e) {
      throw unusable(file, AtomicFiles.reason(e), e);
    }
    try {
      return new TrainingUiFile(new FileStatsStorage(file.toFile()));
    } catch (RuntimeException e) {
      throw unusable(file, reason(e), e);
    }
  }

  private static String reason(RuntimeException e) {
    if (e.getClass()
        .getSimpleName()
        .equals("FileLocked")) { // of the storage, which hides its types
      return "another program has it open";
    }
    Throwable root = e;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    return root.getMessage() == null ? root.getClass().getSimpleName() : root.getMessage();
  }

  private static InputException unusable(Path file, String reason, Exception cause) {
    return new InputException(
        String.format("%s: cannot keep training reports (%s); name another file", file, reason),
        cause);
  }

  /** The reports. */
  public StatsStorage storage() {
    return storage;
  }

  @Override
  public void close() {
    try {
      storage.close();
    } catch (IOException | RuntimeException | IllegalAccessError e) {
      // every report was committed, and Ctrl-C closes the file first
    }
  }
}
