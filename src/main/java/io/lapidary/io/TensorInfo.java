package io.lapidary.io;

import java.util.Arrays;

/**
 * Where one tensor lies in a safetensors file: bytes {@code begin} (inclusive) to {@code end}
 * (exclusive) of the data, counted from the byte after the header, in row-major order. A scalar has
 * the empty shape.
 */
public record TensorInfo(String name, Dtype dtype, long[] shape, long begin, long end) {

  /** Makes a copy of the shape. */
  public TensorInfo {
    shape = shape.clone();
  }

  /** A copy of the shape. */
  @Override
  public long[] shape() {
    return shape.clone();
  }

  /** Number of elements: 1 for a scalar, 0 when a dimension is 0. */
  public long elements() {
    long product = 1;
    for (long size : shape) {
      product *= size;
    }
    return product;
  }

  /** Whether the tensor has exactly this shape. */
  public boolean hasShape(long... expected) {
    return Arrays.equals(shape, expected);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof TensorInfo that
        && name.equals(that.name)
        && dtype == that.dtype
        && Arrays.equals(shape, that.shape)
        && begin == that.begin
        && end == that.end;
  }

  @Override
  public int hashCode() {
    return name.hashCode() * 31 + Arrays.hashCode(shape);
  }

  @Override
  public String toString() {
    return Texts.quote(name) + " " + dtype + " " + Texts.shape(shape);
  }
}
