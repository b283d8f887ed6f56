package io.lapidary.engine.vector;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.stream.IntStream;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/** Loads, stores and elementary functions on vectors of floats. Offsets count floats. */
final class Lanes {
  static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
  static final int WIDTH = SPECIES.length();
  private static final ByteOrder ORDER = ByteOrder.nativeOrder();
  private static final float ROUND =
      12582912f; // 1.5 · 2²³: adding it rounds to a whole number in the low bits

  private static final List<VectorMask<Float>> TAILS = // making one is slow
      IntStream.range(0, WIDTH).mapToObj(count -> SPECIES.indexInRange(0, count)).toList();

  private Lanes() {}

  static FloatVector load(ByteBuffer buffer, int offset) {
    return FloatVector.fromByteBuffer(SPECIES, buffer, offset << 2, ORDER);
  }

  static void store(FloatVector value, ByteBuffer buffer, int offset) {
    value.intoByteBuffer(buffer, offset << 2, ORDER);
  }

  static FloatVector load(ByteBuffer buffer, int offset, VectorMask<Float> mask) {
    return FloatVector.fromByteBuffer(SPECIES, buffer, offset << 2, ORDER, mask);
  }

  /**
   * Stores the lanes of a tail. Below {@code limit}, the end of what this thread owns, the values
   * behind the tail are rewritten with themselves, which is fast; beyond it lane by lane.
   */
  static void store(
      FloatVector value, ByteBuffer buffer, int offset, VectorMask<Float> mask, int limit) {
    if (offset + WIDTH <= limit) {
      store(load(buffer, offset).blend(value, mask), buffer, offset);
    } else {
      value.intoByteBuffer(buffer, offset << 2, ORDER, mask);
    }
  }

  /** The lanes that hold the {@code count} &lt; WIDTH last values of a row. */
  static VectorMask<Float> tail(int count) {
    return TAILS.get(count);
  }

  /** Sum of the lanes of a tail. */
  static float sum(FloatVector value, VectorMask<Float> mask) {
    return FloatVector.zero(SPECIES).blend(value, mask).reduceLanes(VectorOperators.ADD);
  }

  /** Largest lane of a tail. */
  static float max(FloatVector value, VectorMask<Float> mask) {
    return FloatVector.broadcast(SPECIES, Float.NEGATIVE_INFINITY)
        .blend(value, mask)
        .reduceLanes(VectorOperators.MAX);
  }

  /** Zeros at [from, to). */
  static void clear(ByteBuffer buffer, int from, int to) {
    int i = from;
    for (; i + WIDTH <= to; i += WIDTH) {
      store(FloatVector.zero(SPECIES), buffer, i);
    }
    for (; i < to; i++) {
      put(buffer, i, 0);
    }
  }

  static float get(ByteBuffer buffer, int offset) {
    return buffer.getFloat(offset << 2);
  }

  static void put(ByteBuffer buffer, int offset, float value) {
    buffer.putFloat(offset << 2, value);
  }

  /** eˣ to 2 units in the last place for |x| &lt; 87; 0 and the largest floats beyond. */
  static FloatVector exp(FloatVector x) {
    return expUpTo88(x.min(88.3f));
  }

  /** {@link #exp} for x up to 88.3, without the clamp. */
  static FloatVector expUpTo88(FloatVector x) {
    FloatVector t =
        x.fma(FloatVector.broadcast(SPECIES, 1.44269504f), FloatVector.broadcast(SPECIES, ROUND));
    FloatVector n = t.sub(ROUND);
    FloatVector r = n.fma(FloatVector.broadcast(SPECIES, -0.693359375f), x);
    r = n.fma(FloatVector.broadcast(SPECIES, 2.12194440e-4f), r);
    FloatVector p = FloatVector.broadcast(SPECIES, 1.9875691500e-4f);
    p = p.fma(r, FloatVector.broadcast(SPECIES, 1.3981999507e-3f));
    p = p.fma(r, FloatVector.broadcast(SPECIES, 8.3334519073e-3f));
    p = p.fma(r, FloatVector.broadcast(SPECIES, 4.1665795894e-2f));
    p = p.fma(r, FloatVector.broadcast(SPECIES, 1.6666665459e-1f));
    p = p.fma(r, FloatVector.broadcast(SPECIES, 5.0000001201e-1f));
    p = p.fma(r.mul(r), r.add(1f));
    IntVector power = t.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23).add(0x3f800000);
    FloatVector y = p.mul(power.reinterpretAsFloats());
    return y.blend(0f, x.lt(-87.3f)); // what came out there is of no use
  }

  /** 1 / (1 + e⁻ˣ). */
  static FloatVector sigmoid(FloatVector x) {
    return FloatVector.broadcast(SPECIES, 1f).div(exp(x.neg()).add(1f));
  }

  /** Hyperbolic tangent. */
  static FloatVector tanh(FloatVector x) {
    FloatVector e = exp(x.mul(2f));
    return FloatVector.broadcast(SPECIES, 1f)
        .sub(FloatVector.broadcast(SPECIES, 2f).div(e.add(1f)));
  }

  /**
   * Error function, absolute error below 2e-7 (Abramowitz and Stegun 7.1.26); {@code gauss} is
   * e^(−x²).
   */
  static FloatVector erf(FloatVector x, FloatVector gauss) {
    FloatVector a = x.abs();
    FloatVector one = FloatVector.broadcast(SPECIES, 1f);
    FloatVector t = one.div(a.fma(FloatVector.broadcast(SPECIES, 0.3275911f), one));
    FloatVector p = FloatVector.broadcast(SPECIES, 1.061405429f);
    p = p.fma(t, FloatVector.broadcast(SPECIES, -1.453152027f));
    p = p.fma(t, FloatVector.broadcast(SPECIES, 1.421413741f));
    p = p.fma(t, FloatVector.broadcast(SPECIES, -0.284496736f));
    p = p.fma(t, FloatVector.broadcast(SPECIES, 0.254829592f));
    FloatVector y = one.sub(p.mul(t).mul(gauss));
    return y.blend(y.neg(), x.lt(0f));
  }
}
