package io.lapidary.app;

import io.lapidary.AtomicFiles;
import io.lapidary.InputException;
import io.lapidary.io.CheckpointFolder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Stream;

/** Writes changed copies of model folders: complete ones or none. */
final class CheckpointCopy {
  private static final Set<String> COPIED = Set.of("json", "txt", "model", "md", "jinja");

  private CheckpointCopy() {}

  /**
   * Has {@code fill} write a folder beside {@code target} and moves it there when it is complete.
   *
   * @throws InputException when a file or a folder with files stands at the target
   */
  static void write(Path target, Consumer<Path> fill) {
    requireFree(target);
    Path absolute = target.toAbsolutePath().normalize();
    Path draft =
        absolute.resolveSibling(
            "." + absolute.getFileName() + "." + ProcessHandle.current().pid() + ".tmp");
    Outputs.writable(draft);
    try {
      fill.accept(draft);
      Files.deleteIfExists(absolute); // an empty folder
      Files.move(draft, absolute, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      throw new InputException(
          String.format("%s: cannot be written (%s)", target, AtomicFiles.reason(e)), e);
    } finally {
      delete(draft);
    }
  }

  private static void requireFree(Path target) {
    if (!Files.exists(target)) {
      return;
    }
    if (!Files.isDirectory(target)) {
      throw new InputException(target + ": a file stands there; name a new or an empty folder");
    }
    try (Stream<Path> files = Files.list(target)) {
      if (files.findAny().isPresent()) {
        throw new InputException(target + ": holds files; name a new or an empty folder");
      }
    } catch (IOException e) {
      throw unlistable(target, e);
    }
  }

  private static void delete(Path folder) {
    try {
      AtomicFiles.deleteTree(folder);
    } catch (IOException e) {
      throw new InputException(
          String.format("%s: cannot be deleted (%s)", folder, AtomicFiles.reason(e)), e);
    }
  }

  /**
   * Copies tokenizer and other small files beside weights and configuration, those in folders such
   * as {@code 1_Pooling} included; golden outputs stay behind, they are those of the old weights.
   */
  static void smallFiles(CheckpointFolder from, Path to) {
    Path folder = from.folder();
    List<Path> files;
    try (Stream<Path> found = Files.walk(folder, 2)) {
      files = found.filter(Files::isRegularFile).sorted().toList();
    } catch (IOException e) {
      throw unlistable(folder, e);
    }
    for (Path file : files) {
      String name = file.getFileName().toString();
      boolean own =
          file.getParent().equals(folder)
              && (name.equals(from.layout().configFile())
                  || name.equals(from.layout().indexFile())
                  || name.startsWith("golden."));
      if (COPIED.contains(name.substring(name.lastIndexOf('.') + 1)) && !own) {
        AtomicFiles.write(
            to.resolve(folder.relativize(file).toString()),
            temporary -> Files.copy(file, temporary));
      }
    }
  }

  private static InputException unlistable(Path folder, IOException e) {
    return new InputException(
        String.format("%s: cannot be listed (%s)", folder, AtomicFiles.reason(e)), e);
  }
}
