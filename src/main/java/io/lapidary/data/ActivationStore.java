package io.lapidary.data;

import io.lapidary.Check;
import io.lapidary.InputException;
import io.lapidary.io.Dtype;
import io.lapidary.io.Safetensors;
import io.lapidary.io.SafetensorsFile;
import io.lapidary.io.TensorRows;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A folder of activations: safetensors files with a tensor {@code activations} [rows, width], rows
 * in the order of the data set, and {@code manifest.json}. Files appear whole; the manifest lists a
 * file only once it is on disk, so that a collection goes on where it was interrupted.
 */
public final class ActivationStore implements ActivationRows {
  /** Name of the tensor in each file. */
  public static final String TENSOR = "activations";

  private static final double LARGEST_HALF = 65504;

  private final Path folder;
  private final ActivationManifest manifest;

  private ActivationStore(Path folder, ActivationManifest manifest) {
    this.folder = folder;
    this.manifest = manifest;
  }

  /** Computes activations. */
  @FunctionalInterface
  public interface Source {
    /**
     * Activations of examples {@code first} to {@code first + count - 1} [count · rowsPerExample,
     * width]; the same examples always give the same numbers. The store closes the array.
     */
    INDArray rows(int first, int count);
  }

  /**
   * Opens a complete store and checks the sizes of its files.
   *
   * @throws InputException when there is none, it is incomplete, or a file differs from the
   *     manifest
   */
  public static ActivationStore open(Path folder) {
    if (!Files.isRegularFile(folder.resolve(ActivationManifest.FILE))) {
      throw InputException.of(
          "%s: expected a folder of activations with a %s; collect them first",
          folder, ActivationManifest.FILE);
    }
    ActivationManifest manifest = ActivationManifest.read(folder);
    if (!manifest.complete()) {
      throw InputException.of(
          "%s: %d of %d files are collected; run the collection again to go on",
          folder, manifest.shards().size(), manifest.spec().shards());
    }
    ActivationStore store = new ActivationStore(folder, manifest);
    for (int shard = 0; shard < manifest.shards().size(); shard++) {
      store.withShard(shard, rows -> {});
    }
    return store;
  }

  /**
   * Fills a store, or goes on filling it: files that the manifest lists and that are intact stay.
   *
   * @param progress told the number of examples stored so far, after each file
   * @throws InputException when the folder holds other activations or cannot be written, or a value
   *     is NaN, infinite or too large for the type
   */
  public static ActivationStore collect(
      Path folder, ActivationSpec spec, Source source, Consumer<Integer> progress) {
    List<ActivationManifest.Shard> shards = new ArrayList<>();
    if (Files.exists(folder.resolve(ActivationManifest.FILE))) {
      ActivationManifest found = ActivationManifest.read(folder);
      found.requireSame(spec, folder);
      found.shards().stream().takeWhile(shard -> intact(folder, shard)).forEach(shards::add);
    }
    ActivationManifest.of(spec, shards).write(folder);
    for (int shard = shards.size(); shard < spec.shards(); shard++) {
      int first = spec.firstExample(shard);
      int count = spec.examplesOf(shard);
      try (INDArray rows = source.rows(first, count)) {
        shards.add(write(folder, spec, shard, rows));
      }
      ActivationManifest.of(spec, shards).write(folder);
      progress.accept(first + count);
    }
    return open(folder);
  }

  private static boolean intact(Path folder, ActivationManifest.Shard shard) {
    Path file = folder.resolve(shard.file());
    return Files.isRegularFile(file) && Hashes.sha256(file).equals(shard.sha256());
  }

  private static ActivationManifest.Shard write(
      Path folder, ActivationSpec spec, int shard, INDArray rows) {
    int count = Math.multiplyExact(spec.examplesOf(shard), spec.rowsPerExample());
    Check.that(
        Arrays.equals(rows.shape(), new long[] {count, spec.width()}),
        "expected activations of shape [%d, %d], got %s",
        count,
        spec.width(),
        Arrays.toString(rows.shape()));
    String name = String.format(Locale.ROOT, "activations-%05d.safetensors", shard);
    double squares = squares(folder.resolve(name), spec, rows);
    Safetensors.write(
        folder.resolve(name), Map.of(TENSOR, rows), Map.of(), Dtype.valueOf(spec.dtype()));
    return new ActivationManifest.Shard(name, count, Hashes.sha256(folder.resolve(name)), squares);
  }

  private static double squares(Path file, ActivationSpec spec, INDArray rows) {
    double largest = spec.dtype().equals("F16") ? LARGEST_HALF : Float.MAX_VALUE;
    double squares = 0;
    for (int row = 0; row < rows.size(0); row++) {
      double[] values = rows.getRow(row).toDoubleVector();
      for (int column = 0; column < values.length; column++) {
        if (!(Math.abs(values[column]) <= largest)) {
          throw InputException.of(
              "%s: row %d, column %d would be %s, which %s cannot hold%s",
              file,
              row,
              column,
              values[column],
              spec.dtype(),
              Double.isFinite(values[column]) ? "; store F32" : "; check the model and its input");
        }
        squares += values[column] * values[column];
      }
    }
    return squares;
  }

  /** What the store holds. */
  public ActivationManifest manifest() {
    return manifest;
  }

  @Override
  public long rows() {
    return manifest.rows();
  }

  @Override
  public int width() {
    return manifest.spec().width();
  }

  @Override
  public List<Integer> shardRows() {
    return manifest.shards().stream().map(ActivationManifest.Shard::rows).toList();
  }

  @Override
  public double[] read(int shard, int from, int count) {
    double[][] read = new double[1][];
    withShard(shard, rows -> read[0] = rows.read(from, count));
    return read[0];
  }

  private void withShard(int shard, Consumer<TensorRows> use) {
    ActivationManifest.Shard listed = manifest.shards().get(shard);
    try (SafetensorsFile file = SafetensorsFile.open(folder.resolve(listed.file()))) {
      TensorRows rows = TensorRows.of(file, TENSOR);
      if (rows.rows() != listed.rows() || rows.columns() != width()) {
        throw InputException.of(
            "%s has shape [%d, %d], the manifest says [%d, %d]; collect the activations again",
            rows.source(), rows.rows(), rows.columns(), listed.rows(), width());
      }
      use.accept(rows);
    }
  }
}
