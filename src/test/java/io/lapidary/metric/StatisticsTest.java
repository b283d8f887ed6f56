package io.lapidary.metric;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class StatisticsTest {
  /** Sleep gained with drugs A and B, Student 1908, table I. */
  private static final double[] DRUG_A = {0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0};

  private static final double[] DRUG_B = {1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4};

  @Test
  void studentsSleepData() {
    assertThat(PairedTests.pairedT(DRUG_A, DRUG_B)).isCloseTo(0.002833, within(1e-6));
    double[] d = PairedTests.differences(DRUG_A, DRUG_B);
    assertThat(Statistics.mean(d)).isCloseTo(-1.58, within(1e-12));
    assertThat(Statistics.sd(d)).isCloseTo(1.229995, within(1e-6));
    Interval interval = Statistics.meanInterval(d);
    assertThat(interval.low()).isCloseTo(-2.4598858, within(1e-6));
    assertThat(interval.high()).isCloseTo(-0.7001142, within(1e-6));
  }

  @Test
  void median() {
    assertThat(Statistics.median(3, 1, 2)).isEqualTo(2);
    assertThat(Statistics.median(4, 1, 2, 3)).isEqualTo(2.5);
  }

  @Test
  void proportionsFromNewcombe1998() { // table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29
    assertInterval(Statistics.wilson(81, 263, 0.95), 0.2553, 0.3662);
    assertInterval(Statistics.wilson(15, 148, 0.95), 0.0624, 0.1605);
    assertInterval(Statistics.wilson(0, 20, 0.95), 0, 0.1611);
    assertInterval(Statistics.wilson(1, 29, 0.95), 0.0061, 0.1718);
    assertInterval(Statistics.clopperPearson(81, 263, 0.95), 0.2527, 0.3676);
    assertInterval(Statistics.clopperPearson(15, 148, 0.95), 0.0578, 0.1617);
    assertInterval(Statistics.clopperPearson(0, 20, 0.95), 0, 0.1684);
    assertInterval(Statistics.clopperPearson(20, 20, 0.95), 0.8316, 1);
    assertInterval(Statistics.clopperPearson(1, 29, 0.95), 0.0009, 0.1776);
  }

  @Test
  void proportionIntervalsHoldTheShareAndStayInTheUnitInterval() {
    for (int trials = 1; trials <= 60; trials++) {
      for (int successes = 0; successes <= trials; successes++) {
        double share = (double) successes / trials;
        for (Interval interval :
            new Interval[] {
              Statistics.wilson(successes, trials, 0.95),
              Statistics.clopperPearson(successes, trials, 0.95)
            }) {
          assertThat(interval.contains(share)).as("%d of %d", successes, trials).isTrue();
          assertThat(interval.low()).isGreaterThanOrEqualTo(0);
          assertThat(interval.high()).isLessThanOrEqualTo(1);
        }
      }
    }
  }

  @Test
  void wilcoxonOfHollanderAndWolfe() { // depression scale of nine patients, one-sided 0.01953
    double[] x = {1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30};
    double[] y = {0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29};
    assertThat(PairedTests.wilcoxonSignedRank(x, y)).isCloseTo(2 * 0.01953125, within(1e-12));
    assertThat(PairedTests.wilcoxonSignedRank(y, x)).isCloseTo(2 * 0.01953125, within(1e-12));
  }

  @Test
  void wilcoxonIsExactWithTiesAndZeros() {
    for (long seed = 1; seed <= 30; seed++) {
      SplittableRandom random = new SplittableRandom(seed);
      int n = 1 + random.nextInt(9);
      double[] x = new double[n];
      double[] y = new double[n];
      for (int i = 0; i < n; i++) {
        x[i] = random.nextInt(4);
        y[i] = random.nextInt(4);
      }
      assertThat(PairedTests.wilcoxonSignedRank(x, y))
          .as("seed %d", seed)
          .isCloseTo(enumerated(x, y), within(1e-12));
    }
    assertThat(PairedTests.wilcoxonSignedRank(new double[] {1, 2}, new double[] {1, 2}))
        .isEqualTo(1);
  }

  /** The p-value by writing down all assignments of signs. */
  private static double enumerated(double[] x, double[] y) {
    double[] d = new double[x.length];
    int n = 0;
    for (int i = 0; i < x.length; i++) {
      if (x[i] != y[i]) {
        d[n++] = x[i] - y[i];
      }
    }
    if (n == 0) {
      return 1;
    }
    double[] rank = new double[n];
    double total = 0;
    double plus = 0;
    for (int i = 0; i < n; i++) {
      rank[i] = 0.5;
      for (int j = 0; j < n; j++) {
        double difference = Math.abs(d[i]) - Math.abs(d[j]);
        rank[i] += difference > 0 ? 1 : difference == 0 ? 0.5 : 0;
      }
      total += rank[i];
      plus += d[i] > 0 ? rank[i] : 0;
    }
    double seen = Math.min(plus, total - plus);
    int extreme = 0;
    for (int signs = 0; signs < 1 << n; signs++) {
      double sum = 0;
      for (int i = 0; i < n; i++) {
        sum += (signs >> i & 1) * rank[i];
      }
      extreme += sum <= seen ? 1 : 0;
    }
    return Math.min(1, 2.0 * extreme / (1 << n));
  }

  @Test
  void wilcoxonApproximationMeetsTheExactValue() {
    SplittableRandom random = new SplittableRandom(7);
    double[] x = random.doubles(51).toArray();
    double[] y = random.doubles(51).map(v -> v - 0.12).toArray();
    double exact = PairedTests.wilcoxonSignedRank(Arrays.copyOf(x, 50), Arrays.copyOf(y, 50));
    y[50] = x[50] + 1e-9; // one more pair, of the smallest rank: hardly a change
    assertThat(PairedTests.wilcoxonSignedRank(x, y)).isCloseTo(exact, within(0.01));
  }

  @Test
  void holm1979() {
    assertThat(PairedTests.holm(0.01, 0.04, 0.03, 0.005))
        .containsExactly(new double[] {0.03, 0.06, 0.06, 0.02}, within(1e-12));
    assertThat(PairedTests.holm()).isEmpty();
    assertThat(PairedTests.holm(0.9, 0.8)).containsExactly(1, 1);
  }

  @Test
  void bootstrapIsSeededAndNearTheClosedForm() {
    SplittableRandom random = new SplittableRandom(5);
    double[] values = random.doubles(200).toArray();
    Interval closed = Statistics.meanInterval(values);
    Bootstrap bootstrap = Bootstrap.of(11);
    for (Interval interval :
        new Interval[] {
          bootstrap.percentile(values, Statistics::mean), bootstrap.bca(values, Statistics::mean)
        }) {
      assertThat(interval.low()).isCloseTo(closed.low(), within(0.01));
      assertThat(interval.high()).isCloseTo(closed.high(), within(0.01));
    }
    assertThat(bootstrap.bca(values, Statistics::median))
        .isEqualTo(Bootstrap.of(11).bca(values, Statistics::median))
        .isNotEqualTo(Bootstrap.of(12).bca(values, Statistics::median));
  }

  @Test
  void bcaOfTheSpatialData() { // Efron and Tibshirani 1993, table 14.2: variance, BCa 0.90
    double[] a = {
      48, 36, 20, 29, 42, 42, 20, 42, 22, 41, 45, 14, 6, 0, 33, 28, 34, 4, 32, 24, 47, 41, 24, 26,
      30, 41
    };
    Interval bca =
        new Bootstrap(20_000, 0.90, 3)
            .bca(
                a,
                v -> {
                  double mean = Arrays.stream(v).average().orElseThrow();
                  return Arrays.stream(v).map(x -> (x - mean) * (x - mean)).sum() / v.length;
                });
    assertThat(bca.low()).isCloseTo(115.8, within(3.0));
    assertThat(bca.high()).isCloseTo(259.6, within(6.0));
  }

  @Test
  void bcaOfAConstantIsThatConstant() {
    assertThat(Bootstrap.of(1).bca(new double[] {2, 2, 2}, Statistics::mean))
        .isEqualTo(Interval.point(2));
  }

  @Test
  void badInputIsNamed() {
    assertThatThrownBy(() -> Statistics.mean()).hasMessageContaining("at least 1 values, got 0");
    assertThatThrownBy(() -> Statistics.mean(1, Double.NaN)).hasMessageContaining("value 1 is NaN");
    assertThatThrownBy(() -> Statistics.wilson(3, 2, 0.95)).hasMessageContaining("trials=2");
    assertThatThrownBy(() -> Statistics.wilson(0, 0, 0.95)).hasMessageContaining("trials");
    assertThatThrownBy(() -> PairedTests.pairedT(new double[2], new double[3]))
        .hasMessageContaining("2 and 3");
    assertThatThrownBy(() -> PairedTests.holm(0.1, 1.2)).hasMessageContaining("p-value 1");
    assertThatThrownBy(() -> new Interval(1, 0)).hasMessageContaining("[1.0, 0.0]");
  }

  @Test
  void equalDifferencesHaveALimit() {
    double[] x = {1, 2, 3};
    assertThat(PairedTests.pairedT(x, x)).isEqualTo(1);
    assertThat(PairedTests.pairedT(x, new double[] {0, 1, 2})).isEqualTo(0);
  }

  private static void assertInterval(Interval interval, double low, double high) {
    assertThat(interval.low()).isCloseTo(low, within(6e-5));
    assertThat(interval.high()).isCloseTo(high, within(6e-5));
  }
}
