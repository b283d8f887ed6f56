package io.lapidary.report;

import static io.lapidary.report.Direction.ABOVE;
import static io.lapidary.report.Direction.AT_LEAST;
import static io.lapidary.report.Direction.AT_MOST;
import static io.lapidary.report.Direction.BELOW;
import static io.lapidary.report.Verdict.FAILS;
import static io.lapidary.report.Verdict.HOLDS;
import static io.lapidary.report.Verdict.INCONCLUSIVE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lapidary.metric.Interval;
import org.junit.jupiter.api.Test;

class VerdictTest {
  private static Verdict of(double low, double high, Direction direction, double threshold) {
    return Verdict.of((low + high) / 2, new Interval(low, high), direction, threshold);
  }

  @Test
  void wholeIntervalDecides() {
    assertThat(of(0.1, 0.2, ABOVE, 0)).isEqualTo(HOLDS);
    assertThat(of(-0.2, -0.1, ABOVE, 0)).isEqualTo(FAILS);
    assertThat(of(-0.1, 0.2, ABOVE, 0)).isEqualTo(INCONCLUSIVE);
    assertThat(of(0.1, 0.2, BELOW, 0)).isEqualTo(FAILS);
    assertThat(of(-0.2, -0.1, BELOW, 0)).isEqualTo(HOLDS);
    assertThat(of(-0.1, 0.2, BELOW, 0)).isEqualTo(INCONCLUSIVE);
  }

  @Test
  void touchingTheThreshold() {
    assertThat(of(0, 1, ABOVE, 0)).isEqualTo(INCONCLUSIVE);
    assertThat(of(0, 1, AT_LEAST, 0)).isEqualTo(HOLDS);
    assertThat(of(-1, 0, ABOVE, 0)).isEqualTo(FAILS);
    assertThat(of(-1, 0, AT_LEAST, 0)).isEqualTo(INCONCLUSIVE);
    assertThat(of(-1, 0, AT_MOST, 0)).isEqualTo(HOLDS);
    assertThat(of(-1, 0, BELOW, 0)).isEqualTo(INCONCLUSIVE);
    assertThat(of(0, 0, AT_MOST, 0)).isEqualTo(HOLDS);
    assertThat(of(0, 0, ABOVE, 0)).isEqualTo(FAILS);
  }

  @Test
  void withoutIntervalTheValueDecides() {
    assertThat(Verdict.of(0.5, null, ABOVE, 0)).isEqualTo(HOLDS);
    assertThat(Verdict.of(-0.5, null, ABOVE, 0)).isEqualTo(FAILS);
    assertThat(Verdict.of(Double.NaN, null, ABOVE, 0)).isEqualTo(INCONCLUSIVE);
    assertThat(Verdict.of(Double.NaN, new Interval(1, 2), ABOVE, 0)).isEqualTo(INCONCLUSIVE);
  }

  @Test
  void infiniteEnds() {
    double inf = Double.POSITIVE_INFINITY;
    assertThat(Verdict.of(1, new Interval(0.5, inf), ABOVE, 0)).isEqualTo(HOLDS);
    assertThat(Verdict.of(1, new Interval(-inf, inf), ABOVE, 0)).isEqualTo(INCONCLUSIVE);
  }

  @Test
  void seedsMakeTheInterval() {
    ClaimSpec spec = new ClaimSpec("X", "T1", "s", "", ABOVE, 0);
    Claim one = spec.overSeeds(0.3);
    assertThat(one.verdict()).isEqualTo(HOLDS);
    assertThat(one.indicative()).isTrue();
    assertThat(one.ci()).isNull();
    Claim three = spec.overSeeds(0.3, 0.31, 0.32);
    assertThat(three.verdict()).isEqualTo(HOLDS);
    assertThat(three.indicative()).isFalse();
    assertThat(three.ci().contains(0.31)).isTrue();
    assertThat(spec.overSeeds(0.3, -0.31, 0.32).verdict()).isEqualTo(INCONCLUSIVE);
    assertThat(spec.paired(new double[] {1, 2, 3}, new double[] {2, 3.1, 4}).verdict())
        .isEqualTo(FAILS);
  }

  @Test
  void whatIsNotFiniteIsNotMeasured() {
    ClaimSpec spec = new ClaimSpec("X", "T1", "s", "", ABOVE, 0);
    for (Claim claim :
        new Claim[] {
          spec.overSeeds(1, Double.NaN, 2),
          spec.overSeeds(Double.POSITIVE_INFINITY),
          spec.measured(Double.NEGATIVE_INFINITY, null, 3),
          spec.paired(new double[] {Double.NaN}, new double[] {1})
        }) {
      assertThat(claim.verdict()).isEqualTo(INCONCLUSIVE);
      assertThat(claim.value()).isNaN();
      assertThat(claim.note()).isNotBlank();
    }
  }

  @Test
  void aClaimCannotContradictItsNumbers() {
    assertThatThrownBy(() -> new Claim("X", "", "s", 1, null, ABOVE, 2, "", HOLDS, false, null))
        .hasMessageContaining("says HOLDS, but its numbers give FAILS");
    assertThatThrownBy(() -> new ClaimSpec("X", "", "s", "", ABOVE, Double.NaN))
        .hasMessageContaining("threshold of claim X");
  }
}
