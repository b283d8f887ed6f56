package io.lapidary.engine.vector;

import static io.lapidary.engine.vector.Lanes.SPECIES;
import static io.lapidary.engine.vector.Lanes.WIDTH;
import static io.lapidary.engine.vector.Lanes.load;
import static io.lapidary.engine.vector.Lanes.store;
import static io.lapidary.engine.vector.Lanes.tail;

import java.nio.ByteBuffer;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/** Activations and their gradients in one pass. */
final class ActivationKernels {
  private static final float TANH_SCALE = (float) Math.sqrt(2 / Math.PI);
  private static final float NORMAL = (float) (1 / Math.sqrt(2 * Math.PI));
  private static final float SQRT_HALF = (float) Math.sqrt(0.5);

  private ActivationKernels() {}

  static FloatVector gelu(FloatVector x) {
    FloatVector gauss = Lanes.exp(x.mul(x).mul(-0.5f));
    FloatVector erf = Lanes.erf(x.mul(SQRT_HALF), gauss);
    return x.mul(0.5f).mul(erf.add(1f));
  }

  static FloatVector geluGradient(FloatVector x, FloatVector up) {
    FloatVector gauss = Lanes.exp(x.mul(x).mul(-0.5f));
    FloatVector cdf = Lanes.erf(x.mul(SQRT_HALF), gauss).add(1f).mul(0.5f);
    return x.mul(gauss).mul(NORMAL).add(cdf).mul(up);
  }

  static FloatVector geluTanh(FloatVector x) {
    return x.mul(0.5f).mul(Lanes.tanh(argument(x)).add(1f));
  }

  static FloatVector geluTanhGradient(FloatVector x, FloatVector up) {
    FloatVector t = Lanes.tanh(argument(x));
    FloatVector inner = x.mul(x).mul(3 * 0.044715f).add(1f).mul(TANH_SCALE);
    FloatVector one = FloatVector.broadcast(SPECIES, 1f);
    FloatVector slope = x.mul(one.sub(t.mul(t))).mul(inner);
    return slope.add(t).add(1f).mul(0.5f).mul(up);
  }

  private static FloatVector argument(FloatVector x) {
    return x.mul(x).mul(0.044715f).add(1f).mul(x).mul(TANH_SCALE);
  }

  static FloatVector swish(FloatVector x, float beta) {
    return x.mul(Lanes.sigmoid(x.mul(beta)));
  }

  static FloatVector swishGradient(FloatVector x, FloatVector up, float beta) {
    FloatVector s = Lanes.sigmoid(x.mul(beta));
    FloatVector one = FloatVector.broadcast(SPECIES, 1f);
    return x.mul(beta).mul(one.sub(s)).add(1f).mul(s).mul(up);
  }

  static void gelu(ByteBuffer x, ByteBuffer y, int from, int to) {
    int i = from;
    for (; i + WIDTH <= to; i += WIDTH) {
      store(gelu(load(x, i)), y, i);
    }
    if (i < to) {
      VectorMask<Float> mask = tail(to - i);
      store(gelu(load(x, i, mask)), y, i, mask, 0);
    }
  }

  static void geluGradient(ByteBuffer x, ByteBuffer up, ByteBuffer dx, int from, int to) {
    int i = from;
    for (; i + WIDTH <= to; i += WIDTH) {
      store(geluGradient(load(x, i), load(up, i)), dx, i);
    }
    if (i < to) {
      VectorMask<Float> mask = tail(to - i);
      store(geluGradient(load(x, i, mask), load(up, i, mask)), dx, i, mask, 0);
    }
  }

  static void geluTanh(ByteBuffer x, ByteBuffer y, int from, int to) {
    int i = from;
    for (; i + WIDTH <= to; i += WIDTH) {
      store(geluTanh(load(x, i)), y, i);
    }
    if (i < to) {
      VectorMask<Float> mask = tail(to - i);
      store(geluTanh(load(x, i, mask)), y, i, mask, 0);
    }
  }

  static void geluTanhGradient(ByteBuffer x, ByteBuffer up, ByteBuffer dx, int from, int to) {
    int i = from;
    for (; i + WIDTH <= to; i += WIDTH) {
      store(geluTanhGradient(load(x, i), load(up, i)), dx, i);
    }
    if (i < to) {
      VectorMask<Float> mask = tail(to - i);
      store(geluTanhGradient(load(x, i, mask), load(up, i, mask)), dx, i, mask, 0);
    }
  }

  static void swish(ByteBuffer x, ByteBuffer y, float beta, int from, int to) {
    int i = from;
    for (; i + WIDTH <= to; i += WIDTH) {
      store(swish(load(x, i), beta), y, i);
    }
    if (i < to) {
      VectorMask<Float> mask = tail(to - i);
      store(swish(load(x, i, mask), beta), y, i, mask, 0);
    }
  }

  static void swishGradient(
      ByteBuffer x, ByteBuffer up, ByteBuffer dx, float beta, int from, int to) {
    int i = from;
    for (; i + WIDTH <= to; i += WIDTH) {
      store(swishGradient(load(x, i), load(up, i), beta), dx, i);
    }
    if (i < to) {
      VectorMask<Float> mask = tail(to - i);
      store(swishGradient(load(x, i, mask), load(up, i, mask), beta), dx, i, mask, 0);
    }
  }

  static void reluGradient(ByteBuffer x, ByteBuffer up, ByteBuffer dx, int from, int to) {
    int i = from;
    FloatVector zero = FloatVector.zero(SPECIES);
    for (; i + WIDTH <= to; i += WIDTH) {
      store(zero.blend(load(up, i), load(x, i).compare(VectorOperators.GT, 0f)), dx, i);
    }
    for (; i < to; i++) {
      Lanes.put(dx, i, Lanes.get(x, i) > 0 ? Lanes.get(up, i) : 0);
    }
  }
}
