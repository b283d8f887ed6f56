package io.lapidary.metric;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.factory.Nd4j;

class RetrievalRanksTest {
  @Test
  void ranksOfTheRightItem() {
    RetrievalRanks ranks =
        RetrievalRanks.of(
            Nd4j.createFromArray(
                new float[][] {{0.9f, 0.1f, 0.3f}, {0.5f, 0.4f, 0.6f}, {0.1f, 0.3f, 0.2f}}),
            0,
            1,
            2);
    assertThat(ranks.ranks()).containsExactly(1, 3, 2);
    assertThat(ranks.recallAt(1).value()).isCloseTo(1.0 / 3, within(1e-12));
    assertThat(ranks.recallAt(2).value()).isCloseTo(2.0 / 3, within(1e-12));
    assertThat(ranks.medianRank().value()).isEqualTo(2);
    assertThat(ranks.meanReciprocalRank().value())
        .isCloseTo((1 + 1.0 / 3 + 1.0 / 2) / 3, within(1e-12));
    assertThat(ranks.hitsAt(2)).containsExactly(1, 0, 1);
    assertThat(ranks.recallAt(1).count()).isEqualTo(3);
  }

  @Test
  void aCollapsedEncoderScoresWorst() {
    RetrievalRanks ranks = RetrievalRanks.of(Nd4j.ones(4, 4), 0, 1, 2, 3);
    assertThat(ranks.ranks()).containsExactly(4, 4, 4, 4);
    assertThat(ranks.fairRanks()).containsExactly(2.5, 2.5, 2.5, 2.5);
  }

  @Test
  void severalRightAnswers() {
    RetrievalRanks ranks =
        RetrievalRanks.byLabel(
            Nd4j.createFromArray(new double[][] {{0.2, 0.9, 0.8, 0.8, 0.8}}),
            new int[] {7},
            new int[] {7, 1, 7, 7, 2});
    assertThat(ranks.ranks()).containsExactly(3);
    assertThat(ranks.fairRanks()).containsExactly(1 + 4.0 / 3);
  }

  @Test
  void fairRanksAreTheExpectationOverRandomOrders() {
    for (long seed = 1; seed <= 5; seed++) {
      SplittableRandom random = new SplittableRandom(seed);
      double[] s = random.ints(8, 0, 3).asDoubleStream().toArray();
      RetrievalRanks exact = new RetrievalRanks(8);
      exact.add(s, g -> g < 2);
      double sum = 0;
      int draws = 20_000;
      for (int draw = 0; draw < draws; draw++) {
        double[] noisy = s.clone();
        for (int i = 0; i < noisy.length; i++) {
          noisy[i] += random.nextDouble() * 0.5;
        }
        RetrievalRanks one = new RetrievalRanks(8);
        one.add(noisy, g -> g < 2);
        sum += one.ranks()[0];
      }
      assertThat(exact.fairRanks()[0]).as("seed %d", seed).isCloseTo(sum / draws, within(0.05));
    }
  }

  @Test
  void badInputIsNamed() {
    assertThatThrownBy(() -> RetrievalRanks.of(Nd4j.ones(2, 3), 0)).hasMessageContaining("[2, 3]");
    assertThatThrownBy(() -> RetrievalRanks.of(Nd4j.ones(1, 3), 3))
        .hasMessageContaining("[0, 3), got 3");
    assertThatThrownBy(() -> RetrievalRanks.of(Nd4j.valueArrayOf(new int[] {1, 3}, Double.NaN), 0))
        .hasMessageContaining("NaN");
    assertThatThrownBy(
            () -> RetrievalRanks.byLabel(Nd4j.ones(1, 3), new int[] {9}, new int[] {1, 2, 3}))
        .hasMessageContaining("no right answer");
    assertThat(new RetrievalRanks(3).recallAt(1).value()).isNaN();
  }
}
