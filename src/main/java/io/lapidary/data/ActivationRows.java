package io.lapidary.data;

import io.lapidary.InputException;
import io.lapidary.io.SafetensorsFile;
import io.lapidary.io.TensorRows;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Activations of equal width that are read in blocks, so that they may be larger than memory. */
public interface ActivationRows {

  /** Length of an activation. */
  int width();

  /** Rows of each file, in order. */
  List<Integer> shardRows();

  /**
   * Reads {@code count} rows of one file from row {@code from} of it on, one after the other.
   *
   * @throws InputException when a value is NaN or infinite, with its row and column
   */
  double[] read(int shard, int from, int count);

  /** Number of activations. */
  default long rows() {
    return shardRows().stream().mapToLong(Integer::longValue).sum();
  }

  /**
   * Opens a store that {@code sae collect} made, or a safetensors file with a matrix {@code
   * activations} [rows, width].
   *
   * @throws InputException when it is neither, or holds no row
   */
  static ActivationRows open(Path path) {
    if (Files.isDirectory(path)) {
      return ActivationStore.open(path);
    }
    int rows;
    int width;
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      TensorRows matrix = TensorRows.of(file, ActivationStore.TENSOR);
      rows = matrix.rows();
      width = matrix.columns();
    }
    return new ActivationRows() {
      @Override
      public int width() {
        return width;
      }

      @Override
      public List<Integer> shardRows() {
        return List.of(rows);
      }

      @Override
      public double[] read(int shard, int from, int count) {
        try (SafetensorsFile file = SafetensorsFile.open(path)) {
          return TensorRows.of(file, ActivationStore.TENSOR).read(from, count);
        }
      }
    };
  }
}
