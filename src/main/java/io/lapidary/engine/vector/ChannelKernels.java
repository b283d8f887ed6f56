package io.lapidary.engine.vector;

import static io.lapidary.engine.vector.Lanes.SPECIES;
import static io.lapidary.engine.vector.Lanes.WIDTH;
import static io.lapidary.engine.vector.Lanes.load;
import static io.lapidary.engine.vector.Lanes.store;

import java.nio.ByteBuffer;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/** Instance norm: each channel of each image is a row with a gain and a bias of its own. */
final class ChannelKernels {
  private ChannelKernels() {}

  static void norm(
      ByteBuffer x,
      ByteBuffer gain,
      ByteBuffer bias,
      ByteBuffer y,
      ByteBuffer mean,
      ByteBuffer scale,
      float epsilon,
      int from,
      int to,
      int channels,
      int n) {
    int whole = n - n % WIDTH;
    for (int r = from; r < to; r++) {
      int row = r * n;
      FloatVector sums = FloatVector.zero(SPECIES);
      for (int i = 0; i < whole; i += WIDTH) {
        sums = sums.add(load(x, row + i));
      }
      float m = sums.reduceLanes(VectorOperators.ADD);
      for (int i = whole; i < n; i++) {
        m += Lanes.get(x, row + i);
      }
      m /= n;
      FloatVector squares = FloatVector.zero(SPECIES);
      for (int i = 0; i < whole; i += WIDTH) {
        FloatVector c = load(x, row + i).sub(m);
        squares = c.fma(c, squares);
      }
      float variance = squares.reduceLanes(VectorOperators.ADD);
      for (int i = whole; i < n; i++) {
        float c = Lanes.get(x, row + i) - m;
        variance += c * c;
      }
      float s = (float) (1 / Math.sqrt(variance / n + epsilon));
      Lanes.put(mean, r, m);
      Lanes.put(scale, r, s);
      float factor = s * Lanes.get(gain, r % channels);
      float shift = Lanes.get(bias, r % channels);
      for (int i = 0; i < whole; i += WIDTH) {
        store(load(x, row + i).sub(m).mul(factor).add(shift), y, row + i);
      }
      for (int i = whole; i < n; i++) {
        Lanes.put(y, row + i, (Lanes.get(x, row + i) - m) * factor + shift);
      }
    }
  }

  /** Gradients of x, gain and bias for channels [from, to). */
  static void gradient(
      ByteBuffer x,
      ByteBuffer mean,
      ByteBuffer scale,
      ByteBuffer gain,
      ByteBuffer up,
      ByteBuffer dx,
      ByteBuffer dGain,
      ByteBuffer dBias,
      int from,
      int to,
      int images,
      int channels,
      int n) {
    int whole = n - n % WIDTH;
    for (int c = from; c < to; c++) {
      float gains = 0;
      float biases = 0;
      for (int image = 0; image < images; image++) {
        int r = image * channels + c;
        int row = r * n;
        float m = Lanes.get(mean, r);
        float s = Lanes.get(scale, r);
        FloatVector sums = FloatVector.zero(SPECIES);
        FloatVector products = FloatVector.zero(SPECIES);
        for (int i = 0; i < whole; i += WIDTH) {
          FloatVector g = load(up, row + i);
          sums = sums.add(g);
          products = load(x, row + i).sub(m).fma(g, products);
        }
        float sum = sums.reduceLanes(VectorOperators.ADD);
        float product = products.reduceLanes(VectorOperators.ADD);
        for (int i = whole; i < n; i++) {
          float g = Lanes.get(up, row + i);
          sum += g;
          product += (Lanes.get(x, row + i) - m) * g;
        }
        gains += product * s;
        biases += sum;
        float factor = s * Lanes.get(gain, c);
        float along = product * s * s / n;
        float flat = sum / n;
        for (int i = 0; i < whole; i += WIDTH) {
          FloatVector centred = load(x, row + i).sub(m);
          store(load(up, row + i).sub(flat).sub(centred.mul(along)).mul(factor), dx, row + i);
        }
        for (int i = whole; i < n; i++) {
          float centred = Lanes.get(x, row + i) - m;
          Lanes.put(dx, row + i, (Lanes.get(up, row + i) - flat - centred * along) * factor);
        }
      }
      Lanes.put(dGain, c, gains);
      Lanes.put(dBias, c, biases);
    }
  }
}
