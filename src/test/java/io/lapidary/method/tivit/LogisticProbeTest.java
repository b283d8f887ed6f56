package io.lapidary.method.tivit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.lapidary.Seeds;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class LogisticProbeTest {
  private static float[][] features(int n, int width, int classes) {
    float[][] x = new float[n][width];
    for (int i = 0; i < n; i++) {
      for (int f = 0; f < width; f++) {
        x[i][f] = (i * 7 + f * 13 + i * f * 3) % 17 / 4f - 1.5f + (f == i % classes ? 1 : 0);
      }
    }
    return x;
  }

  private static int[] labels(int n, int classes) {
    return IntStream.range(0, n).map(i -> i % classes).toArray();
  }

  /** Coefficients of scikit-learn 1.x, LogisticRegression(C=1) behind StandardScaler. */
  @Test
  void coefficientsOfScikitLearn() {
    LogisticProbe exact = new LogisticProbe(1, 10_000, 1e-10);
    exact.fit(features(20, 3, 2), labels(20, 2), 2);
    assertThat(exact.weights()[0])
        .containsExactly(new double[] {-0.803206, 0.844596, 0.303195, -0.017467}, within(2e-5));
    float[][] x = features(30, 4, 3);
    for (float[] row : x) {
      row[3] = 5; // a constant
    }
    double[][] w = exact.fit(x, labels(30, 3), 3).weights();
    assertThat(w[0])
        .containsExactly(new double[] {0.534819, -0.163515, -0.458716, 0, -0.022569}, within(2e-5));
    assertThat(w[1])
        .containsExactly(new double[] {-0.209377, 0.533162, -0.069265, 0, 0.0298}, within(2e-5));
    assertThat(w[2])
        .containsExactly(new double[] {-0.325442, -0.369647, 0.527981, 0, -0.007231}, within(2e-5));
    LogisticProbe usual = new LogisticProbe().fit(x, labels(30, 3), 3);
    assertThat(usual.weights()[0]).containsExactly(w[0], within(5e-3));
  }

  @Test
  void theGradientIsThatOfTheObjective() {
    for (int outputs : new int[] {1, 3}) {
      SplittableRandom random = new SplittableRandom(outputs);
      INDArray x = Nd4j.createFromArray(random.doubles(5 * 4).toArray()).reshape('c', 5, 4);
      int[] labels = {0, 1, 1, 0, outputs == 1 ? 0 : 2};
      LogisticProbe.Objective objective = new LogisticProbe.Objective(x, labels, outputs, 0.7);
      double[] w = random.doubles(4L * outputs, -1, 1).toArray();
      double[] gradient = new double[w.length];
      objective.at(w, gradient);
      double[] unused = new double[w.length];
      for (int i = 0; i < w.length; i++) {
        double before = w[i];
        w[i] = before + 1e-6;
        final double up = objective.at(w, unused);
        w[i] = before - 1e-6;
        final double down = objective.at(w, unused);
        w[i] = before;
        assertThat(gradient[i]).isCloseTo((up - down) / 2e-6, within(1e-6));
      }
    }
  }

  @Test
  void separableCasesAreLearnedAndRunsAreAlike() {
    SplittableRandom random = new SplittableRandom(3);
    int n = 60;
    float[][] x = new float[n][200];
    int[] y = labels(n, 4);
    for (int i = 0; i < n; i++) {
      for (int f = 0; f < 200; f++) {
        x[i][f] = (float) random.nextGaussian() + (f % 4 == y[i] ? 1 : 0);
      }
    }
    LogisticProbe probe = new LogisticProbe().fit(x, y, 4);
    assertThat(probe.predict(x)).isEqualTo(y);
    assertThat(new LogisticProbe().fit(x, y, 4).weights()).isDeepEqualTo(probe.weights());
    assertThat(new NearestCentroid(x, y, 4).predict(x)).isEqualTo(y);
    // classes that do not occur, and a single one
    assertThat(new LogisticProbe().fit(x, y, 6).predict(x)).isEqualTo(y);
    assertThat(new LogisticProbe().fit(x, new int[n], 1).predict(x)).containsOnly(0);
    assertThat(new LogisticProbe().fit(x, new int[n], 2).predict(x)).containsOnly(0);
    x[3][7] = Float.NaN;
    assertThatThrownBy(() -> new LogisticProbe().fit(x, y, 4))
        .hasMessageContaining("row 3: feature 7 is NaN");
  }

  @Test
  void aFifthIsHeldOut() {
    ProbeSplit split = ProbeSplit.of(23, new Seeds(1));
    assertThat(split.held()).hasSize(4);
    assertThat(split.fitted()).hasSize(19);
    assertThat(
            IntStream.concat(Arrays.stream(split.held()), Arrays.stream(split.fitted())).sorted())
        .containsExactly(IntStream.range(0, 23).boxed().toArray(Integer[]::new));
    assertThat(ProbeSplit.of(23, new Seeds(1)).held()).isEqualTo(split.held());
    assertThat(ProbeSplit.of(3, new Seeds(1)).held()).hasSize(1);
    assertThat(ProbeSplit.of(1, new Seeds(1)).fitted()).hasSize(1);
  }
}
