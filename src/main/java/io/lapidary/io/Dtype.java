package io.lapidary.io;

import java.util.Optional;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * Element types of the safetensors format, in the order in which its reference implementation sorts
 * them (smallest alignment first). Types without an ND4J counterpart can be listed, not read.
 */
public enum Dtype {
  BOOL(8, DataType.BOOL),
  F4(4, null),
  F6_E2M3(6, null),
  F6_E3M2(6, null),
  U8(8, DataType.UBYTE),
  I8(8, DataType.BYTE),
  F8_E5M2(8, null),
  F8_E4M3(8, null),
  F8_E8M0(8, null),
  F8_E4M3FNUZ(8, null),
  F8_E5M2FNUZ(8, null),
  I16(16, DataType.SHORT),
  U16(16, DataType.UINT16),
  F16(16, DataType.HALF),
  BF16(16, DataType.BFLOAT16),
  I32(32, DataType.INT),
  U32(32, DataType.UINT32),
  F32(32, DataType.FLOAT),
  C64(64, null),
  F64(64, DataType.DOUBLE),
  I64(64, DataType.LONG),
  U64(64, DataType.UINT64);

  private final int bits;
  private final DataType dataType;

  Dtype(int bits, DataType dataType) {
    this.bits = bits;
    this.dataType = dataType;
  }

  /** Size of one element in bits. */
  public int bits() {
    return bits;
  }

  /** The ND4J type that holds the same values, or null where there is none. */
  public DataType dataType() {
    return dataType;
  }

  /** Whether {@link SafetensorsFile#read} understands this type. */
  public boolean readable() {
    return dataType != null;
  }

  /** Whether values are F16, BF16, F32 or F64. */
  public boolean floating() {
    return this == F16 || this == BF16 || this == F32 || this == F64;
  }

  /** The type of that exact name in a file. */
  public static Optional<Dtype> named(String name) {
    for (Dtype dtype : values()) {
      if (dtype.name().equals(name)) {
        return Optional.of(dtype);
      }
    }
    return Optional.empty();
  }

  /**
   * The type that stores an ND4J type unchanged.
   *
   * @throws IllegalArgumentException for types that are not numbers
   */
  public static Dtype of(DataType type) {
    for (Dtype dtype : values()) {
      if (dtype.dataType == type) {
        return dtype;
      }
    }
    throw new IllegalArgumentException("safetensors cannot hold ND4J type " + type);
  }
}
