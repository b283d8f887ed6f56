package io.lapidary.method.tivit.baseline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.lapidary.data.series.SeriesFiles;
import io.lapidary.data.series.SeriesProblem;
import io.lapidary.data.series.SeriesSet;
import io.lapidary.data.series.TimeSeries;
import io.lapidary.data.series.UcrFolder;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NearestNeighbourTest {
  private static double error(
      SeriesProblem problem, NearestNeighbour.Distance distance, double window, boolean z) {
    NearestNeighbour classifier = new NearestNeighbour(distance, window, z);
    classifier.fit(problem.train());
    int[] predicted = classifier.predict(problem.test());
    int[] labels = problem.test().labels();
    int wrong = 0;
    for (int i = 0; i < labels.length; i++) {
      wrong += predicted[i] == labels[i] ? 0 : 1;
    }
    return (double) wrong / labels.length;
  }

  /** Error rates of these very files without normalisation; archive figures where it has any. */
  @ParameterizedTest
  @CsvSource({
    "ArrowHead, 0.2000, 0.2971",
    "GunPoint, 0.0867, 0.0933",
    "ItalyPowerDemand, 0.0447, 0.0496",
    "Coffee, 0.0000, 0.0000",
    "ECG200, 0.1200, 0.2300",
    "SyntheticControl, 0.1200, 0.0067",
    "BasicMotions, 0.4000, 0.0250",
    "Trace, 0.2400, 0.0000",
    "Lightning7, 0.4247, 0.2740",
    "OliveOil, 0.1333, 0.1667",
    "OSULeaf, 0.4793, 0.4091",
    "UnitTest, 0.1364, 0.0455",
    "GestureMidAirD1, 0.5077, 0.5692",
    "JapaneseVowels, 0.0784, 0.0514",
    "PickupGestureWiimoteZ, 0.7000, 0.3000"
  })
  void errorsOfTheArchive(String name, double euclidean, double dtw) {
    SeriesProblem problem = SeriesFiles.folder(UcrFolder.problem(name));
    assertThat(error(problem, NearestNeighbour.Distance.EUCLIDEAN, 1, false))
        .isCloseTo(euclidean, within(5e-5));
    assertThat(error(problem, NearestNeighbour.Distance.DTW, 1, false))
        .isCloseTo(dtw, within(5e-5));
  }

  @ParameterizedTest
  @CsvSource({"BasicMotions, 0.2750, 0.0250", "GestureMidAirD1, 0.4231, 0.4308"})
  void errorsWithNormalisation(String name, double euclidean, double dtw) {
    SeriesProblem problem = SeriesFiles.folder(UcrFolder.problem(name));
    assertThat(error(problem, NearestNeighbour.Distance.EUCLIDEAN, 0, true))
        .isCloseTo(euclidean, within(5e-5));
    assertThat(error(problem, NearestNeighbour.Distance.DTW, 1, true)).isCloseTo(dtw, within(5e-5));
  }

  @ParameterizedTest
  @CsvSource({
    "OSULeaf, 0.07, 0.388",
    "SyntheticControl, 0.06, 0.017",
    "Trace, 0.03, 0.010",
    "Lightning7, 0.05, 0.288"
  })
  void errorsWithTheWindowsOfTheArchive(String name, double window, double dtw) {
    SeriesProblem problem = SeriesFiles.folder(UcrFolder.problem(name));
    assertThat(error(problem, NearestNeighbour.Distance.DTW, window, true))
        .isCloseTo(dtw, within(6e-4));
  }

  /** The whole table, as it is defined. */
  private static double table(double[][] a, double[][] b, int band) {
    int n = a[0].length;
    int m = b[0].length;
    double[][] d = new double[n + 1][m + 1];
    for (int i = 0; i <= n; i++) {
      for (int j = 0; j <= m; j++) {
        if (i == 0 || j == 0) {
          d[i][j] = i + j == 0 ? 0 : Double.POSITIVE_INFINITY;
        } else if (Math.abs(i - j) > band) {
          d[i][j] = Double.POSITIVE_INFINITY;
        } else {
          double cost = 0;
          for (int c = 0; c < a.length; c++) {
            cost += Math.pow(a[c][i - 1] - b[c][j - 1], 2);
          }
          d[i][j] = cost + Math.min(d[i - 1][j], Math.min(d[i][j - 1], d[i - 1][j - 1]));
        }
      }
    }
    return d[n][m];
  }

  @Test
  void warpingIsThatOfTheWholeTable() {
    assertThat(dtw(new double[][] {{0, 0, 1, 2}}, new double[][] {{0, 1, 2, 2}}, 1, 1e9)).isZero();
    assertThat(dtw(new double[][] {{0, 0, 1, 2}}, new double[][] {{0, 1, 2, 2}}, 0, 1e9))
        .isEqualTo(2);
    for (int seed = 1; seed <= 300; seed++) {
      SplittableRandom random = new SplittableRandom(seed);
      int channels = 1 + random.nextInt(3);
      double[][] a = new double[channels][1 + random.nextInt(30)];
      double[][] b = new double[channels][1 + random.nextInt(30)];
      for (double[][] x : List.of(a, b)) {
        for (double[] channel : x) {
          java.util.Arrays.setAll(channel, t -> random.nextGaussian());
        }
      }
      double window = random.nextInt(9) / 8.0;
      int band = (int) Math.ceil(window * Math.max(a[0].length, b[0].length));
      band = Math.max(band, Math.abs(a[0].length - b[0].length));
      double expected = table(a, b, band);
      for (double limit : new double[] {1e300, Double.POSITIVE_INFINITY, expected}) {
        assertThat(dtw(a, b, window, limit)).as("seed %d", seed).isEqualTo(expected);
      }
      assertThat(dtw(a, b, window, expected * 0.5))
          .as("seed %d", seed)
          .isGreaterThan(expected * 0.5);
    }
  }

  private static double dtw(double[][] a, double[][] b, double window, double limit) {
    return new Warping(a).cost(Warping.reversed(b), window, limit);
  }

  @Test
  void oneWarpingServesSeriesOfManyLengths() {
    SplittableRandom random = new SplittableRandom(3);
    double[][] a = {random.doubles(23).toArray()};
    Warping warping = new Warping(a);
    for (int n = 1; n < 40; n++) {
      double[][] b = {random.doubles(1 + random.nextInt(50)).toArray()};
      double window = random.nextInt(4) / 3.0;
      int longer = Math.max(23, b[0].length);
      int band = Math.max((int) Math.ceil(window * longer), Math.abs(23 - b[0].length));
      double limit = random.nextInt(3) * 0.3;
      double cost = warping.cost(Warping.reversed(b), window, limit);
      double expected = table(a, b, band);
      if (expected <= limit) {
        assertThat(cost).isEqualTo(expected);
      } else {
        assertThat(cost).isGreaterThan(limit);
      }
    }
  }

  @Test
  void ofEqualCasesTheFirstWins() {
    TimeSeries one = new TimeSeries(new double[][] {{1, 2, 3}}, 0);
    TimeSeries same = new TimeSeries(new double[][] {{1, 2, 3}}, 1);
    SeriesSet train = new SeriesSet("x", List.of("a", "b"), List.of(same, one));
    for (NearestNeighbour.Distance distance : NearestNeighbour.Distance.values()) {
      NearestNeighbour nn = new NearestNeighbour(distance, 1, false);
      assertThatThrownBy(() -> nn.predict(train)).hasMessageContaining("fit comes before");
      nn.fit(train);
      assertThat(nn.predict(train)).containsExactly(1, 1);
    }
    SeriesSet missing = train.with(List.of(new TimeSeries(new double[][] {{Double.NaN}}, 0)));
    assertThatThrownBy(
            () -> new NearestNeighbour(NearestNeighbour.Distance.DTW, 1, true).fit(missing))
        .hasMessageContaining("case 1 has a missing value");
  }
}
