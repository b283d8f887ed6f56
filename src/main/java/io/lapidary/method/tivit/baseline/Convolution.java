package io.lapidary.method.tivit.baseline;

/** One tap of a dilated convolution. */
final class Convolution {
  private Convolution() {}

  /** out[t] += weight · x[t + shift] for t below {@code size}, where x has that place. */
  static void add(float[] x, int shift, float weight, float[] out, int size) {
    int from = Math.max(0, -shift);
    int to = Math.min(size, x.length - shift);
    for (int t = from; t < to; t++) {
      out[t] += weight * x[t + shift];
    }
  }
}
