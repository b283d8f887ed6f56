package io.lapidary.engine;

import io.lapidary.Check;
import java.util.Random;
import java.util.SplittableRandom;

/**
 * How a fresh parameter is filled. Implementations draw in row-major order, so a shape and a seed
 * give one tensor.
 */
@FunctionalInterface
public interface Init {
  /** Values of a parameter of {@code shape}, row-major. */
  double[] values(long[] shape, SplittableRandom random);

  /** All entries equal to {@code value}. */
  static Init constant(double value) {
    return (shape, random) -> {
      double[] values = new double[length(shape)];
      java.util.Arrays.fill(values, value);
      return values;
    };
  }

  /** Zeros. */
  static Init zeros() {
    return constant(0);
  }

  /** Ones. */
  static Init ones() {
    return constant(1);
  }

  /** Normal distribution of mean 0 and the given standard deviation. */
  static Init normal(double standardDeviation) {
    Check.notNegative("standardDeviation", standardDeviation);
    return (shape, random) -> {
      Random gaussian = new Random(random.nextLong());
      double[] values = new double[length(shape)];
      for (int i = 0; i < values.length; i++) {
        values[i] = standardDeviation * gaussian.nextGaussian();
      }
      return values;
    };
  }

  /** Uniform distribution over [-bound, bound). */
  static Init uniform(double bound) {
    Check.notNegative("bound", bound);
    return (shape, random) -> {
      double[] values = new double[length(shape)];
      for (int i = 0; i < values.length; i++) {
        values[i] = bound * (2 * random.nextDouble() - 1);
      }
      return values;
    };
  }

  /** Uniform over ±√(6 / (fanIn + fanOut)) (Glorot and Bengio 2010). */
  static Init xavier(long fanIn, long fanOut) {
    return uniform(Math.sqrt(6.0 / (fanIn + fanOut)));
  }

  /** Uniform over ±1/√fanIn, the default of PyTorch's linear and convolution layers. */
  static Init fanIn(long fanIn) {
    return uniform(1 / Math.sqrt(fanIn));
  }

  private static int length(long[] shape) {
    return Math.toIntExact(Shapes.length(shape));
  }
}
