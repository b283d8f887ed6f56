package io.lapidary.metric;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MonosemanticityTest {
  private static final double[] PLANE = {1, 0, .8, .6, 0, 1, -1, 0};

  @Test
  void fourImagesByHand() {
    assertThat(Monosemanticity.of(new double[] {5, 4, 2, 1}, PLANE, 4)[0])
        .isCloseTo(0.6, within(1e-15));
  }

  @Test
  void ofThreeImagesOnePairSurvivesTheScaling() {
    double[] embeddings = Arrays.copyOf(PLANE, 6);
    assertThat(Monosemanticity.of(new double[] {4, 3, 2}, embeddings, 3)[0])
        .isCloseTo(0.8, within(1e-15));
  }

  @Test
  void latentsOfOneImageAndConstantOnesAreDead() {
    double[] codes = {0, 7, 0, 0, 7, 0, 5, 7, 0}; // columns (0,0,5), (7,7,7), (0,0,0)
    assertThat(Monosemanticity.of(codes, Arrays.copyOf(PLANE, 6), 3)).containsOnly(Double.NaN);
  }

  @Test
  void onePairCountsHoweverSmallItsWeight() {
    double[] codes = {1, 1e-30, 0};
    assertThat(Monosemanticity.of(codes, Arrays.copyOf(PLANE, 6), 3)[0])
        .isCloseTo(0.8, within(1e-15));
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void equalsTheDefinitionOverAllPairs(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    int rows = 2 + random.nextInt(60);
    int latents = 1 + random.nextInt(150);
    int width = 1 + random.nextInt(20);
    double[] codes = codes(random, rows * latents);
    double[] embeddings = random.doubles((long) rows * width, -3, 3).toArray();
    double[] scores = Monosemanticity.of(codes, embeddings, rows);
    for (int latent = 0; latent < latents; latent++) {
      double expected = definition(codes, embeddings, rows, latents, latent);
      if (Double.isNaN(expected)) {
        assertThat(scores[latent]).as("seed %d, latent %d", seed, latent).isNaN();
      } else {
        assertThat(scores[latent])
            .as("seed %d, latent %d", seed, latent)
            .isCloseTo(expected, within(1e-12))
            .isBetween(-1.0, 1.0);
      }
    }
  }

  @Test
  void blocksOfRowsChangeNothing() {
    SplittableRandom random = new SplittableRandom(11);
    double[] codes = codes(random, 30 * 7);
    double[] embeddings = random.doubles(30 * 5, -1, 1).toArray();
    LatentActivity ranges = new LatentActivity(7);
    ranges.update(codes, 30);
    Monosemanticity score = new Monosemanticity(ranges, 5);
    for (int from : new int[] {0, 10, 20}) {
      score.update(
          Arrays.copyOfRange(codes, from * 7, (from + 10) * 7),
          Arrays.copyOfRange(embeddings, from * 5, (from + 10) * 5),
          10);
    }
    assertThat(score.scores()).isEqualTo(Monosemanticity.of(codes, embeddings, 30));
  }

  @Test
  void permutingLatentsPermutesScoresAndScalingEmbeddingsChangesNothing() {
    SplittableRandom random = new SplittableRandom(12);
    double[] codes = random.doubles(20 * 3, 0, 1).toArray();
    double[] embeddings = random.doubles(20 * 4, -1, 1).toArray();
    double[] turned = new double[codes.length];
    double[] longer = new double[embeddings.length];
    for (int row = 0; row < 20; row++) {
      for (int latent = 0; latent < 3; latent++) {
        turned[row * 3 + (latent + 1) % 3] = codes[row * 3 + latent];
      }
      for (int i = 0; i < 4; i++) {
        longer[row * 4 + i] = embeddings[row * 4 + i] * 0x1p40 * (row + 1);
      }
    }
    double[] expected = Monosemanticity.of(codes, embeddings, 20);
    double[] found = Monosemanticity.of(turned, longer, 20);
    for (int latent = 0; latent < 3; latent++) {
      assertThat(found[(latent + 1) % 3]).isCloseTo(expected[latent], within(1e-13));
    }
  }

  @Test
  void duplicatedImagesDoNotLowerTheScore() {
    SplittableRandom random = new SplittableRandom(13);
    double[] codes = codes(random, 20 * 6);
    double[] embeddings = random.doubles(20 * 4, -1, 1).toArray();
    double[] once = Monosemanticity.of(codes, embeddings, 20);
    double[] twice = Monosemanticity.of(doubled(codes), doubled(embeddings), 40);
    for (int latent = 0; latent < 6; latent++) {
      assertThat(twice[latent]).isFinite().isGreaterThanOrEqualTo(once[latent]);
    }
  }

  @Test
  void refusesValuesThatHaveNoScore() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Monosemanticity.of(new double[] {1, Double.NaN}, new double[] {1, 1}, 2))
        .withMessage("codes: row 1, column 0 is NaN");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Monosemanticity.of(new double[] {1, 2}, new double[] {1, 1, 0, 0}, 2))
        .withMessageContaining("embeddings: row 1 is all 0");
  }

  @Test
  void summaryLeavesDeadLatentsOut() {
    double[] scores = {.5, Double.NaN, .9, .1};
    ScoreSummary all = ScoreSummary.of(scores);
    assertThat(all.total()).isEqualTo(4);
    assertThat(all.dead()).isEqualTo(1);
    assertThat(all.mean()).isCloseTo(.5, within(1e-15));
    assertThat(all.sd()).isCloseTo(.4, within(1e-15));
    assertThat(all.median()).isEqualTo(.5);
    assertThat(all.best(2)).containsExactly(2, 0);
    assertThat(all.worst(2)).containsExactly(3, 0);
    assertThat(ScoreSummary.of(scores, latent -> latent > 1).ranked()).containsExactly(2, 3);
    assertThat(ScoreSummary.of(new double[] {Double.NaN}).mean()).isNaN();
  }

  private static double[] codes(SplittableRandom random, int count) {
    double[] codes = new double[count];
    Arrays.setAll(codes, i -> random.nextInt(3) == 0 ? random.nextDouble(-.2, 4) : 0);
    return codes;
  }

  private static double[] doubled(double[] values) {
    double[] twice = Arrays.copyOf(values, 2 * values.length);
    System.arraycopy(values, 0, twice, values.length, values.length);
    return twice;
  }

  /** The double sum over pairs, as the paper writes it. */
  private static double definition(
      double[] codes, double[] embeddings, int rows, int latents, int latent) {
    int width = embeddings.length / rows;
    double least = Double.POSITIVE_INFINITY;
    double most = Double.NEGATIVE_INFINITY;
    for (int n = 0; n < rows; n++) {
      least = Math.min(least, codes[n * latents + latent]);
      most = Math.max(most, codes[n * latents + latent]);
    }
    double sum = 0;
    double weights = 0;
    for (int n = 0; n < rows; n++) {
      for (int m = n + 1; m < rows; m++) {
        double dot = 0;
        double normN = 0;
        double normM = 0;
        for (int i = 0; i < width; i++) {
          double a = embeddings[n * width + i];
          double b = embeddings[m * width + i];
          dot += a * b;
          normN += a * a;
          normM += b * b;
        }
        double weight =
            (codes[n * latents + latent] - least)
                / (most - least)
                * ((codes[m * latents + latent] - least) / (most - least));
        sum += weight * dot / Math.sqrt(normN * normM);
        weights += weight;
      }
    }
    return sum / weights;
  }
}
