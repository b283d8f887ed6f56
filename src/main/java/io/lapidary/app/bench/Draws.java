package io.lapidary.app.bench;

import io.lapidary.Seeds;
import io.lapidary.engine.Shapes;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Inputs of a workload, each from the stream of its name. */
record Draws(DataType type, Seeds seeds) {
  Draws(DataType type, long seed) {
    this(type, new Seeds(seed).stream("inputs"));
  }

  /** Standard normal numbers. */
  INDArray normal(String name, long... shape) {
    SplittableRandom random = seeds.stream(name).random();
    double[] values = new double[Math.toIntExact(Shapes.length(shape))];
    Arrays.setAll(values, i -> random.nextGaussian());
    return Nd4j.createFromArray(values).castTo(type).reshape('c', shape);
  }

  /** Ids in [0, bound), INT. */
  INDArray ids(String name, int bound, long... shape) {
    SplittableRandom random = seeds.stream(name).random();
    int[] values = new int[Math.toIntExact(Shapes.length(shape))];
    Arrays.setAll(values, i -> random.nextInt(bound));
    return Nd4j.createFromArray(values).reshape('c', shape);
  }
}
