package io.lapidary.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Masks of the largest entries, kernel and plain ops, against a sort. */
class TopKMaskTest {

  private static float[] values(SplittableRandom random, int length) {
    float[] values = new float[length];
    int kind = random.nextInt(4);
    for (int i = 0; i < length; i++) {
      values[i] =
          switch (kind) {
            case 0 -> (float) (random.nextDouble() - 0.5);
            case 1 -> random.nextInt(-2, 3); // many equal
            case 2 -> Math.max(0, random.nextInt(-9, 4) * 1e-30f); // mostly zero
            default -> (float) Math.exp(80 * (random.nextDouble() - 0.5)) * (i % 3 == 0 ? -1 : 1);
          };
      if (kind != 2 && random.nextInt(40) == 0) {
        values[i] = random.nextBoolean() ? -0f : Float.POSITIVE_INFINITY;
      }
    }
    return values;
  }

  /** 1 at the k largest, the first of equal ones; zeros of both signs are equal. */
  private static float[] bySorting(float[] values, int from, int n, int k) {
    float[] mask = new float[n];
    IntStream.range(0, n)
        .boxed()
        .sorted((a, b) -> -Float.compare(values[from + a] + 0f, values[from + b] + 0f)) // stable
        .limit(k)
        .forEach(i -> mask[i] = 1);
    return mask;
  }

  private static float[] run(float[] values, int rows, int k, boolean batch, boolean kernels) {
    Graph g = new Graph(new Parameters(DataType.FLOAT, 0), false);
    INDArray x = Nd4j.createFromArray(values).reshape('c', rows, values.length / rows);
    SDVariable in = g.placeholder("x", x.shape());
    SDVariable mask = batch ? g.ops().batchTopKMask(in, k) : g.ops().topKMask(in, k);
    SDVariable y = g.name(mask, "y");
    try (Plan plan = Plan.compile(g, java.util.List.of(y), kernels)) {
      plan.seed(new io.lapidary.Seeds(1));
      return plan.run(Map.of("x", x)).get("y").dup('c').data().asFloat();
    }
  }

  @Test
  void inEveryRowAndOverTheBatch() {
    for (int seed = 0; seed < 60; seed++) {
      SplittableRandom random = new SplittableRandom(seed);
      int rows = random.nextInt(1, 6);
      int n = random.nextInt(1, seed % 10 == 0 ? 3000 : 70);
      float[] values = values(random, rows * n);
      int k = random.nextInt(1, n + 1);
      int all = random.nextInt(1, rows * n + 1);
      float[] byRow = new float[rows * n];
      for (int row = 0; row < rows; row++) {
        System.arraycopy(bySorting(values, row * n, n, k), 0, byRow, row * n, n);
      }
      float[] overall = bySorting(values, 0, rows * n, all);
      for (boolean kernels : new boolean[] {true, false}) {
        String what = String.format("seed %d, kernels %s", seed, kernels);
        assertThat(run(values, rows, k, false, kernels)).as(what).isEqualTo(byRow);
        assertThat(run(values, rows, all, true, kernels)).as(what).isEqualTo(overall);
      }
    }
  }
}
