package io.lapidary.engine.vector;

import static io.lapidary.engine.vector.Lanes.WIDTH;

import java.nio.ByteBuffer;
import jdk.incubator.vector.FloatVector;

/**
 * Rotary positions of heads [B, H, T, d], read and written where they are: the pairs (j, j + size /
 * 2) of a token turn by the token's angles, values from {@code size} on are copied.
 *
 * @param cos table [T, size], or [B, T, size] when texts differ
 * @param sin likewise
 * @param size number of turned values of a head; even
 * @param perText whether every text has tables of its own
 * @param forward false to turn back, as the gradient does
 */
record RotaryKernel(
    Heads x,
    ByteBuffer cos,
    ByteBuffer sin,
    Heads y,
    int batch,
    int heads,
    int size,
    boolean perText,
    boolean forward) {

  void run() {
    int tokens = x.rows();
    Workers.run(
        batch * tokens,
        2L * heads * x.width(),
        (from, to) -> {
          for (int i = from; i < to; i++) {
            int table = (perText ? i : i % tokens) * size;
            for (int h = 0; h < heads; h++) {
              int b = i / tokens;
              turn(x.at(b, h, i % tokens), table, y.at(b, h, i % tokens));
            }
          }
        });
  }

  private void turn(int in, int table, int out) {
    ByteBuffer source = x.memory();
    ByteBuffer target = y.memory();
    int half = size / 2;
    int whole = half - half % WIDTH;
    for (int j = 0; j < whole; j += WIDTH) {
      FloatVector a = Lanes.load(source, in + j);
      FloatVector b = Lanes.load(source, in + half + j);
      FloatVector low = Lanes.load(sin, table + j);
      FloatVector high = Lanes.load(sin, table + half + j);
      FloatVector left = a.mul(Lanes.load(cos, table + j));
      FloatVector right = b.mul(Lanes.load(cos, table + half + j));
      Lanes.store(forward ? left.sub(b.mul(low)) : left.add(b.mul(high)), target, out + j);
      Lanes.store(forward ? right.add(a.mul(high)) : right.sub(a.mul(low)), target, out + half + j);
    }
    for (int j = whole; j < half; j++) {
      float a = Lanes.get(source, in + j);
      float b = Lanes.get(source, in + half + j);
      float low = Lanes.get(sin, table + j);
      float high = Lanes.get(sin, table + half + j);
      float left = a * Lanes.get(cos, table + j);
      float right = b * Lanes.get(cos, table + half + j);
      Lanes.put(target, out + j, forward ? left - b * low : left + b * high);
      Lanes.put(target, out + half + j, forward ? right + a * high : right - a * low);
    }
    for (int j = size; j < x.width(); j++) {
      Lanes.put(target, out + j, Lanes.get(source, in + j));
    }
  }
}
