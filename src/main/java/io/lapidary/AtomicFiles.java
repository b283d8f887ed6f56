package io.lapidary;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * Writes files under a temporary name beside their target, flushes them to disk and renames them: a
 * reader sees the old file or the new one.
 */
public final class AtomicFiles {
  private AtomicFiles() {}

  /** Writes one temporary file. */
  @FunctionalInterface
  public interface Writer {
    /** Fills {@code temporary}, which does not exist yet. */
    void write(Path temporary) throws IOException;
  }

  /**
   * Writes {@code target} in one step. Missing parent folders are made.
   *
   * @throws InputException when the folder cannot be written or the disk is full; the old file
   *     stays as it was
   */
  public static void write(Path target, Writer writer) {
    Path absolute = target.toAbsolutePath();
    Path temporary =
        absolute.resolveSibling(
            "." + absolute.getFileName() + "." + ProcessHandle.current().pid() + ".tmp");
    try {
      if (Files.exists(absolute) && !Files.isRegularFile(absolute)) {
        // renaming would put a file in the place of a device or of a link to one
        throw new IOException("it is a folder or a device, not a file");
      }
      Files.createDirectories(absolute.getParent());
      try {
        writer.write(temporary);
        try (FileChannel channel = FileChannel.open(temporary, StandardOpenOption.WRITE)) {
          channel.force(true);
        }
        move(temporary, absolute);
      } finally {
        Files.deleteIfExists(temporary);
      }
    } catch (IOException e) {
      throw new InputException(
          String.format(
              "%s: cannot be written (%s); free space or choose a folder that can be written",
              target, reason(e)),
          e);
    }
  }

  /** Writes {@code text} as UTF-8 in one step. */
  public static void writeText(Path target, String text) {
    write(target, temporary -> Files.writeString(temporary, text, StandardCharsets.UTF_8));
  }

  /**
   * A short reason for an I/O failure, in words: the exceptions of {@code java.nio.file} carry a
   * bare path as message.
   */
  public static String reason(IOException e) {
    if (e instanceof java.nio.file.NoSuchFileException) {
      return "no such file or folder";
    }
    if (e instanceof java.nio.file.AccessDeniedException) {
      return "access denied";
    }
    if (e instanceof java.nio.file.FileAlreadyExistsException) {
      return "a file stands where a folder is needed";
    }
    if (e instanceof java.nio.file.FileSystemException f && f.getReason() != null) {
      return f.getReason();
    }
    return e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
  }

  /** Removes a folder and what is below it; links are removed, not followed. */
  public static void deleteTree(Path folder) throws IOException {
    if (!Files.exists(folder, LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    List<Path> all;
    try (Stream<Path> walk = Files.walk(folder)) {
      all = walk.sorted(Comparator.reverseOrder()).toList();
    }
    for (Path path : all) {
      Files.delete(path);
    }
  }

  private static void move(Path from, Path to) throws IOException {
    try {
      Files.move(from, to, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (AtomicMoveNotSupportedException e) {
      Files.move(from, to, StandardCopyOption.REPLACE_EXISTING);
    }
  }
}
