package io.lapidary.method.tivit.baseline;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/** Shares of the values of a + b that lie above biases; the sums are never stored. */
final class Shares {
  static final VectorSpecies<Float> SPECIES = VectorSpecies.of(float.class, HeapVectors.SHAPE);

  private static final VectorSpecies<Integer> WHOLE =
      VectorSpecies.of(int.class, HeapVectors.SHAPE);
  private static final int WIDTH = SPECIES.length();
  private static final int BLOCK = 4;

  private final float[] a;
  private final float[] b;
  private final int shift;
  private final int from;
  private final int to;

  /**
   * The values a[t] + b[shift + t] for t of {@code from} to {@code to} − 1.
   *
   * @param to behind the last value
   */
  Shares(float[] a, float[] b, int shift, int from, int to) {
    this.a = a;
    this.b = b;
    this.shift = shift;
    this.from = from;
    this.to = to;
  }

  /**
   * Writes the share above each bias, 0 when there are no values.
   *
   * @param biases biases from {@code at} on
   * @param count how many
   * @param shares gets the shares from {@code at} on
   */
  void above(float[] biases, int at, int count, float[] shares) {
    int last = at + count - 1;
    for (int i = at; i <= last; i += BLOCK) {
      if (i + BLOCK - 1 <= last) {
        four(biases, i, shares);
      } else { // fewer are left: the last one is counted again
        three(biases, i, Math.min(i + 1, last), Math.min(i + 2, last), shares);
      }
    }
  }

  private void four(float[] biases, int i, float[] shares) {
    FloatVector b0 = FloatVector.broadcast(SPECIES, biases[i]);
    FloatVector b1 = FloatVector.broadcast(SPECIES, biases[i + 1]);
    FloatVector b2 = FloatVector.broadcast(SPECIES, biases[i + 2]);
    FloatVector b3 = FloatVector.broadcast(SPECIES, biases[i + 3]);
    IntVector s0 = IntVector.zero(WHOLE);
    IntVector s1 = IntVector.zero(WHOLE);
    IntVector s2 = IntVector.zero(WHOLE);
    IntVector s3 = IntVector.zero(WHOLE);
    int t = from;
    int end = to - WIDTH + 1;
    for (; t < end; t += WIDTH) {
      FloatVector v = sum(t);
      s0 = s0.add(above(b0, v));
      s1 = s1.add(above(b1, v));
      s2 = s2.add(above(b2, v));
      s3 = s3.add(above(b3, v));
    }
    write(s0, t, biases, i, shares);
    write(s1, t, biases, i + 1, shares);
    write(s2, t, biases, i + 2, shares);
    write(s3, t, biases, i + 3, shares);
  }

  private void three(float[] biases, int i, int j, int k, float[] shares) {
    FloatVector b0 = FloatVector.broadcast(SPECIES, biases[i]);
    FloatVector b1 = FloatVector.broadcast(SPECIES, biases[j]);
    FloatVector b2 = FloatVector.broadcast(SPECIES, biases[k]);
    IntVector s0 = IntVector.zero(WHOLE);
    IntVector s1 = IntVector.zero(WHOLE);
    IntVector s2 = IntVector.zero(WHOLE);
    int t = from;
    int end = to - WIDTH + 1;
    for (; t < end; t += WIDTH) {
      FloatVector v = sum(t);
      s0 = s0.add(above(b0, v));
      s1 = s1.add(above(b1, v));
      s2 = s2.add(above(b2, v));
    }
    write(s0, t, biases, i, shares);
    write(s1, t, biases, j, shares);
    write(s2, t, biases, k, shares);
  }

  private FloatVector sum(int t) {
    return FloatVector.fromArray(SPECIES, a, t).add(FloatVector.fromArray(SPECIES, b, shift + t));
  }

  /** 1 where the value is above the bias: there the difference has its sign bit set. */
  private static IntVector above(FloatVector bias, FloatVector value) {
    return bias.sub(value).reinterpretAsInts().lanewise(VectorOperators.LSHR, 31);
  }

  /** Adds the values from {@code t} on to the counted ones. */
  private void write(IntVector counts, int t, float[] biases, int i, float[] shares) {
    int count = counts.reduceLanes(VectorOperators.ADD);
    for (; t < to; t++) {
      count += a[t] + b[shift + t] > biases[i] ? 1 : 0;
    }
    shares[i] = to > from ? count * (1f / (to - from)) : 0;
  }
}
