package io.lapidary.io;

import io.lapidary.InputException;
import java.util.function.DoubleUnaryOperator;

/** Pillow's filters by the numbers that {@code preprocessor_config.json} has for them. */
enum Resampling {
  /** The nearest pixel. */
  NEAREST(0, x -> 1),
  /** Windowed sinc. */
  LANCZOS(3, x -> Math.abs(x) < 3 ? sinc(x) * sinc(x / 3) : 0),
  /** A triangle. */
  BILINEAR(1, x -> Math.max(0, 1 - Math.abs(x))),
  /** A cubic of sharpness −0.5. */
  BICUBIC(2, Resampling::cubic),
  /** The mean of what a pixel covers. */
  BOX(0.5, x -> x > -0.5 && x <= 0.5 ? 1 : 0),
  /** A Hamming window. */
  HAMMING(1, Resampling::hamming);

  private static final double SHARPNESS = -0.5; // the a of the cubic filter

  private final double reach;
  private final DoubleUnaryOperator weight;

  Resampling(double reach, DoubleUnaryOperator weight) {
    this.reach = reach;
    this.weight = weight;
  }

  /**
   * The filter of a number.
   *
   * @throws InputException when there is none
   */
  static Resampling of(int number, String where) {
    if (number < 0 || number >= values().length) {
      throw InputException.of(
          "%s: resample must be 0 to %d, found %d", where, values().length - 1, number);
    }
    return values()[number];
  }

  /** Half its width in pixels of the larger grid. */
  double reach() {
    return reach;
  }

  double weight(double distance) {
    return weight.applyAsDouble(distance);
  }

  private static double sinc(double x) {
    return x == 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
  }

  private static double cubic(double distance) {
    double x = Math.abs(distance);
    if (x < 1) {
      return ((SHARPNESS + 2) * x - (SHARPNESS + 3)) * x * x + 1;
    }
    return x < 2 ? (((x - 5) * x + 8) * x - 4) * SHARPNESS : 0;
  }

  private static double hamming(double distance) {
    double x = Math.abs(distance);
    return x >= 1 ? 0 : sinc(x) * (0.54 + 0.46 * Math.cos(Math.PI * x));
  }
}
