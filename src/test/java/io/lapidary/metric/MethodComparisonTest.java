package io.lapidary.metric;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class MethodComparisonTest {
  private static final MethodRanks WORKED =
      new MethodRanks(
          List.of("A", "B", "C"),
          new double[][] {
            {.80, .90, .60, .75, .95, .55},
            {.82, .91, .65, .75, .98, .62},
            {.71, .84, .67, .74, .92, .50}
          });

  @Test
  void ranksAndFriedmanOfTheWorkedExample() {
    assertThat(WORKED.averageRanks())
        .containsExactly(new double[] {2.0833, 1.25, 2.6667}, within(5e-5));
    assertThat(WORKED.friedman()).isCloseTo(6.3478, within(5e-5));
    assertThat(WORKED.friedmanP()).isCloseTo(0.0418, within(5e-5));
    assertThat(WORKED.winsTiesLosses(0, 1)).containsExactly(0, 1, 5);
    assertThat(WORKED.nemenyiDifference()).isCloseTo(2.344 * Math.sqrt(12 / 36.0), within(1e-9));
  }

  @Test
  void pairsOfTheWorkedExampleFormOneClique() {
    WilcoxonHolm test = WilcoxonHolm.of(WORKED, 0.05);
    assertThat(test.p()[0][1]).isCloseTo(0.0625, within(1e-9));
    assertThat(test.p()[0][2]).isCloseTo(0.3125, within(1e-9));
    assertThat(test.p()[1][2]).isCloseTo(0.09375, within(1e-9));
    assertThat(test.differ("A", "B")).isFalse();
    assertThat(test.order()).containsExactly(1, 0, 2);
    assertThat(test.cliques()).hasSize(1);
    assertThat(test.cliques().get(0)).containsExactly(0, 2);
    assertThat(WilcoxonHolm.of(WORKED, 0.2).differ("A", "B")).isTrue(); // 3 * 0.0625 < 0.2
  }

  @Test
  void cliquesAreMaximalRunsWithoutASignificantPair() {
    int sets = 40;
    SplittableRandom random = new SplittableRandom(1);
    double[] offsets = {0.0, 0.01, 0.3, 0.31, 0.6};
    double[][] scores = new double[5][sets];
    for (int d = 0; d < sets; d++) {
      for (int m = 0; m < 5; m++) {
        scores[m][d] = offsets[m] + 0.05 * random.nextGaussian();
      }
    }
    WilcoxonHolm test =
        WilcoxonHolm.of(new MethodRanks(List.of("a", "b", "c", "d", "e"), scores), 0.05);
    assertThat(test.order()[0]).isEqualTo(4);
    assertThat(test.cliques()).hasSize(2);
    assertThat(test.cliques().get(0)).containsExactly(1, 2);
    assertThat(test.cliques().get(1)).containsExactly(3, 4);
    assertThat(test.differ("a", "e")).isTrue();
  }

  @Test
  void theNormalApproximationIsTheUsualOne() {
    // values of scipy.stats.wilcoxon(method="approx", correction=False)
    double[] x = new double[30];
    double[] y = new double[30];
    for (int i = 0; i < 30; i++) {
      x[i] = (i * 37 % 30) / 30.0;
      y[i] = x[i] + (i % 7 - 2) / 10.0; // many ties and zeros
    }
    assertThat(PairedTests.wilcoxonRounded(x, y)).isCloseTo(SCIPY_TIED, within(1e-9));
    assertThat(PairedTests.wilcoxonRounded(x, x)).isEqualTo(1);
    double[] z = new double[40];
    double[] zero = new double[40];
    for (int i = 0; i < 40; i++) {
      z[i] = (i + 1) * (i % 3 == 0 ? -1 : 1);
    }
    assertThat(PairedTests.wilcoxonRounded(z, zero)).isCloseTo(SCIPY_UNTIED, within(1e-9));
  }

  private static final double SCIPY_TIED = 0.038799091136863945;
  private static final double SCIPY_UNTIED = 0.098273979103627;

  @Test
  void tablesThatDoNotFitAreRefused() {
    assertThatThrownBy(() -> new MethodRanks(List.of("a"), new double[][] {{1}}))
        .hasMessageContaining("two methods");
    assertThatThrownBy(() -> new MethodRanks(List.of("a", "b"), new double[][] {{1}, {1, 2}}))
        .hasMessageContaining("b has scores on 2 data sets, a on 1");
    assertThatThrownBy(() -> new MethodRanks(List.of("a", "b"), new double[][] {{1}, {Double.NaN}}))
        .hasMessageContaining("b: score on data set 1 is NaN");
    MethodRanks equal = new MethodRanks(List.of("a", "b"), new double[][] {{1, 2}, {1, 2}});
    assertThat(equal.friedmanP()).isEqualTo(1);
    assertThat(WilcoxonHolm.of(equal, 0.05).cliques()).hasSize(1);
  }

  // ---- representations ----------------------------------------------------------------------

  private static double[][] gaussian(int rows, int width, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    double[][] x = new double[rows][width];
    for (double[] row : x) {
      Arrays.setAll(row, f -> random.nextGaussian());
    }
    return x;
  }

  @Test
  void theDimensionOfFivePointsOnALine() {
    double[][] points = {{0}, {1}, {3}, {7}, {15}, {7}};
    assertThat(IntrinsicDimension.twoNn(points)).isCloseTo(1.8330, within(5e-5));
    assertThatThrownBy(() -> IntrinsicDimension.twoNn(new double[][] {{1}, {1}, {2}}))
        .hasMessageContaining("3 different rows, got 2 of 3");
    assertThatThrownBy(
            () -> IntrinsicDimension.twoNn(new double[][] {{1, 2}, {1, Double.NaN}, {2, 1}}))
        .hasMessageContaining("row 1");
  }

  @Test
  void aSquareHasTwoDimensionsInAnySpace() {
    SplittableRandom random = new SplittableRandom(4);
    double[][] plane = new double[2000][2];
    for (double[] row : plane) {
      Arrays.setAll(row, f -> random.nextDouble());
    }
    double dimension = IntrinsicDimension.twoNn(plane);
    assertThat(dimension).isBetween(1.8, 2.2);
    double[][] axes = gaussian(2, 50, 5);
    double norm = Math.sqrt(Arrays.stream(axes[0]).map(v -> v * v).sum());
    Arrays.setAll(axes[0], f -> axes[0][f] / norm);
    double along = 0;
    for (int f = 0; f < 50; f++) {
      along += axes[0][f] * axes[1][f];
    }
    double part = along;
    Arrays.setAll(axes[1], f -> axes[1][f] - part * axes[0][f]);
    double rest = Math.sqrt(Arrays.stream(axes[1]).map(v -> v * v).sum());
    Arrays.setAll(axes[1], f -> axes[1][f] / rest);
    double[][] turned = new double[2000][50];
    for (int i = 0; i < 2000; i++) {
      for (int f = 0; f < 50; f++) {
        turned[i][f] = plane[i][0] * axes[0][f] + plane[i][1] * axes[1][f];
      }
    }
    assertThat(IntrinsicDimension.twoNn(turned)).isCloseTo(dimension, within(1e-6));
    List<IntrinsicDimension.Scale> curve = IntrinsicDimension.scaling(plane, 1);
    assertThat(curve.get(0)).isEqualTo(new IntrinsicDimension.Scale(2000, dimension));
    assertThat(curve.stream().map(IntrinsicDimension.Scale::points))
        .containsExactly(2000, 1000, 500, 250, 125, 62, 31, 16);
    assertThat(curve).allMatch(s -> s.dimension() > 1.5 && s.dimension() < 2.7);
  }

  @Test
  void componentsAreAtMostTheRank() {
    double[][] three = gaussian(200, 3, 1);
    double[][] mixing = gaussian(3, 20, 2);
    double[][] wide = new double[200][20];
    for (int i = 0; i < 200; i++) {
      for (int f = 0; f < 20; f++) {
        for (int r = 0; r < 3; r++) {
          wide[i][f] += three[i][r] * mixing[r][f];
        }
        wide[i][f] += 7;
      }
    }
    assertThat(PrincipalComponents.count(wide, 1)).isEqualTo(3);
    assertThat(PrincipalComponents.count(Arrays.copyOf(wide, 10), 1)).isEqualTo(3);
    assertThat(PrincipalComponents.count(wide, 0.2)).isEqualTo(1);
    int full = PrincipalComponents.count(gaussian(500, 8, 3), 0.95);
    assertThat(full).isEqualTo(8);
    assertThatThrownBy(() -> PrincipalComponents.count(new double[][] {{1, 2}, {1, 2}}, 0.9))
        .hasMessageContaining("no feature varies");
  }

  @Test
  void neighboursInCommon() {
    double[][] x = gaussian(400, 12, 7);
    for (double[] row : x) {
      double norm = Math.sqrt(Arrays.stream(row).map(v -> v * v).sum());
      Arrays.setAll(row, f -> row[f] / norm);
    }
    assertThat(MutualNeighbours.alignment(x, x, 10)).isEqualTo(1);
    double[][] mirrored = new double[400][12];
    for (int i = 0; i < 400; i++) {
      for (int f = 0; f < 12; f++) {
        mirrored[i][f] = -x[i][11 - f];
      }
    }
    assertThat(MutualNeighbours.alignment(x, mirrored, 10)).isEqualTo(1);
    double[][] permuted = x.clone();
    java.util.Collections.shuffle(Arrays.asList(permuted), new java.util.Random(3));
    assertThat(MutualNeighbours.alignment(x, permuted, 10)).isCloseTo(10 / 399.0, within(0.02));
    assertThatThrownBy(() -> MutualNeighbours.alignment(x, x, 400))
        .hasMessageContaining("[1, 399]");
    double[][] line = {{1, 0}, {0.9, 0}, {0.5, 0.5}, {0, 1}};
    double[][] other = {{1, 0}, {0, 1}, {0.9, 0.1}, {0.2, 1}};
    // neighbours: 1, 0, 0, 2 against 2, 3, 0, 1
    assertThat(MutualNeighbours.alignment(line, other, 1)).isEqualTo(0.25);
  }
}
