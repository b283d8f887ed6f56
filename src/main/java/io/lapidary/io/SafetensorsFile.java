package io.lapidary.io;

import io.lapidary.AtomicFiles;
import io.lapidary.InputException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Collections;
import java.util.Map;
import java.util.Set;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * An open safetensors file. Opening reads and checks the header only; {@link #read} brings in one
 * tensor at a time in pieces of a few megabytes (plain reads rather than one mapping: no 2 GiB
 * limit, nothing that only the garbage collector can release, and a file that shrinks is an error
 * instead of a crash). Reads from several threads are safe.
 */
public final class SafetensorsFile implements AutoCloseable {
  private static final int PIECE = 1 << 20; // elements
  private static final int LARGEST_BUFFER = Integer.MAX_VALUE / Float.BYTES;

  private final Path file;
  private final FileChannel channel;
  private final SafetensorsHeader header;

  private SafetensorsFile(Path file, FileChannel channel, SafetensorsHeader header) {
    this.file = file;
    this.channel = channel;
    this.header = header;
  }

  /**
   * Opens a file and checks its whole header.
   *
   * @throws InputException when it is missing, not a regular file, not safetensors or damaged
   */
  public static SafetensorsFile open(Path file) {
    if (!Files.isRegularFile(file)) {
      throw InputException.of(
          "%s: expected a safetensors file, found %s",
          file, Files.exists(file) ? "something that is not a file" : "nothing of that name");
    }
    FileChannel channel = null;
    try {
      channel = FileChannel.open(file, StandardOpenOption.READ);
      SafetensorsFile opened =
          new SafetensorsFile(file, channel, SafetensorsHeader.read(file, channel));
      channel = null;
      return opened;
    } catch (IOException e) {
      throw unreadable(file, e);
    } finally {
      closeQuietly(channel);
    }
  }

  /** The path given to {@link #open}. */
  public Path file() {
    return file;
  }

  /** Names of all tensors, in the order of the header. */
  public Set<String> names() {
    return Collections.unmodifiableSet(header.tensors().keySet());
  }

  /** The text entries of {@code __metadata__}; empty when there are none. */
  public Map<String, String> metadata() {
    return Collections.unmodifiableMap(header.metadata());
  }

  /**
   * Type, shape and place of one tensor.
   *
   * @throws InputException when there is no tensor of that name
   */
  public TensorInfo info(String name) {
    TensorInfo info = header.tensors().get(name);
    if (info == null) {
      throw InputException.of(
          "%s: tensor %s is missing; the file holds %s",
          file, Texts.quote(name), names().isEmpty() ? "no tensors" : Texts.some(names(), 3));
    }
    return info;
  }

  /** Reads a tensor in the ND4J type that holds it unchanged. */
  public INDArray read(String name) {
    return read(name, info(name).dtype().dataType());
  }

  /**
   * Reads a tensor and requires its shape.
   *
   * @throws InputException also when the shape differs
   */
  public INDArray read(String name, DataType as, long... expectedShape) {
    TensorInfo info = info(name);
    if (!info.hasShape(expectedShape)) {
      throw InputException.of(
          "%s: tensor %s has the wrong shape: expected %s, found %s",
          file, Texts.quote(name), Texts.shape(expectedShape), Texts.shape(info.shape()));
    }
    return read(name, as);
  }

  /**
   * Reads a tensor into a new c-ordered array, converted to {@code as}. Integers and booleans
   * convert to any number type that holds their values; floating values only to floating types.
   * Values keep their bits when the type does not change (16-bit signalling NaNs turn quiet).
   *
   * @throws InputException when the tensor is missing, its dtype cannot be read, or a value does
   *     not fit {@code as}
   */
  public INDArray read(String name, DataType as) {
    TensorInfo info = info(name);
    if (as != null) {
      Dtype.of(as); // rejects types that are not numbers
    }
    if (!info.dtype().readable()) {
      throw InputException.of(
          "%s: tensor %s has dtype %s, which cannot be read here; convert it to F32, F16 or BF16",
          file, Texts.quote(name), info.dtype());
    }
    if (info.dtype().floating() && !as.isFPType()) {
      throw InputException.of(
          "%s: tensor %s: expected whole numbers (%s), found %s",
          file, Texts.quote(name), as, info.dtype());
    }
    long count = info.elements();
    long[] shape = info.shape();
    if (count == 0) {
      return Nd4j.create(as, shape);
    }
    INDArray result = Nd4j.createUninitialized(as, shape, 'c');
    try {
      if (as == DataType.FLOAT && info.dtype().floating() && count <= LARGEST_BUFFER && onCpu()) {
        fillFloats(result.data().asNioFloat(), info);
      } else {
        fill(result.reshape(count), info, as);
      }
    } catch (ClosedChannelException e) {
      result.close();
      throw new IllegalStateException(file + " is closed", e);
    } catch (IOException e) {
      result.close();
      throw unreadable(file, e);
    } catch (RuntimeException e) {
      result.close();
      throw e;
    }
    return result;
  }

  /** Straight into the memory of the array, which is several times faster than by array calls. */
  private void fillFloats(FloatBuffer target, TensorInfo info) throws IOException {
    int count = Math.toIntExact(info.elements());
    int size = info.dtype().bits() / 8;
    ByteBuffer bytes =
        ByteBuffer.allocate(Math.min(count, PIECE) * size).order(ByteOrder.LITTLE_ENDIAN);
    for (int at = 0; at < count; at += PIECE) {
      int length = Math.min(PIECE, count - at);
      bytes.clear().limit(length * size);
      SafetensorsHeader.readFully(
          channel, bytes, header.dataStart() + info.begin() + (long) at * size);
      bytes.flip();
      switch (info.dtype()) {
        case F32 -> target.put(at, bytes.asFloatBuffer(), 0, length);
        case F64 -> {
          for (int i = 0; i < length; i++) {
            target.put(at + i, (float) bytes.getDouble(i * size));
          }
        }
        default -> target.put(at, halves(bytes, length, info.dtype()));
      }
    }
  }

  private static boolean onCpu() {
    return !Nd4j.getExecutioner().getClass().getSimpleName().contains("Cuda");
  }

  private static float[] halves(ByteBuffer bytes, int length, Dtype dtype) {
    float[] values = new float[length];
    for (int i = 0; i < length; i++) {
      short bits = bytes.getShort(i * 2);
      values[i] = dtype == Dtype.F16 ? HalfFloats.fromF16(bits) : HalfFloats.fromBf16(bits);
    }
    return values;
  }

  private void fill(INDArray flat, TensorInfo info, DataType as) throws IOException {
    long count = flat.length();
    int size = info.dtype().bits() / 8;
    ByteBuffer bytes =
        ByteBuffer.allocate((int) Math.min(count, PIECE) * size).order(ByteOrder.LITTLE_ENDIAN);
    for (long at = 0; at < count; at += PIECE) {
      int length = (int) Math.min(PIECE, count - at);
      bytes.clear().limit(length * size);
      SafetensorsHeader.readFully(channel, bytes, header.dataStart() + info.begin() + at * size);
      bytes.flip();
      try (INDArray piece = decode(bytes, length, info, as)) {
        INDArray target = length == count ? flat : flat.get(NDArrayIndex.interval(at, at + length));
        target.assign(piece);
      }
    }
  }

  private INDArray decode(ByteBuffer bytes, int length, TensorInfo info, DataType as) {
    Dtype dtype = info.dtype();
    switch (dtype) {
      case F32 -> {
        float[] values = new float[length];
        bytes.asFloatBuffer().get(values);
        return Nd4j.createFromArray(values);
      }
      case F16, BF16 -> {
        return Nd4j.createFromArray(halves(bytes, length, dtype));
      }
      case F64 -> {
        double[] values = new double[length];
        bytes.asDoubleBuffer().get(values);
        return Nd4j.createFromArray(values);
      }
      default -> {
        return Nd4j.createFromArray(integers(bytes, length, info, as));
      }
    }
  }

  private long[] integers(ByteBuffer bytes, int length, TensorInfo info, DataType as) {
    long[] values = new long[length];
    for (int i = 0; i < length; i++) {
      values[i] =
          switch (info.dtype()) {
            case BOOL -> bytes.get(i) == 0 ? 0 : 1;
            case U8 -> bytes.get(i) & 0xff;
            case I8 -> bytes.get(i);
            case I16 -> bytes.getShort(i * 2);
            case U16 -> bytes.getShort(i * 2) & 0xffff;
            case I32 -> bytes.getInt(i * 4);
            case U32 -> bytes.getInt(i * 4) & 0xffffffffL;
            default -> bytes.getLong(i * 8); // I64, U64
          };
      if (!fits(values[i], info.dtype(), as)) {
        throw InputException.of(
            "%s: tensor %s holds %s, which does not fit %s",
            file,
            Texts.quote(info.name()),
            info.dtype() == Dtype.U64 ? Long.toUnsignedString(values[i]) : Long.toString(values[i]),
            as);
      }
    }
    return values;
  }

  private static boolean fits(long value, Dtype from, DataType as) {
    if (from == Dtype.U64 && value < 0) {
      return false; // 2^63 and above: no path through a signed 64-bit number
    }
    return switch (as) {
      case BOOL -> value == 0 || value == 1;
      case BYTE -> value == (byte) value;
      case UBYTE -> value >= 0 && value <= 0xff;
      case SHORT -> value == (short) value;
      case UINT16 -> value >= 0 && value <= 0xffff;
      case INT -> value == (int) value;
      case UINT32 -> value >= 0 && value <= 0xffffffffL;
      case UINT64 -> value >= 0;
      default -> true; // LONG, and floating types, which round
    };
  }

  /** Fills the rest of {@code bytes} from byte {@code offset} of a tensor's data. */
  void readBytes(TensorInfo info, long offset, ByteBuffer bytes) {
    try {
      SafetensorsHeader.readFully(channel, bytes, header.dataStart() + info.begin() + offset);
    } catch (ClosedChannelException e) {
      throw new IllegalStateException(file + " is closed", e);
    } catch (IOException e) {
      throw unreadable(file, e);
    }
  }

  @Override
  public void close() {
    closeQuietly(channel);
  }

  @Override
  public String toString() {
    return file + " " + Arrays.toString(names().stream().limit(3).toArray());
  }

  private static InputException unreadable(Path file, IOException e) {
    return new InputException(
        String.format("%s: cannot be read (%s)", file, Texts.line(AtomicFiles.reason(e))), e);
  }

  private static void closeQuietly(FileChannel channel) {
    if (channel != null) {
      try {
        channel.close();
      } catch (IOException e) {
        // Nothing was written, so nothing can be lost.
      }
    }
  }
}
