package io.lapidary.train;

import io.lapidary.AtomicFiles;
import io.lapidary.InputException;
import io.lapidary.engine.Parameters;
import io.lapidary.io.Jsons;
import io.lapidary.io.Safetensors;
import io.lapidary.io.SafetensorsFile;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The checkpoints of a run: folders {@code <run>/checkpoints/step-000123} that hold {@code
 * model.safetensors}, {@code optimizer.safetensors}, {@code ema.safetensors} (where kept) and
 * {@code trainer.json}. A folder is filled under a temporary name, flushed and renamed, so that one
 * with its final name is complete, whenever the process dies.
 */
public final class Checkpoints implements AutoCloseable {
  /** Weights and buffers by checkpoint name. */
  public static final String MODEL = "model.safetensors";

  /** Optimizer state. */
  public static final String OPTIMIZER = "optimizer.safetensors";

  /** Moving average of the trained weights. */
  public static final String EMA = "ema.safetensors";

  /** Position of the run, a {@link TrainState}. */
  public static final String STATE = "trainer.json";

  private static final Pattern NAME = Pattern.compile("step-([0-9]{6,18})");
  private static final Pattern TEMPORARY = Pattern.compile("\\.step-[0-9]+\\.tmp");

  private final Path folder;
  private final FileChannel lockFile;

  private Checkpoints(Path folder, FileChannel lockFile) {
    this.folder = folder;
    this.lockFile = lockFile;
  }

  /**
   * Opens a run folder for writing, makes what is missing and removes what an interrupted process
   * left half-written.
   *
   * @throws InputException when it cannot be written, or another process trains in it
   */
  static Checkpoints open(Path run) {
    Path folder = run.resolve("checkpoints");
    FileChannel channel = null;
    try {
      Files.createDirectories(folder);
      channel =
          FileChannel.open(
              folder.resolve(".lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      if (lock(channel) == null) {
        channel.close();
        throw InputException.of(
            "%s: another process trains here; wait for it or choose another folder", run);
      }
      for (Path path : list(folder)) {
        if (TEMPORARY.matcher(path.getFileName().toString()).matches()) {
          delete(path);
        }
      }
      return new Checkpoints(folder, channel);
    } catch (IOException e) {
      throw unwritable(run, e);
    }
  }

  private static FileLock lock(FileChannel channel) throws IOException {
    try {
      return channel.tryLock();
    } catch (OverlappingFileLockException e) {
      return null;
    }
  }

  /** The newest complete checkpoint of a run. */
  public static Optional<Path> latest(Path run) {
    List<Path> all = complete(run.resolve("checkpoints"));
    return all.isEmpty() ? Optional.empty() : Optional.of(all.get(all.size() - 1));
  }

  /** The checkpoint of the best value of the monitored metric so far. */
  public static Optional<Path> best(Path run) {
    return latest(run)
        .map(Checkpoints::state)
        .filter(state -> state.bestStep() != null)
        .map(state -> run.resolve("checkpoints").resolve(name(state.bestStep())))
        .filter(Files::isDirectory);
  }

  /** Position and configuration stored in a checkpoint. */
  public static TrainState state(Path checkpoint) {
    return Jsons.read(checkpoint.resolve(STATE), TrainState.class);
  }

  /**
   * Puts the weights of a checkpoint into a store.
   *
   * @param ema whether to take the moving average where the checkpoint has one
   */
  public static void load(Path checkpoint, Parameters parameters, boolean ema) {
    read(checkpoint.resolve(MODEL)).forEach((name, array) -> put(parameters, name, array));
    Path averages = checkpoint.resolve(EMA);
    if (ema && Files.exists(averages)) {
      read(averages).forEach((name, array) -> put(parameters, name, array));
    }
  }

  private static void put(Parameters parameters, String name, INDArray array) {
    parameters.put(name, array);
    array.close();
  }

  /** All tensors of a file by name; the caller closes them. */
  static Map<String, INDArray> read(Path file) {
    Map<String, INDArray> tensors = new LinkedHashMap<>();
    try (SafetensorsFile source = SafetensorsFile.open(file)) {
      source.names().forEach(name -> tensors.put(name, source.read(name)));
    }
    return tensors;
  }

  /**
   * Writes a checkpoint, then drops all but the newest {@code keep} and the best. Does nothing when
   * the step has a complete one.
   *
   * @param tensors by file name
   */
  Path write(TrainState state, Map<String, Map<String, INDArray>> tensors, int keep) {
    Path target = folder.resolve(name(state.step()));
    if (isComplete(target)) {
      return target;
    }
    Path temporary = folder.resolve("." + target.getFileName() + ".tmp");
    try {
      Files.createDirectory(temporary);
      Map<String, Long> sizes = new TreeMap<>();
      for (Map.Entry<String, Map<String, INDArray>> entry : tensors.entrySet()) {
        Path file = temporary.resolve(entry.getKey());
        Safetensors.write(file, entry.getValue(), Map.of("format", "pt"));
        sizes.put(entry.getKey(), Files.size(file));
      }
      Jsons.write(temporary.resolve(STATE), withFiles(state, sizes));
      flush(temporary);
      delete(target); // damaged, else it would be complete
      Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
      flush(folder);
      prune(keep, state.bestStep());
      return target;
    } catch (IOException e) {
      throw unwritable(target, e);
    } finally {
      deleteQuietly(temporary);
    }
  }

  private static TrainState withFiles(TrainState s, Map<String, Long> files) {
    return new TrainState(
        s.version(),
        s.step(),
        s.epoch(),
        s.batch(),
        s.batchesPerEpoch(),
        s.elapsedSeconds(),
        s.best(),
        s.bestStep(),
        s.withoutGain(),
        s.finished(),
        s.config(),
        s.identity(),
        files);
  }

  /** Folder of a step. */
  Path path(long step) {
    return folder.resolve(name(step));
  }

  private void prune(int keep, Long bestStep) throws IOException {
    List<Path> all = complete(folder);
    for (Path path : all.subList(0, Math.max(0, all.size() - keep))) {
      if (bestStep == null || step(path) != bestStep) {
        // hidden first, so that a crash in the middle leaves no half checkpoint under its name
        Path hidden = folder.resolve("." + path.getFileName() + ".tmp");
        Files.move(path, hidden, StandardCopyOption.ATOMIC_MOVE);
        delete(hidden);
      }
    }
  }

  /** Complete checkpoints, oldest first. */
  private static List<Path> complete(Path folder) {
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    try {
      return list(folder).stream()
          .filter(path -> step(path) >= 0 && isComplete(path))
          .sorted(Comparator.comparingLong(Checkpoints::step))
          .toList();
    } catch (IOException e) {
      throw new InputException(
          String.format("%s: cannot be read (%s)", folder, AtomicFiles.reason(e)), e);
    }
  }

  private static boolean isComplete(Path checkpoint) {
    try {
      for (Map.Entry<String, Long> file : state(checkpoint).files().entrySet()) {
        Path path = checkpoint.resolve(file.getKey());
        if (!Files.isRegularFile(path) || Files.size(path) != file.getValue()) {
          return false;
        }
      }
      return true;
    } catch (InputException | IOException e) {
      return false;
    }
  }

  private static String name(long step) {
    return String.format("step-%06d", step);
  }

  private static long step(Path path) {
    Matcher matcher = NAME.matcher(path.getFileName().toString());
    return matcher.matches() ? Long.parseLong(matcher.group(1)) : -1;
  }

  private static List<Path> list(Path folder) throws IOException {
    List<Path> paths = new ArrayList<>();
    try (DirectoryStream<Path> stream = Files.newDirectoryStream(folder)) {
      stream.forEach(paths::add);
    }
    return paths;
  }

  private static void delete(Path folder) throws IOException {
    if (Files.isDirectory(folder)) {
      for (Path file : list(folder)) {
        Files.delete(file);
      }
    }
    Files.deleteIfExists(folder);
  }

  private static void deleteQuietly(Path folder) {
    try {
      delete(folder);
    } catch (IOException e) {
      // the next start removes it
    }
  }

  // Linux and macOS need it for the rename to survive a power cut; Windows cannot open folders
  private static void flush(Path folder) {
    try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
      channel.force(true);
    } catch (IOException e) {
      // no such call on this system
    }
  }

  private static InputException unwritable(Path path, IOException e) {
    return new InputException(
        String.format(
            "%s: cannot be written (%s); free space or choose a folder that can be written",
            path, AtomicFiles.reason(e)),
        e);
  }

  @Override
  public void close() {
    try {
      lockFile.close();
    } catch (IOException e) {
      // the lock ends with the process
    }
  }
}
