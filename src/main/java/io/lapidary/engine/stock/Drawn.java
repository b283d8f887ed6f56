package io.lapidary.engine.stock;

import io.lapidary.Seeds;
import io.lapidary.engine.Init;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Weights and inputs of a stock model, each from the stream of its name. */
record Drawn(Seeds seeds) {
  Drawn(long seed) {
    this(new Seeds(seed).stream("stock"));
  }

  SDVariable weight(SameDiff sd, String name, Init init, long... shape) {
    return sd.var(name, array(name, init, shape));
  }

  INDArray array(String name, Init init, long... shape) {
    double[] values = init.values(shape, seeds.stream(name).random());
    return Nd4j.createFromArray(values).castTo(DataType.FLOAT).reshape('c', shape);
  }

  INDArray ids(String name, int bound, long... shape) {
    SplittableRandom random = seeds.stream(name).random();
    int[] values = new int[Math.toIntExact(Arrays.stream(shape).reduce(1, (a, b) -> a * b))];
    Arrays.setAll(values, i -> random.nextInt(bound));
    return Nd4j.createFromArray(values).reshape('c', shape);
  }
}
