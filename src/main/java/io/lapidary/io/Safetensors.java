package io.lapidary.io;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import io.lapidary.AtomicFiles;
import io.lapidary.Check;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * Writes safetensors files as the reference implementation does: header padded to a multiple of 8
 * bytes, tensors by descending alignment of their dtype and then by name, so that the same tensors
 * give the same bytes. One tensor at a time passes through a buffer of a few megabytes.
 */
public final class Safetensors {
  private static final int PIECE = 1 << 20; // elements

  private Safetensors() {}

  /** Writes every tensor in its own type; see the overload with a dtype. */
  public static void write(Path file, Map<String, INDArray> tensors, Map<String, String> metadata) {
    write(file, tensors, metadata, null);
  }

  /**
   * Writes a file in one step: readers see the old one or the complete new one.
   *
   * @param tensors by name; any order and strides, stored in row-major order
   * @param metadata text stored as {@code __metadata__}; empty for none
   * @param floating dtype for all floating tensors (F16, BF16, F32 or F64); null keeps their own.
   *     Integers and booleans keep theirs
   * @throws io.lapidary.InputException when the file cannot be written
   */
  public static void write(
      Path file, Map<String, INDArray> tensors, Map<String, String> metadata, Dtype floating) {
    Check.that(
        floating == null || floating.floating(),
        "floating tensors are stored as F16, BF16, F32 or F64, not %s",
        floating);
    Map<String, TensorSource> sources = new LinkedHashMap<>();
    tensors.forEach(
        (name, array) -> {
          Check.present("tensor '" + name + "'", array);
          sources.put(name, TensorSource.of(array, floating));
        });
    writeSources(file, sources, metadata);
  }

  /** Writes a file in one step, each tensor when its turn comes; see the overload with arrays. */
  public static void writeSources(
      Path file, Map<String, TensorSource> tensors, Map<String, String> metadata) {
    List<TensorInfo> layout = layout(tensors);
    AtomicFiles.write(
        file,
        temporary -> {
          try (FileChannel channel =
              FileChannel.open(
                  temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            writeHeader(channel, layout, metadata);
            for (TensorInfo info : layout) {
              write(channel, info, tensors.get(info.name()));
            }
          }
        });
  }

  /**
   * Writes a file with one F32 matrix that is larger than memory, in one step as {@link #write}.
   *
   * @param rows of the matrix
   * @param columns of the matrix
   * @param blocks its rows in order, in matrices that are closed once they are written
   */
  public static void writeRows(
      Path file,
      String name,
      long rows,
      long columns,
      Iterator<INDArray> blocks,
      Map<String, String> metadata) {
    TensorSource whole = new TensorSource(Dtype.F32, new long[] {rows, columns}, () -> null, false);
    List<TensorInfo> layout = layout(Map.of(name, whole));
    AtomicFiles.write(
        file,
        temporary -> {
          try (FileChannel channel =
              FileChannel.open(
                  temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            writeHeader(channel, layout, metadata);
            long written = 0;
            while (blocks.hasNext()) {
              try (INDArray block = blocks.next()) {
                written += block.size(0);
                Check.that(
                    block.size(1) == columns && written <= rows,
                    "a block %s does not fit [%d, %d]",
                    Texts.shape(block.shape()),
                    rows,
                    columns);
                writeTensor(channel, block, Dtype.F32);
              }
            }
            Check.that(written == rows, "%d of %d rows were given", written, rows);
          }
        });
  }

  private static void writeHeader(
      FileChannel channel, List<TensorInfo> layout, Map<String, String> metadata)
      throws IOException {
    byte[] header = header(layout, metadata);
    ByteBuffer start = ByteBuffer.allocate(8 + header.length).order(ByteOrder.LITTLE_ENDIAN);
    writeFully(channel, start.putLong(header.length).put(header).flip());
  }

  private static void write(FileChannel channel, TensorInfo info, TensorSource source)
      throws IOException {
    INDArray array = source.values().get();
    try {
      Check.that(
          info.hasShape(array.shape()),
          "tensor '%s' has shape %s, expected %s",
          info.name(),
          Texts.shape(array.shape()),
          Texts.shape(info.shape()));
      writeTensor(channel, array, info.dtype());
    } finally {
      if (source.temporary()) {
        array.close();
      }
    }
  }

  private static List<TensorInfo> layout(Map<String, TensorSource> tensors) {
    List<TensorInfo> unplaced = new ArrayList<>();
    tensors.forEach(
        (name, source) -> {
          Check.that(!SafetensorsHeader.METADATA.equals(name), "a tensor cannot be named %s", name);
          unplaced.add(new TensorInfo(name, source.dtype(), source.shape(), 0, 0));
        });
    unplaced.sort(
        Comparator.comparing(TensorInfo::dtype).reversed().thenComparing(TensorInfo::name));
    List<TensorInfo> placed = new ArrayList<>();
    long at = 0;
    for (TensorInfo info : unplaced) {
      long end = at + info.elements() * (info.dtype().bits() / 8);
      placed.add(new TensorInfo(info.name(), info.dtype(), info.shape(), at, end));
      at = end;
    }
    return placed;
  }

  private static byte[] header(List<TensorInfo> layout, Map<String, String> metadata)
      throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (JsonGenerator json = new JsonFactory().createGenerator(bytes)) {
      json.writeStartObject();
      if (!metadata.isEmpty()) {
        json.writeObjectFieldStart(SafetensorsHeader.METADATA);
        for (Map.Entry<String, String> entry : new TreeMap<>(metadata).entrySet()) {
          json.writeStringField(entry.getKey(), entry.getValue());
        }
        json.writeEndObject();
      }
      for (TensorInfo info : layout) {
        json.writeObjectFieldStart(info.name());
        json.writeStringField("dtype", info.dtype().name());
        json.writeFieldName("shape");
        json.writeArray(info.shape(), 0, info.shape().length);
        json.writeFieldName("data_offsets");
        json.writeArray(new long[] {info.begin(), info.end()}, 0, 2);
        json.writeEndObject();
      }
      json.writeEndObject();
    }
    while (bytes.size() % 8 != 0) {
      bytes.write(' ');
    }
    return bytes.toByteArray();
  }

  private static void writeTensor(FileChannel channel, INDArray array, Dtype dtype)
      throws IOException {
    if (array.isEmpty()) {
      return;
    }
    long count = array.length();
    boolean plain = array.ordering() == 'c' && !array.isView();
    INDArray ordered = plain ? array : array.dup('c');
    try {
      INDArray flat = ordered.reshape(count);
      int size = dtype.bits() / 8;
      ByteBuffer bytes =
          ByteBuffer.allocate((int) Math.min(count, PIECE) * size).order(ByteOrder.LITTLE_ENDIAN);
      for (long at = 0; at < count; at += PIECE) {
        long end = Math.min(count, at + PIECE);
        encode(flat.get(NDArrayIndex.interval(at, end)), dtype, bytes.clear());
        writeFully(channel, bytes.flip());
      }
    } finally {
      if (!plain) {
        ordered.close();
      }
    }
  }

  private static void encode(INDArray piece, Dtype dtype, ByteBuffer bytes) {
    DataType through =
        dtype == Dtype.F64 ? DataType.DOUBLE : dtype.floating() ? DataType.FLOAT : DataType.LONG;
    try (INDArray values = piece.dataType() == through ? piece.dup() : piece.castTo(through)) {
      switch (through) {
        case DOUBLE -> {
          for (double value : values.data().asDouble()) {
            bytes.putDouble(value);
          }
        }
        case FLOAT -> {
          for (float value : values.data().asFloat()) {
            switch (dtype) {
              case F16 -> bytes.putShort(HalfFloats.toF16(value));
              case BF16 -> bytes.putShort(HalfFloats.toBf16(value));
              default -> bytes.putFloat(value);
            }
          }
        }
        default -> {
          for (long value : values.data().asLong()) {
            switch (dtype.bits()) {
              case 8 -> bytes.put((byte) value);
              case 16 -> bytes.putShort((short) value);
              case 32 -> bytes.putInt((int) value);
              default -> bytes.putLong(value);
            }
          }
        }
      }
    }
  }

  private static void writeFully(FileChannel channel, ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }
}
