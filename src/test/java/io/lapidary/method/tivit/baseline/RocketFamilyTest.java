package io.lapidary.method.tivit.baseline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.lapidary.data.series.GeneratedProblem;
import io.lapidary.data.series.SeriesFiles;
import io.lapidary.data.series.SeriesPreparation;
import io.lapidary.data.series.SeriesProblem;
import io.lapidary.data.series.UcrFolder;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.LongFunction;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class RocketFamilyTest {
  static Stream<Arguments> transforms() {
    return Stream.of(
        Arguments.of("minirocket", (LongFunction<SeriesTransform>) MiniRocket::new, true, 9996),
        Arguments.of(
            "rocket", (LongFunction<SeriesTransform>) seed -> new Rocket(1000, seed), true, 2000),
        Arguments.of("multirocket", (LongFunction<SeriesTransform>) MultiRocket::new, true, 49_728),
        Arguments.of("hydra", (LongFunction<SeriesTransform>) Hydra::new, false, 3 * 1024),
        Arguments.of(
            "multirocket-hydra",
            (LongFunction<SeriesTransform>) MultiRocketHydra::new,
            false,
            49_728 + 3 * 1024));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("transforms")
  void sameSeedSameFeaturesAndTheyTellClassesApart(
      String name, LongFunction<SeriesTransform> make, boolean scaled, int features) {
    SeriesProblem problem = GeneratedProblem.CBF.draw(30, 60, 64, 1);
    SeriesTransform first = make.apply(1);
    first.fit(problem.train());
    float[][] rows = first.transform(problem.test());
    assertThat(rows).hasDimensions(60, features);
    SeriesTransform again = make.apply(1);
    again.fit(problem.train());
    assertThat(again.transform(problem.test())).isDeepEqualTo(rows);
    SeriesTransform other = make.apply(2);
    other.fit(problem.train());
    assertThat(other.transform(problem.test())[0]).isNotEqualTo(rows[0]);
    TransformClassifier classifier = new TransformClassifier(make.apply(3), scaled);
    classifier.fit(problem.train());
    assertThat(accuracy(classifier, problem)).isGreaterThanOrEqualTo(90);
  }

  private static double accuracy(SeriesClassifier classifier, SeriesProblem problem) {
    int[] predicted = classifier.predict(problem.test());
    int[] labels = problem.test().labels();
    int right = 0;
    for (int i = 0; i < labels.length; i++) {
      right += predicted[i] == labels[i] ? 1 : 0;
    }
    return 100.0 * right / labels.length;
  }

  @Test
  void shortSeriesOfSeveralChannels() {
    SeriesProblem drawn = GeneratedProblem.BME.draw(12, 12, 32, 1);
    var cases =
        drawn.train().cases().stream()
            .map(
                one -> {
                  double[] x = Arrays.copyOf(one.values()[0], 5);
                  return new io.lapidary.data.series.TimeSeries(
                      new double[][] {x, SeriesPreparation.zNormalised(x), x}, one.label());
                })
            .toList();
    var set = drawn.train().with(cases);
    for (SeriesTransform transform :
        List.of(new Rocket(50, 1), new MultiRocket(1), new Hydra(1), new MultiRocketHydra(1))) {
      transform.fit(set);
      for (float[] row : transform.transform(set)) {
        for (float v : row) {
          assertThat(Float.isFinite(v)).isTrue();
        }
      }
    }
  }

  @Test
  void largeSetsAreLearnedBySoftmaxRegression() {
    SeriesProblem problem = GeneratedProblem.CBF.draw(330, 100, 64, 1);
    TransformClassifier classifier = new TransformClassifier(new MiniRocket(840, 1), true, 300);
    classifier.fit(problem.train());
    assertThat(accuracy(classifier, problem)).isGreaterThan(90);
    TransformClassifier again = new TransformClassifier(new MiniRocket(840, 1), true, 300);
    again.fit(problem.train());
    assertThat(again.predict(problem.test())).isEqualTo(classifier.predict(problem.test()));
  }

  @Test
  void fourPoolingsOfAnOutput() {
    float[] out = {9, -1, 2, 3, -1, 0, 4, 1, 9};
    float[] row = new float[8];
    // values 1..7: -1 2 3 -1 0 4 1 against 0.5: above at 1, 2, 5, 6; below at 0, 3, 4
    MultiRocket.pool(out, 1, 8, 0.5f, row, 1, 2);
    assertThat(row[1]).isCloseTo(4 / 7f, within(1e-6f));
    assertThat(row[3]).isEqualTo(3); // from 0 to 3
    assertThat(row[5]).isEqualTo((2 + 3 + 4 + 1) / 4f + 0.5f);
    assertThat(row[7]).isEqualTo((1 + 2 + 5 + 6) / 4f);
    MultiRocket.pool(out, 1, 8, 5, row, 1, 2);
    assertThat(new float[] {row[1], row[3], row[5], row[7]}).containsExactly(0, 1, 0, -1);
    MultiRocket.pool(out, 1, 8, -2, row, 1, 2);
    assertThat(new float[] {row[1], row[3]}).containsExactly(1, 6);
  }

  @Test
  void kernelsCompeteAtEveryStep() {
    float[][] out = {{1, 5, -1}, {1, 2, -3}, {0, 2, -1}};
    float[] row = new float[7];
    Hydra.gain(out, 3, row, 1);
    // largest: 0, 0, 0 (ties to the first): 1 + 5 - 1; smallest: 2, 1, 1
    assertThat(row[1]).isCloseTo((float) Math.sqrt(5), within(1e-6f));
    assertThat(new float[] {row[0], row[2], row[3], row[4]}).containsExactly(0, 0, 0, 0);
    assertThat(row[5]).isCloseTo((float) Math.sqrt(2), within(1e-6f));
    assertThat(row[6]).isEqualTo(1);
  }

  /** Against the definition: refit without each case. */
  @Test
  void ridgeIsThatOfLeavingEachCaseOut() {
    for (int classes : new int[] {2, 3}) {
      for (int width : new int[] {3, 40}) {
        SplittableRandom random = new SplittableRandom(classes * 100L + width);
        int n = 17;
        float[][] x = new float[n][width];
        int[] labels = new int[n];
        for (int i = 0; i < n; i++) {
          labels[i] = i % classes;
          for (int f = 0; f < width; f++) {
            x[i][f] = (float) (random.nextGaussian() + (f == labels[i] ? 1.5 : 0) + 5);
          }
        }
        double best = 0;
        double least = Double.POSITIVE_INFINITY;
        for (int s = 0; s < 10; s++) {
          double alpha = Math.pow(10, -3 + s * 2 / 3.0);
          double error = 0;
          for (int out = 0; out < n; out++) {
            double[] decided = plainRidge(x, labels, classes, alpha, out, x[out]);
            for (int c = 0; c < decided.length; c++) {
              double target = labels[out] == (classes == 2 ? 1 : c) ? 1 : -1;
              error += (decided[c] - target) * (decided[c] - target);
            }
          }
          if (error < least) {
            least = error;
            best = alpha;
          }
        }
        RidgeClassifier ridge = new RidgeClassifier();
        ridge.fit(x, labels, classes, false);
        assertThat(ridge.strength())
            .as("%d %d", classes, width)
            .isCloseTo(best, within(1e-9 * best));
        double[][] decided = ridge.decide(x);
        for (int i = 0; i < n; i++) {
          assertThat(decided[i])
              .containsExactly(plainRidge(x, labels, classes, best, -1, x[i]), within(1e-6));
        }
      }
    }
  }

  /** Ridge with an intercept over all cases but one, by normal equations. */
  private static double[] plainRidge(
      float[][] x, int[] labels, int classes, double alpha, int without, float[] query) {
    int n = without < 0 ? x.length : x.length - 1;
    int width = x[0].length;
    int columns = classes == 2 ? 1 : classes;
    double[][] rows = new double[n][width];
    double[][] y = new double[n][columns];
    for (int i = 0, r = 0; i < x.length; i++) {
      if (i != without) {
        for (int f = 0; f < width; f++) {
          rows[r][f] = x[i][f];
        }
        for (int c = 0; c < columns; c++) {
          y[r][c] = labels[i] == (columns == 1 ? 1 : c) ? 1 : -1;
        }
        r++;
      }
    }
    INDArray a = Nd4j.createFromArray(rows);
    INDArray b = Nd4j.createFromArray(y);
    INDArray am = a.mean(0);
    INDArray bm = b.mean(0);
    INDArray ac = a.subRowVector(am);
    INDArray normal =
        ac.transpose().mmul(ac).addi(Nd4j.eye(width).castTo(a.dataType()).muli(alpha));
    INDArray right = ac.transpose().mmul(b.subRowVector(bm));
    double[][] w =
        new org.hipparchus.linear.LUDecomposition(
                new org.hipparchus.linear.Array2DRowRealMatrix(normal.toDoubleMatrix()))
            .getSolver()
            .solve(new org.hipparchus.linear.Array2DRowRealMatrix(right.toDoubleMatrix()))
            .getData();
    double[] decided = new double[columns];
    for (int c = 0; c < columns; c++) {
      decided[c] = bm.getDouble(c);
      for (int f = 0; f < width; f++) {
        decided[c] += (query[f] - am.getDouble(f)) * w[f][c];
      }
    }
    return decided;
  }

  /** Published means of official splits or of resamples (Hydra), within a few cases. */
  @ParameterizedTest
  @MethodSource("published")
  void publishedAccuracies(
      String name,
      LongFunction<SeriesTransform> make,
      boolean scaled,
      double accuracy,
      double most) {
    SeriesProblem problem = SeriesPreparation.complete(SeriesFiles.folder(UcrFolder.problem(name)));
    TransformClassifier classifier = new TransformClassifier(make.apply(1), scaled);
    classifier.fit(problem.train());
    double found = accuracy(classifier, problem);
    assertThat(found).isCloseTo(accuracy, within(most));
  }

  static Stream<Arguments> published() {
    LongFunction<SeriesTransform> rocket = Rocket::new;
    LongFunction<SeriesTransform> multi = MultiRocket::new;
    LongFunction<SeriesTransform> hydra = Hydra::new;
    LongFunction<SeriesTransform> both = MultiRocketHydra::new;
    return Stream.of(
        Arguments.of("GunPoint", rocket, true, 100.0, 1.5),
        Arguments.of("ItalyPowerDemand", rocket, true, 97.0, 1.0),
        Arguments.of("ECG200", rocket, true, 90.6, 3.0),
        Arguments.of("GunPoint", multi, true, 100.0, 1.0),
        Arguments.of("ItalyPowerDemand", multi, true, 96.8, 1.0),
        Arguments.of("ECG200", multi, true, 92.0, 3.0),
        Arguments.of("Coffee", hydra, false, 99.8, 4.0),
        Arguments.of("ItalyPowerDemand", hydra, false, 96.2, 2.0),
        Arguments.of("SyntheticControl", hydra, false, 96.9, 2.0),
        Arguments.of("SyntheticControl", both, false, 99.5, 1.0));
  }
}
