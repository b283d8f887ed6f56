package io.lapidary.io;

import io.lapidary.Check;
import java.util.Arrays;
import java.util.Objects;
import java.util.function.Supplier;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A tensor to be written, whose values are asked for when its turn comes.
 *
 * @param dtype as it is stored
 * @param shape of the tensor
 * @param values an array of that shape
 * @param temporary whether the array is closed once it is written
 */
public record TensorSource(
    Dtype dtype, long[] shape, Supplier<INDArray> values, boolean temporary) {

  /** Checks the fields. */
  public TensorSource {
    Check.present("dtype", dtype);
    Check.present("values", values);
    shape = shape.clone();
  }

  /**
   * A live array.
   *
   * @param floating dtype in which floating values are stored; null for their own
   */
  static TensorSource of(INDArray array, Dtype floating) {
    boolean convert = floating != null && array.dataType().isFPType();
    Dtype dtype = convert ? floating : Dtype.of(array.dataType());
    return new TensorSource(dtype, array.shape(), () -> array, false);
  }

  /** A copy of the shape. */
  @Override
  public long[] shape() {
    return shape.clone();
  }

  /** Size in the file. */
  long bytes() {
    return Arrays.stream(shape).reduce(1, (a, b) -> a * b) * dtype.bits() / 8;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof TensorSource that
        && dtype == that.dtype
        && Arrays.equals(shape, that.shape)
        && values.equals(that.values)
        && temporary == that.temporary;
  }

  @Override
  public int hashCode() {
    return Objects.hash(dtype, Arrays.hashCode(shape), values, temporary);
  }

  @Override
  public String toString() {
    return dtype + " " + Texts.shape(shape);
  }
}
