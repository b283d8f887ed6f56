package io.lapidary.engine.vector;

import static io.lapidary.engine.vector.Lanes.SPECIES;
import static io.lapidary.engine.vector.Lanes.WIDTH;

import java.nio.ByteBuffer;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
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
    return array.rank() > 1
        && array.rank() < 5
        && array.dataType() == DataType.FLOAT
        && array.length() > 0
        && (array.stride(-1) == 1 || array.size(-1) == 1)
        && span(array) < Integer.MAX_VALUE / 4;
  }

  /** Arrays [H, T, d] and [T, d] are taken for B = 1. */
  static Heads of(INDArray array) {
    int rank = array.rank();
    return new Heads(
        Memory.of(array, span(array)),
        rank < 4 ? 0 : (int) array.stride(0),
        rank < 3 ? 0 : (int) array.stride(rank - 3),
        (int) array.stride(rank - 2),
        (int) array.size(rank - 2),
        (int) array.size(rank - 1));
  }

  /** Number of values from the first to the last. */
  private static long span(INDArray array) {
    long last = 0;
    for (int i = 0; i < array.rank(); i++) {
      last += (array.size(i) - 1) * array.stride(i);
    }
    return last + 1;
  }

  /** Where row t begins. */
  int at(int b, int h, int t) {
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
    Arrays.fill(block, out, at + padded * lead, 0);
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
      Arrays.fill(block, out + count, out + lead, 0);
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

  /** Product of row t here and in {@code other}, which has the same width. */
  float dot(int b, int h, int t, Heads other) {
    int left = at(b, h, t);
    int right = other.at(b, h, t);
    int whole = width - width % WIDTH;
    FloatVector sums = FloatVector.zero(SPECIES);
    for (int j = 0; j < whole; j += WIDTH) {
      sums = Lanes.load(memory, left + j).fma(Lanes.load(other.memory, right + j), sums);
    }
    float sum = sums.reduceLanes(VectorOperators.ADD);
    for (int j = whole; j < width; j++) {
      sum += Lanes.get(memory, left + j) * Lanes.get(other.memory, right + j);
    }
    return sum;
  }

  /** Product of row t and a packed row. */
  float dot(int b, int h, int t, float[] packed) {
    int in = at(b, h, t);
    int whole = width - width % WIDTH;
    FloatVector sums = FloatVector.zero(SPECIES);
    for (int j = 0; j < whole; j += WIDTH) {
      sums = Lanes.load(memory, in + j).fma(FloatVector.fromArray(SPECIES, packed, j), sums);
    }
    float sum = sums.reduceLanes(VectorOperators.ADD);
    for (int j = whole; j < width; j++) {
      sum += Lanes.get(memory, in + j) * packed[j];
    }
    return sum;
  }

  /**
   * Σₜ weights[t] · row t over [from, to), four vectors of columns from {@code c} on, where there
   * are so many.
   */
  void mix(int b, int h, int from, int to, float[] weights, int c, float[] sums) {
    int columns = Math.min(4 * WIDTH, width - c);
    if (columns == 4 * WIDTH) {
      mixWhole(at(b, h, from) + c, from, to, weights, c, sums);
      return;
    }
    for (int j = c; j < c + columns; j += WIDTH) {
      int count = Math.min(WIDTH, width - j);
      int in = at(b, h, from) + j;
      FloatVector sum = FloatVector.zero(SPECIES);
      for (int t = from; t < to; t++, in += row) {
        FloatVector x =
            count == WIDTH ? Lanes.load(memory, in) : Lanes.load(memory, in, Lanes.tail(count));
        sum = x.fma(FloatVector.broadcast(SPECIES, weights[t]), sum);
      }
      sum.intoArray(sums, j);
    }
  }

  private void mixWhole(int start, int from, int to, float[] weights, int c, float[] sums) {
    FloatVector s0 = FloatVector.zero(SPECIES);
    FloatVector s1 = s0;
    FloatVector s2 = s0;
    FloatVector s3 = s0;
    int in = start;
    for (int t = from; t < to; t++, in += row) {
      FloatVector w = FloatVector.broadcast(SPECIES, weights[t]);
      s0 = Lanes.load(memory, in).fma(w, s0);
      s1 = Lanes.load(memory, in + WIDTH).fma(w, s1);
      s2 = Lanes.load(memory, in + 2 * WIDTH).fma(w, s2);
      s3 = Lanes.load(memory, in + 3 * WIDTH).fma(w, s3);
    }
    s0.intoArray(sums, c);
    s1.intoArray(sums, c + WIDTH);
    s2.intoArray(sums, c + 2 * WIDTH);
    s3.intoArray(sums, c + 3 * WIDTH);
  }
}
