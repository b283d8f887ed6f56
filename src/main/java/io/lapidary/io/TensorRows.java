package io.lapidary.io;

import io.lapidary.Check;
import io.lapidary.InputException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * A matrix [rows, columns] in a safetensors file, read in blocks of whole rows as doubles, so that
 * files larger than memory can be used. The caller keeps the file open.
 */
public final class TensorRows {
  private static final int BLOCK = 1 << 20; // elements, 8 MiB of doubles

  private final SafetensorsFile file;
  private final TensorInfo info;
  private final int columns;

  private TensorRows(SafetensorsFile file, TensorInfo info) {
    this.file = file;
    this.info = info;
    this.columns = (int) info.shape()[1];
  }

  /**
   * Finds a matrix.
   *
   * @throws InputException when the tensor is missing, is not a matrix of F16, BF16, F32 or F64, or
   *     holds nothing
   */
  public static TensorRows of(SafetensorsFile file, String name) {
    TensorInfo info = file.info(name);
    long[] shape = info.shape();
    if (shape.length != 2) {
      throw InputException.of(
          "%s: tensor %s: expected a matrix [rows, columns], found shape %s",
          file.file(), Texts.quote(name), Texts.shape(shape));
    }
    if (!info.dtype().floating()) {
      throw InputException.of(
          "%s: tensor %s: expected F16, BF16, F32 or F64, found %s",
          file.file(), Texts.quote(name), info.dtype());
    }
    if (info.elements() == 0) {
      throw InputException.of(
          "%s: tensor %s is empty: its shape is %s",
          file.file(), Texts.quote(name), Texts.shape(shape));
    }
    if (shape[0] > Integer.MAX_VALUE || shape[1] > Integer.MAX_VALUE / Double.BYTES) {
      throw InputException.of(
          "%s: tensor %s of shape %s is larger than can be read by rows",
          file.file(), Texts.quote(name), Texts.shape(shape));
    }
    return new TensorRows(file, info);
  }

  /** Number of rows. */
  public int rows() {
    return (int) info.shape()[0];
  }

  /** Number of columns. */
  public int columns() {
    return columns;
  }

  /** Rows that fit a block of about eight megabytes; at least one. */
  public int rowsPerBlock() {
    return Math.max(1, Math.min(rows(), BLOCK / columns));
  }

  /** File and tensor, for messages. */
  public String source() {
    return file.file() + ": tensor " + Texts.quote(info.name());
  }

  /**
   * Reads rows {@code from} to {@code from + count - 1}, one after the other.
   *
   * @throws InputException when a value is NaN or infinite, with its row and column
   */
  public double[] read(int from, int count) {
    Check.that(
        from >= 0 && count > 0 && from + (long) count <= rows(),
        "rows %d to %d are not among %d",
        from,
        from + (long) count,
        rows());
    int size = info.dtype().bits() / 8;
    double[] values = new double[Math.multiplyExact(count, columns)];
    ByteBuffer bytes = ByteBuffer.allocate(columns * size).order(ByteOrder.LITTLE_ENDIAN);
    for (int row = 0; row < count; row++) {
      bytes.clear();
      file.readBytes(info, (from + (long) row) * columns * size, bytes);
      for (int column = 0; column < columns; column++) {
        double value = decode(bytes, column);
        if (!Double.isFinite(value)) {
          throw InputException.of(
              "%s: row %d, column %d is %s; expected finite numbers",
              source(), from + row, column, value);
        }
        values[row * columns + column] = value;
      }
    }
    return values;
  }

  private double decode(ByteBuffer bytes, int column) {
    return switch (info.dtype()) {
      case F16 -> HalfFloats.fromF16(bytes.getShort(column * 2));
      case BF16 -> HalfFloats.fromBf16(bytes.getShort(column * 2));
      case F32 -> bytes.getFloat(column * 4);
      default -> bytes.getDouble(column * 8);
    };
  }
}
