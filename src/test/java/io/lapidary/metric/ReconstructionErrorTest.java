package io.lapidary.metric;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class ReconstructionErrorTest {
  private static final double[] X = {3, 1, 1.5, .2};
  private static final double[] REBUILT = {4.56, 3.08, 1.5, 0};

  @Test
  void twoSamplesByHand() {
    ReconstructionError error = new ReconstructionError(2);
    error.update(X, REBUILT, 2);
    assertThat(error.squaredError().value()).isCloseTo(3.4, within(1e-12));
    assertThat(error.fvu().value()).isCloseTo(6.8 / 1.445, within(1e-12)); // 4.706
    assertThat(error.explainedVariance().value()).isCloseTo(1 - 3.816 / 1.445, within(1e-12));
    double norm1 = Math.hypot(3, 1);
    double norm2 = Math.hypot(1.5, .2);
    double rebuilt1 = Math.hypot(4.56, 3.08);
    assertThat(error.cosine().value())
        .isCloseTo((16.76 / norm1 / rebuilt1 + 2.25 / norm2 / 1.5) / 2, within(1e-12));
    assertThat(error.normRatio().value())
        .isCloseTo((rebuilt1 / norm1 + 1.5 / norm2) / 2, within(1e-12));
    assertThat(error.relativeBias().value())
        .isCloseTo((rebuilt1 * rebuilt1 + 2.25) / (16.76 + 2.25), within(1e-12));
  }

  @Test
  void explainedVarianceForgivesAnOffsetAndFvuDoesNot() {
    ReconstructionError error = new ReconstructionError(2);
    error.update(X, new double[] {4, 2, 2.5, 1.2}, 2);
    assertThat(error.explainedVariance().value()).isCloseTo(1, within(1e-12));
    assertThat(error.fvu().value()).isCloseTo(4 / 1.445, within(1e-12));
  }

  @Test
  void partsMergeToTheWhole() {
    SplittableRandom random = new SplittableRandom(3);
    double[] x = random.doubles(50 * 4, 1000, 1001).toArray(); // an offset that sums would drown in
    double[] rebuilt = Arrays.stream(x).map(v -> v + random.nextDouble(-.1, .2)).toArray();
    ReconstructionError whole = new ReconstructionError(4);
    whole.update(x, rebuilt, 50);
    ReconstructionError parts = new ReconstructionError(4);
    for (int[] range : new int[][] {{0, 1}, {1, 30}, {30, 50}}) {
      ReconstructionError part = new ReconstructionError(4);
      part.update(
          Arrays.copyOfRange(x, range[0] * 4, range[1] * 4),
          Arrays.copyOfRange(rebuilt, range[0] * 4, range[1] * 4),
          range[1] - range[0]);
      parts.merge(part);
    }
    parts.merge(new ReconstructionError(4));
    assertThat(parts.fvu().value()).isCloseTo(whole.fvu().value(), within(1e-10));
    assertThat(parts.explainedVariance().value())
        .isCloseTo(whole.explainedVariance().value(), within(1e-10));
    assertThat(parts.cosine().value()).isCloseTo(whole.cosine().value(), within(1e-14));
    assertThat(parts.cosine().count()).isEqualTo(50);
  }

  @Test
  void rowsOfZerosHaveNoDirectionAndConstantRowsNoVariance() {
    ReconstructionError error = new ReconstructionError(1);
    error.update(new double[] {0, 0}, new double[] {1, 1}, 2);
    assertThat(error.fvu().value()).isNaN();
    assertThat(error.explainedVariance().value()).isNaN();
    assertThat(error.cosine().count()).isZero();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> error.update(new double[] {1}, new double[] {Double.NaN}, 1))
        .withMessage("reconstruction: row 0, column 0 is NaN");
  }

  @Test
  void lossRecovered() {
    assertThat(ReconstructionError.lossRecovered(5, 3, 1)).isEqualTo(.5);
    assertThat(ReconstructionError.lossRecovered(5, 1, 1)).isEqualTo(1);
    assertThat(ReconstructionError.lossRecovered(2, 3, 2)).isNaN();
  }

  @Test
  void activityCountsWhatIsNotZero() {
    LatentActivity whole = new LatentActivity(3);
    whole.update(new double[] {2, 0, 2.6, .5, 0, 0}, 2);
    assertThat(whole.l0().value()).isEqualTo(1.5);
    assertThat(whole.deadShare().value()).isCloseTo(1 / 3.0, within(1e-15));
    assertThat(whole.density(2)).isEqualTo(.5);
    LatentActivity other = new LatentActivity(3);
    other.update(new double[] {-1, 0, 0}, 1);
    whole.merge(other);
    assertThat(whole.active(0)).isEqualTo(3);
    assertThat(whole.least(0)).isEqualTo(-1);
    assertThat(whole.most(0)).isEqualTo(2);
    assertThat(whole.rows()).isEqualTo(3);
  }
}
