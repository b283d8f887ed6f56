package io.lapidary.engine.vector;

import static io.lapidary.engine.vector.Lanes.WIDTH;
import static io.lapidary.engine.vector.Lanes.load;
import static io.lapidary.engine.vector.Lanes.store;

import java.nio.ByteBuffer;
import jdk.incubator.vector.FloatVector;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Optimizer updates in one pass over weight, gradient and state. */
public final class UpdateKernels {
  private static final int CHUNK = 8192;

  private UpdateKernels() {}

  /** The numbers of one Adam step: see {@code io.lapidary.engine.FusedUpdates}. */
  public record AdamStep(
      float gradientScale,
      float coupledDecay,
      float keep,
      float beta1,
      float beta2,
      float rate,
      float root,
      float epsilon) {}

  /** Whether all arrays are row-major FLOAT without gaps. */
  public static boolean usable(INDArray... arrays) {
    for (INDArray array : arrays) {
      if (array.dataType() != DataType.FLOAT || !Memory.usable(array)) {
        return false;
      }
    }
    return true;
  }

  /** One step in place on weight, mean and square. */
  public static void adam(
      AdamStep s, INDArray weight, INDArray gradient, INDArray mean, INDArray square) {
    ByteBuffer w = Memory.of(weight);
    ByteBuffer g = Memory.of(gradient);
    ByteBuffer m = Memory.of(mean);
    ByteBuffer v = Memory.of(square);
    int length = (int) weight.length();
    int chunks = (length + CHUNK - 1) / CHUNK;
    Workers.run(
        chunks,
        8L * CHUNK,
        (from, to) -> adam(s, w, g, m, v, from * CHUNK, Math.min(length, to * CHUNK)));
  }

  private static void adam(
      AdamStep s, ByteBuffer w, ByteBuffer g, ByteBuffer m, ByteBuffer v, int from, int to) {
    float scale = s.gradientScale();
    float b1 = s.beta1();
    float b2 = s.beta2();
    int i = from;
    for (; i + WIDTH <= to; i += WIDTH) {
      FloatVector weight = load(w, i);
      FloatVector gradient = load(g, i).mul(scale).add(weight.mul(s.coupledDecay()));
      FloatVector mean = load(m, i).mul(b1).add(gradient.mul(1 - b1));
      FloatVector square = load(v, i).mul(b2).add(gradient.mul(gradient).mul(1 - b2));
      store(mean, m, i);
      store(square, v, i);
      FloatVector denominator = square.sqrt().div(s.root()).add(s.epsilon());
      store(weight.mul(s.keep()).sub(mean.mul(s.rate()).div(denominator)), w, i);
    }
    for (; i < to; i++) {
      float weight = Lanes.get(w, i);
      float gradient = Lanes.get(g, i) * scale + weight * s.coupledDecay();
      float mean = Lanes.get(m, i) * b1 + gradient * (1 - b1);
      float square = Lanes.get(v, i) * b2 + gradient * gradient * (1 - b2);
      Lanes.put(m, i, mean);
      Lanes.put(v, i, square);
      float denominator = (float) Math.sqrt(square) / s.root() + s.epsilon();
      Lanes.put(w, i, weight * s.keep() - mean * s.rate() / denominator);
    }
  }

  /** w ← w − rate · d in place, with d = gradient · scale + decay · w. */
  public static void momentum(
      INDArray weight,
      INDArray gradient,
      INDArray velocity,
      float scale,
      float decay,
      float momentum,
      float rate) {
    ByteBuffer w = Memory.of(weight);
    ByteBuffer g = Memory.of(gradient);
    ByteBuffer b = Memory.of(velocity);
    int length = (int) weight.length();
    int chunks = (length + CHUNK - 1) / CHUNK;
    Workers.run(
        chunks,
        4L * CHUNK,
        (from, to) ->
            momentum(
                w, g, b, scale, decay, momentum, rate, from * CHUNK, Math.min(length, to * CHUNK)));
  }

  private static void momentum(
      ByteBuffer w,
      ByteBuffer g,
      ByteBuffer b,
      float scale,
      float decay,
      float momentum,
      float rate,
      int from,
      int to) {
    int i = from;
    for (; i + WIDTH <= to; i += WIDTH) {
      FloatVector weight = load(w, i);
      FloatVector d = load(g, i).mul(scale).add(weight.mul(decay));
      FloatVector velocity = load(b, i).mul(momentum).add(d);
      store(velocity, b, i);
      store(weight.sub(velocity.mul(rate)), w, i);
    }
    for (; i < to; i++) {
      float weight = Lanes.get(w, i);
      float velocity = Lanes.get(b, i) * momentum + Lanes.get(g, i) * scale + weight * decay;
      Lanes.put(b, i, velocity);
      Lanes.put(w, i, weight - velocity * rate);
    }
  }
}
