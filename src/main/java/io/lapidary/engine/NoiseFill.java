package io.lapidary.engine;

import io.lapidary.Seeds;
import java.util.Random;
import java.util.SplittableRandom;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Fills noise placeholders from a seed, the same on every backend and thread. */
final class NoiseFill {
  private NoiseFill() {}

  static void fill(INDArray target, Graph.Noise noise, Seeds seeds) {
    float[] values = new float[Math.toIntExact(target.length())];
    SplittableRandom random = seeds.random();
    switch (noise.kind()) {
      case BERNOULLI -> {
        for (int i = 0; i < values.length; i++) {
          values[i] = random.nextDouble() < noise.parameter() ? 1 : 0;
        }
      }
      case UNIFORM -> {
        for (int i = 0; i < values.length; i++) {
          values[i] = (float) Math.min(random.nextDouble(), Math.nextDown(1f));
        }
      }
      case NORMAL -> {
        Random gaussian = new Random(random.nextLong());
        for (int i = 0; i < values.length; i++) {
          values[i] = (float) (noise.parameter() * gaussian.nextGaussian());
        }
      }
    }
    target.assign(Nd4j.createFromArray(values).reshape('c', target.shape()));
  }
}
