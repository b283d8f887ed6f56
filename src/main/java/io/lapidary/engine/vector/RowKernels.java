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

/** Kernels over rows of the last axis: softmax and normalisation, forward and backward. */
final class RowKernels {
  private RowKernels() {}

  static void softmax(ByteBuffer x, ByteBuffer y, int from, int to, int n) {
    int whole = n - n % WIDTH;
    VectorMask<Float> rest = tail(n - whole);
    for (int r = from; r < to; r++) {
      int row = r * n;
      float top = max(x, row, n, whole, rest);
      FloatVector sum = FloatVector.zero(SPECIES);
      for (int i = 0; i < whole; i += WIDTH) {
        FloatVector e = Lanes.exp(load(x, row + i).sub(top));
        store(e, y, row + i);
        sum = sum.add(e);
      }
      float total = sum.reduceLanes(VectorOperators.ADD);
      if (whole < n) {
        FloatVector e = Lanes.exp(load(x, row + whole, rest).sub(top));
        store(e, y, row + whole, rest, to * n);
        total += Lanes.sum(e, rest);
      }
      float scale = 1 / total;
      for (int i = 0; i < whole; i += WIDTH) {
        store(load(y, row + i).mul(scale), y, row + i);
      }
      if (whole < n) {
        store(load(y, row + whole, rest).mul(scale), y, row + whole, rest, to * n);
      }
    }
  }

  static float max(ByteBuffer x, int row, int n, int whole, VectorMask<Float> rest) {
    FloatVector best = FloatVector.broadcast(SPECIES, Float.NEGATIVE_INFINITY);
    for (int i = 0; i < whole; i += WIDTH) {
      best = best.max(load(x, row + i));
    }
    float top = best.reduceLanes(VectorOperators.MAX);
    if (whole < n) {
      top = Math.max(top, Lanes.max(load(x, row + whole, rest), rest));
    }
    return top;
  }

  /**
   * scale · y (up − ⟨up, y⟩); where y is 0, as for keys that attention hides, no gradient flows.
   */
  static void softmaxGradient(
      ByteBuffer y, ByteBuffer up, ByteBuffer dx, float scale, int from, int to, int n) {
    int whole = n - n % WIDTH;
    VectorMask<Float> rest = tail(n - whole);
    for (int r = from; r < to; r++) {
      int row = r * n;
      FloatVector sum = FloatVector.zero(SPECIES);
      for (int i = 0; i < whole; i += WIDTH) {
        sum = load(y, row + i).fma(load(up, row + i), sum);
      }
      float along = sum.reduceLanes(VectorOperators.ADD);
      if (whole < n) {
        along += Lanes.sum(load(y, row + whole, rest).mul(load(up, row + whole, rest)), rest);
      }
      for (int i = 0; i < whole; i += WIDTH) {
        store(load(up, row + i).sub(along).mul(load(y, row + i)).mul(scale), dx, row + i);
      }
      if (whole < n) {
        FloatVector g = load(up, row + whole, rest).sub(along).mul(load(y, row + whole, rest));
        store(g.mul(scale), dx, row + whole, rest, to * n);
      }
    }
  }

  /**
   * Layer norm (or RMS norm) of rows; gain and bias may be null; keeps mean and 1/√(variance + ε)
   * per row.
   */
  static void layerNorm(
      ByteBuffer x,
      ByteBuffer gain,
      ByteBuffer bias,
      ByteBuffer y,
      ByteBuffer mean,
      ByteBuffer scale,
      float epsilon,
      boolean centre,
      int from,
      int to,
      int n) {
    int whole = n - n % WIDTH;
    VectorMask<Float> rest = tail(n - whole);
    for (int r = from; r < to; r++) {
      int row = r * n;
      float m = 0;
      if (centre) {
        FloatVector sum = FloatVector.zero(SPECIES);
        for (int i = 0; i < whole; i += WIDTH) {
          sum = sum.add(load(x, row + i));
        }
        m = sum.reduceLanes(VectorOperators.ADD);
        if (whole < n) {
          m += Lanes.sum(load(x, row + whole, rest), rest);
        }
        m /= n;
      }
      FloatVector squares = FloatVector.zero(SPECIES);
      for (int i = 0; i < whole; i += WIDTH) {
        FloatVector c = load(x, row + i).sub(m);
        squares = c.fma(c, squares);
      }
      float variance = squares.reduceLanes(VectorOperators.ADD);
      if (whole < n) {
        FloatVector c = load(x, row + whole, rest).sub(m);
        variance += Lanes.sum(c.mul(c), rest);
      }
      float s = (float) (1 / Math.sqrt(variance / n + epsilon));
      if (mean != null) {
        Lanes.put(mean, r, m);
      }
      Lanes.put(scale, r, s);
      for (int i = 0; i < whole; i += WIDTH) {
        FloatVector c = load(x, row + i).sub(m).mul(s);
        if (gain != null) {
          c = c.mul(load(gain, i));
        }
        if (bias != null) {
          c = c.add(load(bias, i));
        }
        store(c, y, row + i);
      }
      if (whole < n) {
        FloatVector c = load(x, row + whole, rest).sub(m).mul(s);
        if (gain != null) {
          c = c.mul(load(gain, whole, rest));
        }
        if (bias != null) {
          c = c.add(load(bias, whole, rest));
        }
        store(c, y, row + whole, rest, to * n);
      }
    }
  }

  /**
   * Gradient of layer norm with respect to x: s (g − mean(g) − x̂ mean(g x̂)) with g = up · gain;
   * RMS norm leaves mean(g) out.
   */
  static void layerNormGradient(
      ByteBuffer x,
      ByteBuffer mean,
      ByteBuffer scale,
      ByteBuffer gain,
      ByteBuffer up,
      ByteBuffer dx,
      int from,
      int to,
      int n) {
    boolean centre = mean != null;
    int whole = n - n % WIDTH;
    VectorMask<Float> rest = tail(n - whole);
    for (int r = from; r < to; r++) {
      int row = r * n;
      float m = mean == null ? 0 : Lanes.get(mean, r);
      float s = Lanes.get(scale, r);
      FloatVector sums = FloatVector.zero(SPECIES);
      FloatVector products = FloatVector.zero(SPECIES);
      for (int i = 0; i < whole; i += WIDTH) {
        FloatVector g = load(up, row + i);
        if (gain != null) {
          g = g.mul(load(gain, i));
        }
        sums = sums.add(g);
        products = load(x, row + i).sub(m).fma(g, products);
      }
      float sum = sums.reduceLanes(VectorOperators.ADD);
      float product = products.reduceLanes(VectorOperators.ADD);
      if (whole < n) {
        FloatVector g = load(up, row + whole, rest);
        if (gain != null) {
          g = g.mul(load(gain, whole, rest));
        }
        sum += Lanes.sum(g, rest);
        product += Lanes.sum(load(x, row + whole, rest).sub(m).mul(g), rest);
      }
      float along = product * s * s / n;
      float flat = centre ? sum / n : 0;
      for (int i = 0; i < whole; i += WIDTH) {
        FloatVector g = load(up, row + i);
        if (gain != null) {
          g = g.mul(load(gain, i));
        }
        FloatVector c = load(x, row + i).sub(m);
        store(g.sub(flat).sub(c.mul(along)).mul(s), dx, row + i);
      }
      if (whole < n) {
        FloatVector g = load(up, row + whole, rest);
        if (gain != null) {
          g = g.mul(load(gain, whole, rest));
        }
        FloatVector c = load(x, row + whole, rest).sub(m);
        store(g.sub(flat).sub(c.mul(along)).mul(s), dx, row + whole, rest, to * n);
      }
    }
  }

  /**
   * Gradients of gain and bias, Σ up · x̂ and Σ up over rows, for columns [from, to) in blocks of
   * one vector; either may be null.
   */
  static void layerNormWeights(
      ByteBuffer x,
      ByteBuffer mean,
      ByteBuffer scale,
      ByteBuffer up,
      ByteBuffer dGain,
      ByteBuffer dBias,
      int fromBlock,
      int toBlock,
      int rows,
      int n) {
    for (int b = fromBlock; b < toBlock; b++) {
      int i = b * WIDTH;
      VectorMask<Float> mask = i + WIDTH <= n ? null : tail(n - i);
      FloatVector gains = FloatVector.zero(SPECIES);
      FloatVector biases = FloatVector.zero(SPECIES);
      for (int r = 0; r < rows; r++) {
        int at = r * n + i;
        FloatVector g = mask == null ? load(up, at) : load(up, at, mask);
        FloatVector v = mask == null ? load(x, at) : load(x, at, mask);
        gains = v.sub(mean == null ? 0 : Lanes.get(mean, r)).mul(Lanes.get(scale, r)).fma(g, gains);
        biases = biases.add(g);
      }
      if (mask == null) {
        store(gains, dGain, i);
        if (dBias != null) {
          store(biases, dBias, i);
        }
      } else {
        store(gains, dGain, i, mask, 0);
        if (dBias != null) {
          store(biases, dBias, i, mask, 0);
        }
      }
    }
  }

  /** Sum over rows: x [rows, n] to y [n], for blocks of one vector. */
  static void sumRows(ByteBuffer x, ByteBuffer y, int fromBlock, int toBlock, int rows, int n) {
    for (int b = fromBlock; b < toBlock; b++) {
      int i = b * WIDTH;
      if (i + WIDTH <= n) {
        FloatVector sum = FloatVector.zero(SPECIES);
        for (int r = 0; r < rows; r++) {
          sum = sum.add(load(x, r * n + i));
        }
        store(sum, y, i);
      } else {
        VectorMask<Float> mask = tail(n - i);
        FloatVector sum = FloatVector.zero(SPECIES);
        for (int r = 0; r < rows; r++) {
          sum = sum.add(load(x, r * n + i, mask));
        }
        store(sum, y, i, mask, 0);
      }
    }
  }

  /** Sum of each row: x [rows, n] to y [rows]. */
  static void sumColumns(ByteBuffer x, ByteBuffer y, int from, int to, int n) {
    int whole = n - n % WIDTH;
    VectorMask<Float> rest = tail(n - whole);
    for (int r = from; r < to; r++) {
      int row = r * n;
      FloatVector sum = FloatVector.zero(SPECIES);
      for (int i = 0; i < whole; i += WIDTH) {
        sum = sum.add(load(x, row + i));
      }
      float total = sum.reduceLanes(VectorOperators.ADD);
      if (whole < n) {
        total += Lanes.sum(load(x, row + whole, rest), rest);
      }
      Lanes.put(y, r, total);
    }
  }

  /** Sum of each channel: x [images, channels, pixels] to y [channels]. */
  static void sumChannels(
      ByteBuffer x, ByteBuffer y, int from, int to, int images, int channels, int pixels) {
    int whole = pixels - pixels % WIDTH;
    for (int c = from; c < to; c++) {
      FloatVector sum = FloatVector.zero(SPECIES);
      float rest = 0;
      for (int image = 0; image < images; image++) {
        int start = (image * channels + c) * pixels;
        for (int i = 0; i < whole; i += WIDTH) {
          sum = sum.add(load(x, start + i));
        }
        for (int i = whole; i < pixels; i++) {
          rest += Lanes.get(x, start + i);
        }
      }
      Lanes.put(y, c, sum.reduceLanes(VectorOperators.ADD) + rest);
    }
  }

  /** Cross-entropy per row: ln Σ eˣ − x[target], the target spread by {@code smoothing}. */
  static void crossEntropy(
      ByteBuffer x, ByteBuffer ids, ByteBuffer loss, float smoothing, int from, int to, int n) {
    int whole = n - n % WIDTH;
    VectorMask<Float> rest = tail(n - whole);
    for (int r = from; r < to; r++) {
      int row = r * n;
      float top = max(x, row, n, whole, rest);
      FloatVector sums = FloatVector.zero(SPECIES);
      FloatVector values = FloatVector.zero(SPECIES);
      for (int i = 0; i < whole; i += WIDTH) {
        FloatVector v = load(x, row + i).sub(top);
        sums = sums.add(Lanes.exp(v));
        values = values.add(v);
      }
      float sum = sums.reduceLanes(VectorOperators.ADD);
      float value = values.reduceLanes(VectorOperators.ADD);
      if (whole < n) {
        FloatVector v = load(x, row + whole, rest).sub(top);
        sum += Lanes.sum(Lanes.exp(v), rest);
        value += Lanes.sum(v, rest);
      }
      float target = Lanes.get(x, row + ids.getInt(r << 2)) - top;
      float expected = (1 - smoothing) * target + smoothing * value / n;
      Lanes.put(loss, r, (float) Math.log(sum) - expected);
    }
  }

  /** (softmax(x) − target) · up per row. */
  static void crossEntropyGradient(
      ByteBuffer x,
      ByteBuffer ids,
      ByteBuffer up,
      ByteBuffer dx,
      float smoothing,
      int from,
      int to,
      int n) {
    softmax(x, dx, from, to, n);
    int whole = n - n % WIDTH;
    VectorMask<Float> rest = tail(n - whole);
    float spread = smoothing / n;
    for (int r = from; r < to; r++) {
      int row = r * n;
      float g = Lanes.get(up, r);
      for (int i = 0; i < whole; i += WIDTH) {
        store(load(dx, row + i).sub(spread).mul(g), dx, row + i);
      }
      if (whole < n) {
        store(load(dx, row + whole, rest).sub(spread).mul(g), dx, row + whole, rest, to * n);
      }
      int target = row + ids.getInt(r << 2);
      Lanes.put(dx, target, Lanes.get(dx, target) - (1 - smoothing) * g);
    }
  }
}
