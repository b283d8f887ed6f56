package io.lapidary.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Values, tie rule and pseudo-derivatives, by worked numbers. */
class SparseOpsTest {
  private final Graph g = new Graph(new Parameters(DataType.DOUBLE, 1), true);

  private SDVariable given(String name, double... values) {
    return g.parameter(name, (shape, random) -> values, values.length);
  }

  private double[] value(SDVariable v) {
    try (Plan plan = Plan.compile(g, v)) {
      return plan.run().get(v.name()).dup().data().asDouble();
    }
  }

  private double[] gradient(SDVariable y, SDVariable of) {
    return value(Gradients.of(g, g.ops().sum(y, false), List.of(of)).get(0));
  }

  @Test
  void jumpReluHasItsValuesAndPseudoDerivatives() {
    SDVariable z = given("z", 0.3, 0.45, 0.55, 0.8);
    SDVariable threshold = given("threshold", 0.5, 0.5, 0.5, 0.5);
    SDVariable f = g.ops().jumpRelu(z, threshold, 0.2);
    assertThat(value(f)).containsExactly(new double[] {0, 0, 0.55, 0.8}, within(1e-12));
    assertThat(gradient(f, z)).containsExactly(0, 0, 1, 1);
    assertThat(gradient(f, threshold))
        .containsExactly(new double[] {0, -2.5, -2.5, 0}, within(1e-12));
  }

  @Test
  void aStepGivesItsGradientToTheThresholdOnly() {
    SDVariable x = given("x", 0.3, 0.45, 0.55, 0.8);
    SDVariable threshold = given("threshold", 0.5);
    SDVariable y = g.ops().stepAbove(x, threshold, 0.2);
    assertThat(value(y)).containsExactly(0, 0, 1, 1);
    assertThat(gradient(y, threshold)).containsExactly(new double[] {-10}, within(1e-12));
    assertThat(gradient(y, x)).containsOnly(0);
  }

  @Test
  void gradientsOfUnitRowsLoseTheirPartAlongTheRow() {
    SDVariable w = g.parameter("w", (s, r) -> new double[] {0.6, 0.8}, 1, 2);
    SDVariable up = g.constant(Nd4j.createFromArray(new double[][] {{1, 0}}));
    double[] got = gradient(g.ops().mul(g.ops().tangentRows(w), up), w);
    assertThat(got).containsExactly(new double[] {0.64, -0.48}, within(2e-6));
  }

  @ParameterizedTest
  @CsvSource({"1, 3, 7", "2, 20, 60", "3, 31, 47", "4, 1, 5000"})
  void theLargestOfABatchAreThoseOfASortWithTiesByIndex(long seed, int rows, int columns) {
    for (DataType type : List.of(DataType.DOUBLE, DataType.FLOAT)) {
      SplittableRandom random = new SplittableRandom(seed);
      double[] values = new double[rows * columns];
      Arrays.setAll(values, i -> Math.max(0, random.nextInt(9) - 3)); // many ties, many zeros
      int k = 1 + random.nextInt(values.length - 1);
      Graph graph = new Graph(new Parameters(type, 1), true);
      INDArray x = Nd4j.createFromArray(values).reshape('c', rows, columns).castTo(type);
      SDVariable mask = graph.ops().batchTopKMask(graph.constant(x), k);
      double[] expected = new double[values.length];
      IntStream.range(0, values.length)
          .boxed()
          .sorted(Comparator.comparingDouble(i -> -values[i]))
          .limit(k)
          .forEach(i -> expected[i] = 1);
      try (Plan plan = Plan.compile(graph, mask)) {
        double[] got = plan.run().get(mask.name()).dup().data().asDouble();
        assertThat(Arrays.equals(got, expected)).isTrue(); // thousands of numbers, not to be shown
      }
    }
  }

  @Test
  void moreThanThereIsCannotBeSelected() {
    SDVariable x = given("x", 1, 2, 3);
    assertThatThrownBy(() -> g.ops().batchTopKMask(x, 4))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("k must be in [1, 3], got 4");
  }
}
