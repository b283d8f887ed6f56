package io.lapidary.engine.vector;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Arrays as byte buffers over their own off-heap memory. */
final class Memory {
  private Memory() {}

  /**
   * Whether kernels can work on {@code array} in place: FLOAT or INT, row-major without gaps, below
   * 2 GiB.
   */
  static boolean usable(INDArray array) {
    boolean typed = array.dataType() == DataType.FLOAT || array.dataType() == DataType.INT;
    return typed
        && array.length() > 0
        && array.length() < Integer.MAX_VALUE / 4
        && array.ordering() == 'c'
        && plain(array);
  }

  private static boolean plain(INDArray array) {
    long expected = 1;
    for (int i = array.rank() - 1; i >= 0; i--) {
      if (array.size(i) != 1 && array.stride(i) != expected) {
        return false;
      }
      expected *= array.size(i);
    }
    return true;
  }

  static ByteBuffer of(INDArray array) {
    return of(array, array.length());
  }

  /** The {@code span} values from the first of {@code array} on. */
  static ByteBuffer of(INDArray array, long span) {
    Pointer start = array.data().addressPointer();
    long bytes = span * 4;
    return new BytePointer(start)
        .capacity(bytes)
        .limit(bytes)
        .asByteBuffer()
        .order(ByteOrder.nativeOrder());
  }
}
