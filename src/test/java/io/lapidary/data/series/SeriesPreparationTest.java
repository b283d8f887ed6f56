package io.lapidary.data.series;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.lapidary.InputException;
import io.lapidary.data.series.SeriesPreparation.Lengths;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.datavec.api.split.FileSplit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class SeriesPreparationTest {
  private static final double MISSING = Double.NaN;

  @TempDir private Path folder;

  private static SeriesSet set(double[]... series) {
    return new SeriesSet(
        "x",
        List.of("a"),
        Arrays.stream(series).map(s -> new TimeSeries(new double[][] {s}, 0)).toList());
  }

  private static double[] first(SeriesSet set) {
    return set.cases().get(0).values()[0];
  }

  @Test
  void zerosAtTheEndThenStraightLines() {
    SeriesProblem problem =
        new SeriesProblem(
            set(new double[] {MISSING, 2, MISSING, MISSING, 5, MISSING}),
            set(new double[] {1, 2, 3, 4, 5, 6, 7, 8}));
    SeriesProblem complete = SeriesPreparation.complete(problem);
    assertThat(first(complete.train()))
        .containsExactly(new double[] {2, 2, 3, 4, 5, 2.5, 0, 0}, within(1e-12));
    assertThat(first(SeriesPreparation.interpolated(problem.train())))
        .containsExactly(new double[] {2, 2, 3, 4, 5, 5}, within(1e-12));
    SeriesProblem unknown = new SeriesProblem(set(new double[] {MISSING}), set(new double[] {1}));
    assertThatThrownBy(() -> SeriesPreparation.complete(unknown))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("train case 1: channel 1 has no known value");
  }

  @Test
  void noiseOrStretchingInPlaceOfZeros() {
    SeriesProblem problem =
        new SeriesProblem(
            set(new double[] {4, MISSING, 8}, new double[] {7}), set(new double[] {1, 2, 3, 4, 5}));
    SeriesProblem stretched = SeriesPreparation.complete(problem, Lengths.STRETCH, 1);
    assertThat(first(stretched.train()))
        .containsExactly(new double[] {4, 5, 6, 7, 8}, within(1e-12));
    assertThat(stretched.train().cases().get(1).values()[0]).containsExactly(7, 7, 7, 7, 7);
    assertThat(first(stretched.test())).containsExactly(1, 2, 3, 4, 5);
    SeriesProblem noisy = SeriesPreparation.complete(problem, Lengths.NOISE, 1);
    double[] values = first(noisy.train());
    assertThat(Arrays.copyOf(values, 3)).containsExactly(4, 6, 8);
    assertThat(values[3]).isBetween(0.0, 0.001).isNotEqualTo(values[4]);
    assertThat(values[4]).isBetween(0.0, 0.001);
    assertThat(first(SeriesPreparation.complete(problem, Lengths.NOISE, 1).train()))
        .isEqualTo(values);
    assertThat(first(SeriesPreparation.complete(problem, Lengths.NOISE, 2).train()))
        .isNotEqualTo(values);
    assertThat(first(SeriesPreparation.complete(problem, Lengths.ZEROS, 1).train()))
        .containsExactly(4, 6, 8, 0, 0);
  }

  @Test
  void standardisedByTheTrainingPartAlone() {
    SeriesProblem problem =
        new SeriesProblem(set(new double[] {1, 3}, new double[] {5, 7}), set(new double[] {4, 9}));
    SeriesProblem standard = SeriesPreparation.standardised(problem);
    double deviation = Math.sqrt(5);
    assertThat(first(standard.train()))
        .containsExactly(new double[] {-3 / deviation, -1 / deviation}, within(1e-12));
    assertThat(first(standard.test()))
        .containsExactly(new double[] {0, 5 / deviation}, within(1e-12));
    assertThat(SeriesPreparation.standardised(standard)).isSameAs(standard);
    SeriesProblem constant = new SeriesProblem(set(new double[] {3, 3}), set(new double[] {3, 4}));
    assertThat(first(SeriesPreparation.standardised(constant).test())).containsExactly(0, 1);
  }

  @Test
  void zNormalisedByPopulationDeviation() {
    assertThat(SeriesPreparation.zNormalised(new double[] {1, 2, 3}))
        .containsExactly(new double[] {-Math.sqrt(1.5), 0, Math.sqrt(1.5)}, within(1e-12));
    assertThat(SeriesPreparation.zNormalised(new double[] {4, 4})).containsExactly(0, 0);
  }

  @Test
  void resampledBetweenTheMiddlesOfValues() {
    assertThat(SeriesPreparation.resampled(new double[] {0, 1}, 4))
        .containsExactly(new double[] {0, 0.25, 0.75, 1}, within(1e-12));
    assertThat(SeriesPreparation.resampled(new double[] {0, 1, 2, 3}, 2))
        .containsExactly(new double[] {0.5, 2.5}, within(1e-12));
    assertThat(SeriesPreparation.resampled(new double[] {5}, 3)).containsExactly(5, 5, 5);
    double[] same = {3, 1, 4, 1, 5};
    assertThat(SeriesPreparation.resampled(same, 5)).containsExactly(same, within(1e-12));
  }

  @ParameterizedTest
  @EnumSource(GeneratedProblem.class)
  void drawnProblemsHaveTheirSizesAndComeBackForTheSameSeed(GeneratedProblem kind) {
    SeriesProblem problem = kind.draw(3);
    assertThat(problem.train().size()).isEqualTo(kind.trainCases());
    assertThat(problem.test().size()).isEqualTo(kind.testCases());
    assertThat(problem.maxLength()).isEqualTo(kind.length());
    int classes = problem.train().classes().size();
    int[] counts = new int[classes];
    Arrays.stream(problem.test().labels()).forEach(label -> counts[label]++);
    assertThat(Arrays.stream(counts).max().getAsInt() - Arrays.stream(counts).min().getAsInt())
        .isLessThanOrEqualTo(1);
    assertThat(first(kind.draw(3).test())).isEqualTo(first(problem.test()));
    assertThat(first(kind.draw(4).test())).isNotEqualTo(first(problem.test()));
    assertThat(first(problem.train())).isNotEqualTo(first(problem.test()));
    assertThat(kind.draw(classes, classes, 37, 1).maxLength()).isEqualTo(37);
    assertThatThrownBy(() -> kind.draw(1, classes, 64, 1)).hasMessageContaining("classes, got 1");
    assertThatThrownBy(() -> kind.draw(9, 9, 31, 1)).hasMessageContaining("at least 32, got 31");
  }

  /** Mean of what {@code value} says of the series of a class. */
  private static double mean(
      SeriesSet set, int label, java.util.function.ToDoubleFunction<double[]> value) {
    return set.cases().stream()
        .filter(one -> one.label() == label)
        .mapToDouble(one -> value.applyAsDouble(one.values()[0]))
        .average()
        .getAsDouble();
  }

  private static double slope(double[] x) {
    double middle = (x.length - 1) / 2.0;
    double above = 0;
    double below = 0;
    for (int t = 0; t < x.length; t++) {
      above += (t - middle) * x[t];
      below += (t - middle) * (t - middle);
    }
    return above / below;
  }

  @Test
  void drawnSeriesFollowTheirRules() {
    SeriesSet cbf = GeneratedProblem.CBF.draw(6, 1500, 128, 1).test();
    // mean width of the support is T/2, of the height 6; bell and funnel have half the area
    assertThat(mean(cbf, 0, x -> Arrays.stream(x).sum())).isCloseTo(64 * 6, within(15.0));
    assertThat(mean(cbf, 1, x -> Arrays.stream(x).sum())).isCloseTo(32 * 6, within(15.0));
    assertThat(mean(cbf, 2, x -> Arrays.stream(x).sum())).isCloseTo(32 * 6, within(15.0));
    assertThat(mean(cbf, 1, SeriesPreparationTest::slope))
        .isGreaterThan(mean(cbf, 2, SeriesPreparationTest::slope) + 0.02);

    SeriesSet charts = GeneratedProblem.SYNTHETIC_CONTROL.draw(6, 1800, 60, 1).test();
    assertThat(mean(charts, 0, SeriesPreparationTest::slope)).isCloseTo(0, within(0.02));
    assertThat(mean(charts, 2, SeriesPreparationTest::slope)).isCloseTo(0.35, within(0.02));
    assertThat(mean(charts, 3, SeriesPreparationTest::slope)).isCloseTo(-0.35, within(0.02));
    assertThat(mean(charts, 0, x -> Arrays.stream(x).average().getAsDouble()))
        .isCloseTo(30, within(0.2));
    assertThat(mean(charts, 0, x -> Arrays.stream(x).map(v -> (v - 30) * (v - 30)).sum() / 60))
        .isCloseTo(12, within(0.5)); // variance of 2 r, r uniform in +-3
    assertThat(mean(charts, 4, x -> x[59] - x[0])).isCloseTo(13.75, within(1.0));
    assertThat(mean(charts, 5, x -> x[59] - x[0])).isCloseTo(-13.75, within(1.0));
    assertThat(mean(charts, 1, x -> Arrays.stream(x).map(v -> (v - 30) * (v - 30)).sum() / 60))
        .isCloseTo(12 + 0.5 * 158.3, within(8.0)); // mean of a²/2, a uniform in 10..15

    for (TimeSeries one : GeneratedProblem.TWO_PATTERNS.draw(8, 400, 128, 1).test().cases()) {
      double[] x = one.values()[0];
      StringBuilder turns = new StringBuilder();
      for (int t = 1; t < x.length; t++) {
        if (Math.abs(x[t]) == 5 && x[t] == -x[t - 1]) {
          turns.append(x[t] > 0 ? 'u' : 'd');
        }
      }
      String expected = List.of("dd", "ud", "du", "uu").get(one.label());
      // two patterns that touch may add a turn between them
      assertThat(turns.toString()).matches(expected.charAt(0) + ".?" + expected.charAt(1));
    }

    SeriesSet bells = GeneratedProblem.BME.draw(6, 600, 128, 1).test();
    assertThat(mean(bells, 0, x -> Arrays.stream(x, 0, 32).max().getAsDouble())).isGreaterThan(0.8);
    assertThat(mean(bells, 1, x -> Arrays.stream(x, 0, 32).max().getAsDouble())).isLessThan(0.4);
    assertThat(mean(bells, 2, x -> Arrays.stream(x, 96, 128).max().getAsDouble()))
        .isGreaterThan(0.8);
    SeriesSet umd = GeneratedProblem.UMD.draw(6, 600, 150, 1).test();
    assertThat(mean(umd, 0, x -> x[64] > 0 ? 1 : 0)).isBetween(0.4, 0.6); // plates of both signs
    java.util.function.ToDoubleFunction<double[]> lowest =
        x ->
            Math.min(
                Arrays.stream(x, 0, 36).min().getAsDouble(),
                Arrays.stream(x, 114, 150).min().getAsDouble());
    assertThat(mean(umd, 2, lowest)).isLessThan(-0.8);
    assertThat(mean(umd, 0, lowest)).isGreaterThan(-0.4);

    SeriesSet shapes = GeneratedProblem.SHAPELET_SIM.draw(2, 400, 500, 1).test();
    assertThat(mean(shapes, 0, x -> Arrays.stream(x).sum())).isCloseTo(4 * 14, within(6.0));
    assertThat(mean(shapes, 1, x -> Arrays.stream(x).map(v -> v * v).sum())).isGreaterThan(550);
  }

  @Test
  void dataVecReadsSequencesOfSteps() throws Exception {
    SeriesProblem problem = GeneratedProblem.BME.draw(6, 6, 40, 1);
    Path train = folder.resolve("BME_TRAIN.ts");
    SeriesFiles.write(problem.train(), train);
    SeriesRecordReader reader = new SeriesRecordReader();
    reader.initialize(new FileSplit(train.toFile()));
    assertThat(reader.getLabels()).containsExactly("1", "2", "3");
    int count = 0;
    while (reader.hasNext()) {
      var steps = reader.sequenceRecord();
      TimeSeries one = problem.train().cases().get(count++);
      assertThat(steps).hasSize(40).allMatch(step -> step.size() == 2);
      assertThat(steps.get(7).get(0).toDouble()).isEqualTo(one.values()[0][7]);
      assertThat(steps.get(7).get(1).toInt()).isEqualTo(one.label());
    }
    assertThat(count).isEqualTo(6);
    reader.reset();
    var meta = reader.nextSequence().getMetaData();
    assertThat(reader.loadSequenceFromMetaData(meta).getSequenceRecord()).hasSize(40);
    assertThatThrownBy(reader::next).hasMessageContaining("sequenceRecord()");
    SeriesRecordReader memory = SeriesRecordReader.of(problem.test());
    assertThat(memory.sequenceRecord()).hasSize(40);
  }
}
