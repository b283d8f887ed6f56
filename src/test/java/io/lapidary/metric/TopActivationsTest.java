package io.lapidary.metric;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TopActivationsTest {
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5})
  void equalsTheEndOfAStableSort(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    int rows = 5 + random.nextInt(60);
    int latents = 1 + random.nextInt(9);
    int k = 1 + random.nextInt(5);
    double[] codes = new double[rows * latents];
    Arrays.setAll(codes, i -> random.nextInt(-1, 4)); // many ties
    TopActivations top = new TopActivations(latents, k);
    int half = rows / 2;
    top.update(codes, half);
    top.update(Arrays.copyOfRange(codes, half * latents, codes.length), rows - half);
    for (int latent = 0; latent < latents; latent++) {
      int column = latent;
      int[] sorted =
          IntStream.range(0, rows)
              .boxed()
              .sorted(Comparator.comparingDouble(row -> codes[row * latents + column]))
              .mapToInt(Integer::intValue)
              .toArray();
      assertThat(top.indices(latent))
          .as("seed %d, latent %d", seed, latent)
          .isEqualTo(Arrays.copyOfRange(sorted, rows - k, rows));
      assertThat(top.values(latent)).isSorted();
      assertThat(top.least(latent)).isEqualTo(codes[sorted[rows - k] * latents + latent]);
    }
  }

  @Test
  void fewerRowsThanAskedForAreNoTable() {
    TopActivations top = new TopActivations(1, 2);
    top.update(new double[] {1}, 1);
    assertThatIllegalStateException()
        .isThrownBy(() -> top.indices(0))
        .withMessage("needs at least k=2 rows, has 1");
  }

  @Test
  void latentsThatRunOutOfImagesAreNotDescribed() {
    TopActivations top = new TopActivations(3, 2);
    top.update(new double[] {1, 1, -1, 1, 0, -1, 0, 0, -1}, 3);
    assertThat(top.described()).containsExactly(0, 2);
  }

  @Test
  void jaccardIndexOverPairs() {
    TopActivations top = new TopActivations(3, 2); // sets {0,1}, {1,2}, {0,1}
    top.update(new double[] {1, 0, 1, 1, 1, 1, 0, 1, 0}, 3);
    Uniqueness uniqueness = Uniqueness.of(top, 0, 1, 2);
    assertThat(uniqueness.pairs()).isEqualTo(3);
    assertThat(uniqueness.sharing()).containsExactly(0, 2, 1);
    assertThat(uniqueness.shareAbove(0)).isEqualTo(1);
    assertThat(uniqueness.shareAbove(1 / 3.0)).isCloseTo(1 / 3.0, within(1e-15));
    assertThat(uniqueness.shareAbove(.9)).isCloseTo(1 / 3.0, within(1e-15));
    assertThat(Uniqueness.of(top, 0).shareAbove(0)).isNaN();
  }

  @Test
  void depthOfPairsByHand() {
    List<String> cat = List.of("animal", "mammal", "cat");
    List<String> dog = List.of("animal", "mammal", "dog");
    List<String> ant = List.of("animal", "insect", "ant");
    assertThat(TaxonomyDepth.common(cat, cat)).isEqualTo(3);
    assertThat(TaxonomyDepth.common(cat, List.of("plant"))).isZero();
    TaxonomyDepth depth = TaxonomyDepth.of(List.of(cat, dog, ant));
    assertThat(depth.mean()).isCloseTo(4 / 3.0, within(1e-15));
    assertThat(depth.modal()).isEqualTo(1);
    assertThat(depth.pairs()).isEqualTo(3);
    assertThat(new TaxonomyDepth(2.5, 2, 2).rounded()).isEqualTo(2); // half to even
    assertThat(new TaxonomyDepth(3.5, 2, 2).rounded()).isEqualTo(4);
  }

  @Test
  void plantedHierarchyIsFound() {
    // 2 classes x 2 orders x 2 species, 4 images each; a latent for each node of each level
    List<List<String>> paths = new ArrayList<>();
    for (int image = 0; image < 32; image++) {
      paths.add(List.of("c" + image / 16, "o" + image / 8, "s" + image / 4));
    }
    int[] sizes = {2, 4, 9};
    double[] codes = new double[32 * 15];
    for (int image = 0; image < 32; image++) {
      SplittableRandom random = new SplittableRandom(image);
      codes[image * 15 + image / 16] = random.nextDouble(1, 2);
      codes[image * 15 + 2 + image / 8] = random.nextDouble(1, 2);
      codes[image * 15 + 6 + image / 4] = random.nextDouble(1, 2); // latent 14 is never active
    }
    TopActivations top = new TopActivations(15, 4);
    top.update(codes, 32);
    List<TaxonomyDepth.Group> groups = TaxonomyDepth.groups(top, paths, sizes);
    assertThat(groups).extracting(TaxonomyDepth.Group::described).containsExactly(2, 4, 8);
    assertThat(groups.get(2).mean()).isEqualTo(3);
    assertThat(groups.get(2).rounded()).isEqualTo(3);
    assertThat(groups.get(1).mean()).isBetween(2.0, 2.99);
    assertThat(groups.get(0).mean()).isBetween(1.0, groups.get(1).mean());
    assertThatIllegalArgumentException()
        .isThrownBy(() -> TaxonomyDepth.groups(top, paths, 2, 4))
        .withMessageContaining("sum to 15 latents, got [2, 4]");
  }
}
