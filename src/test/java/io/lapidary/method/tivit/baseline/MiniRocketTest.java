package io.lapidary.method.tivit.baseline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.lapidary.Seeds;
import io.lapidary.data.series.GeneratedProblem;
import io.lapidary.data.series.SeriesFiles;
import io.lapidary.data.series.SeriesPreparation;
import io.lapidary.data.series.SeriesProblem;
import io.lapidary.data.series.SeriesSet;
import io.lapidary.data.series.TimeSeries;
import io.lapidary.data.series.UcrFolder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MiniRocketTest {
  @Test
  void dilationsOfThePublishedCode() {
    assertDilations(9, new int[] {1}, new int[] {119});
    assertDilations(24, new int[] {1, 2}, new int[] {79, 40});
    assertDilations(
        96,
        new int[] {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11},
        new int[] {34, 19, 15, 12, 8, 8, 7, 3, 3, 7, 3});
    assertDilations(
        150,
        new int[] {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 15, 16, 18},
        new int[] {30, 15, 12, 12, 4, 8, 8, 4, 4, 4, 3, 3, 3, 3, 3, 3});
    for (int m = 1; m <= 6; m++) {
      double[] expected = {0.618034, 0.236068, 0.854102, 0.472136, 0.090170, 0.708204};
      assertThat(Dilations.quantile(m)).isCloseTo(expected[m - 1], within(1e-6));
    }
    for (int length = 9; length < 3000; length += 7) {
      assertThat(Dilations.of(length, 119).perKernel()).isEqualTo(119);
    }
  }

  private static void assertDilations(int length, int[] steps, int[] features) {
    Dilations dilations = Dilations.of(length, 119);
    assertThat(dilations.steps()).as("length %d", length).isEqualTo(steps);
    assertThat(dilations.features()).as("length %d", length).isEqualTo(features);
  }

  @Test
  void outputsOfTwoKernels() {
    float[] x = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    FixedKernels kernels = new FixedKernels(9, 1);
    kernels.read(x);
    kernels.dilate(1);
    assertThat(Arrays.copyOf(kernels.output(0), 9))
        .containsExactly(-15, -21, -25, -27, -27, -17, -6, 6, 19);
    int middle = index(0, 4, 8);
    assertThat(Arrays.copyOf(kernels.output(middle), 9))
        .containsExactly(3, 3, 2, 0, 0, -20, -12, -3, 7);
  }

  private static int index(int i, int j, int k) {
    int n = 0;
    for (int a = 0; a < 9; a++) {
      for (int b = a + 1; b < 9; b++) {
        for (int c = b + 1; c < 9; c++) {
          if (a == i && b == j && c == k) {
            return n;
          }
          n++;
        }
      }
    }
    throw new AssertionError();
  }

  @Test
  void outputsAndSharesAreThoseOfTheDefinition() {
    for (int seed = 1; seed <= 20; seed++) {
      SplittableRandom random = new SplittableRandom(seed);
      int length = 9 + random.nextInt(60);
      float[] x = new float[length];
      for (int t = 0; t < length; t++) {
        x[t] = (float) random.nextGaussian();
      }
      int d = 1 + random.nextInt(Math.max(1, (length - 1) / 8));
      FixedKernels kernels = new FixedKernels(length, d + random.nextInt(3));
      kernels.read(x);
      kernels.dilate(d);
      int n = 0;
      for (int i = 0; i < 9; i++) {
        for (int j = i + 1; j < 9; j++) {
          for (int k = j + 1; k < 9; k++) {
            int kernel = n++;
            float[] out = kernels.output(kernel);
            double[] expected = new double[length];
            for (int t = 0; t < length; t++) {
              for (int p = 0; p < 9; p++) {
                int at = t + (p - 4) * d;
                double w = p == i || p == j || p == k ? 2 : -1;
                expected[t] += at < 0 || at >= length ? 0 : w * x[at];
              }
              assertThat((double) out[t]).as("seed %d", seed).isCloseTo(expected[t], within(1e-4));
            }
            float[] biases = new float[7];
            for (int b = 0; b < 7; b++) {
              biases[b] = b == 3 ? out[0] : (float) random.nextGaussian();
            }
            int from = random.nextInt(length / 2);
            int to = length - random.nextInt(length / 2);
            float[] shares = new float[7];
            int count = 1 + random.nextInt(6);
            new Shares(kernels.pair(kernel), kernels.last(), kernels.lastStart(kernel), from, to)
                .above(biases, 1, count, shares);
            assertThat(shares[0]).isZero();
            for (int b = 1; b <= count; b++) {
              int above = 0;
              for (int t = from; t < to; t++) {
                above += out[t] > biases[b] ? 1 : 0;
              }
              assertThat((double) shares[b])
                  .as("seed %d", seed)
                  .isCloseTo((double) above / (to - from), within(1e-6));
            }
          }
        }
      }
    }
  }

  @Test
  void featuresAreSharesAndDependOnTheSeedOnly() {
    SeriesProblem problem = GeneratedProblem.CBF.draw(12, 20, 64, 1);
    MiniRocket first = new MiniRocket(4);
    assertThatThrownBy(() -> first.transform(problem.train())).hasMessageContaining("fit comes");
    first.fit(problem.train());
    float[][] rows = first.transform(problem.test());
    assertThat(rows).hasDimensions(20, 9996);
    for (float[] row : rows) {
      for (float v : row) {
        assertThat(v).isBetween(0f, 1f);
      }
    }
    MiniRocket again = new MiniRocket(4);
    again.fit(problem.train());
    assertThat(again.transform(problem.test())).isDeepEqualTo(rows);
    float[] alone = again.transform(problem.test().subset(7))[0];
    assertThat(alone).isEqualTo(rows[7]); // the others do not matter
    MiniRocket other = new MiniRocket(5);
    other.fit(problem.train());
    assertThat(other.transform(problem.test())[0]).isNotEqualTo(rows[0]);
    SeriesSet longer = GeneratedProblem.CBF.draw(12, 20, 65, 1).test();
    assertThatThrownBy(() -> first.transform(longer)).hasMessageContaining("fitted to 1 channels");
  }

  @Test
  void shortSeriesAndSeveralChannels() {
    SplittableRandom random = new SplittableRandom(2);
    List<TimeSeries> cases = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      double[][] values = new double[3][5];
      for (double[] channel : values) {
        Arrays.setAll(channel, t -> random.nextGaussian());
      }
      int label = i % 2;
      values[1][2] += 5 * label;
      cases.add(new TimeSeries(values, label));
    }
    SeriesSet set = new SeriesSet("x", List.of("a", "b"), cases);
    TransformClassifier classifier = new TransformClassifier(new MiniRocket(840, 1), true);
    classifier.fit(set);
    assertThat(classifier.predict(set)).isEqualTo(set.labels());
  }

  @Test
  void channelsOfAKernelAreAddedUp() {
    SplittableRandom random = new SplittableRandom(3);
    List<float[][]> series = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      float[][] one = new float[1][30];
      for (int t = 0; t < 30; t++) {
        one[0][t] = (float) random.nextGaussian();
      }
      series.add(one);
    }
    // a channel and its double: whatever channels are added, outputs scale with the number
    List<float[][]> doubled = series.stream().map(s -> new float[][] {s[0], s[0], s[0]}).toList();
    float[] single = new float[new KernelBank(series, 9, new Seeds(1)).size()];
    KernelBank bank = new KernelBank(doubled, 9, new Seeds(1));
    float[] shares = new float[single.length];
    bank.new Walk()
        .pool(
            doubled.get(0),
            (a, b, shift, from, to, biases, at, count) ->
                new Shares(a, b, shift, from, to).above(biases, at, count, shares));
    KernelBank plain = new KernelBank(series, 9, new Seeds(1));
    plain.new Walk()
        .pool(
            series.get(0),
            (a, b, shift, from, to, biases, at, count) ->
                new Shares(a, b, shift, from, to).above(biases, at, count, single));
    for (int f = 0; f < single.length; f++) { // rounding may move a value over a bias
      assertThat(shares[f]).isCloseTo(single[f], within(0.1f));
    }
  }

  /** Mean accuracy over seeds; within a point of the published mean. */
  @ParameterizedTest
  @CsvSource({
    "GunPoint, 99.3",
    "ItalyPowerDemand, 96.9",
    "Coffee, 100.0",
    "ECG200, 91.0",
    "Trace, 100.0",
    "ArrowHead, 86.3",
    "OSULeaf, 95.9",
    "SyntheticControl, 98.0",
    "Lightning7, 79.5",
    "OliveOil, 93.3",
    "GestureMidAirD1, 74.6"
  })
  void publishedAccuracies(String name, double published) {
    SeriesProblem problem = SeriesPreparation.complete(SeriesFiles.folder(UcrFolder.problem(name)));
    assertThat(accuracy(problem)).isCloseTo(published, within(2.5));
  }

  /** As it was published: lengths made equal by noise, then every series normalised. */
  @Test
  void publishedAccuracyOfSeriesOfSeveralLengths() {
    SeriesProblem problem = SeriesFiles.folder(UcrFolder.problem("PickupGestureWiimoteZ"));
    SeriesProblem padded = SeriesPreparation.complete(problem, SeriesPreparation.Lengths.NOISE, 1);
    SeriesProblem normalised =
        new SeriesProblem(
            SeriesPreparation.zNormalised(padded.train()),
            SeriesPreparation.zNormalised(padded.test()));
    assertThat(accuracy(normalised)).isCloseTo(84.0, within(2.5));
  }

  private static double accuracy(SeriesProblem problem) {
    double sum = 0;
    int seeds = Integer.getInteger("lapidary.seeds", 2);
    for (int seed = 0; seed < seeds; seed++) {
      TransformClassifier classifier = new TransformClassifier(new MiniRocket(seed), true);
      classifier.fit(problem.train());
      int[] predicted = classifier.predict(problem.test());
      int[] labels = problem.test().labels();
      int right = 0;
      for (int i = 0; i < labels.length; i++) {
        right += predicted[i] == labels[i] ? 1 : 0;
      }
      sum += 100.0 * right / labels.length;
    }
    return sum / seeds;
  }
}
