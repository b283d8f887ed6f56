package io.lapidary.engine.vector;

import static io.lapidary.engine.vector.Lanes.SPECIES;
import static io.lapidary.engine.vector.Lanes.WIDTH;

import java.nio.ByteBuffer;
import jdk.incubator.vector.FloatVector;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * An array [B, H, T, d] whose last axis lies without gaps, the others at any stride: heads are read
 * and written where the linear maps left and want them. Rows are packed into blocks of {@code
 * Tiles.columns(d)} columns.
 */
record Heads(ByteBuffer memory, int batch, int head, int row, int rows, int width) {

  /** Whether {@link #of} takes the array. */
  static boolean usable(INDArray array) {
    return array.rank() == 4
        && array.dataType() == DataType.FLOAT
        && array.length() > 0
        && (array.stride(3) == 1 || array.size(3) == 1)
        && span(array) < Integer.MAX_VALUE / 4;
  }

  static Heads of(INDArray array) {
    return new Heads(
        Memory.of(array, span(array)),
        (int) array.stride(0),
        (int) array.stride(1),
        (int) array.stride(2),
        (int) array.size(2),
        (int) array.size(3));
  }

  /** Number of values from the first to the last. */
  private static long span(INDArray array) {
    long last = 0;
    for (int i = 0; i < array.rank(); i++) {
      last += (array.size(i) - 1) * array.stride(i);
    }
    return last + 1;
  }

  private int at(int b, int h, int t) {
    return b * batch + h * head + t * row;
  }

  /**
   * Copies rows [from, to) times {@code factor}; zeros fill the columns, and rows up to {@code
   * padded}.
   */
  void pack(int b, int h, int from, int to, int padded, float factor, float[] block, int at) {
    int lead = Tiles.columns(width);
    int whole = width - width % WIDTH;
    int out = at;
    for (int t = from; t < to; t++, out += lead) {
      int in = at(b, h, t);
      for (int j = 0; j < whole; j += WIDTH) {
        Lanes.load(memory, in + j).mul(factor).intoArray(block, out + j);
      }
      if (whole < width) {
        Lanes.load(memory, in + whole, Lanes.tail(width - whole))
            .mul(factor)
            .intoArray(block, out + whole);
      }
    }
    java.util.Arrays.fill(block, out, at + padded * lead, 0);
  }

  /** Copies rows [from, to) as columns of a block [d, lead]; zeros fill its other columns. */
  void packTransposed(int b, int h, int from, int to, int lead, float[] block, int at) {
    int count = to - from;
    int in = at(b, h, from);
    for (int j = 0; j < width; j++) {
      int out = at + j * lead;
      for (int t = 0; t < count; t++) {
        block[out + t] = Lanes.get(memory, in + t * row + j);
      }
      java.util.Arrays.fill(block, out + count, out + lead, 0);
    }
  }

  /**
   * Writes row t as {@code factor} times a packed row, on top of what is there when {@code add}.
   */
  void write(int b, int h, int t, float factor, boolean add, float[] block, int at) {
    int out = at(b, h, t);
    int whole = width - width % WIDTH;
    for (int j = 0; j < whole; j += WIDTH) {
      FloatVector value = FloatVector.fromArray(SPECIES, block, at + j).mul(factor);
      Lanes.store(add ? value.add(Lanes.load(memory, out + j)) : value, memory, out + j);
    }
    for (int j = whole; j < width; j++) { // beside the row another thread may write
      float value = block[at + j] * factor;
      Lanes.put(memory, out + j, add ? value + Lanes.get(memory, out + j) : value);
    }
  }

  /** Σⱼ of row t times a packed row. */
  float dot(int b, int h, int t, float[] block, int at) {
    int in = at(b, h, t);
    int whole = width - width % WIDTH;
    FloatVector sums = FloatVector.zero(SPECIES);
    for (int j = 0; j < whole; j += WIDTH) {
      sums = Lanes.load(memory, in + j).fma(FloatVector.fromArray(SPECIES, block, at + j), sums);
    }
    float sum = sums.reduceLanes(jdk.incubator.vector.VectorOperators.ADD);
    for (int j = whole; j < width; j++) {
      sum += Lanes.get(memory, in + j) * block[at + j];
    }
    return sum;
  }
}
