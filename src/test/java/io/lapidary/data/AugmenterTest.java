package io.lapidary.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.lapidary.Seeds;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AugmenterTest {
  private static final Augmentation STRONG =
      Augmentation.builder()
          .scale(0.6, 1.4)
          .translate(0.2)
          .flip(true)
          .colour(0.4, 0.4, 0.4, 40)
          .randomBackground(true)
          .build();

  @Test
  void noChangeIsTheExactPicture() {
    EmojiDataset data = EmojiDataset.open();
    EmojiExample example = new EmojiExample(100, Emoji.Vendor.GOOGLE);
    Augmenter augmenter =
        new Augmenter(
            data.pictures(List.of(example)),
            Augmentation.none(0.1f, 0.2f, 0.3f),
            Normalization.NONE);
    float[] out = new float[augmenter.length() + 5];
    augmenter.write(0, new Seeds(3), out, 5);
    assertThat(Arrays.copyOfRange(out, 5, out.length))
        .isEqualTo(data.image(100, Emoji.Vendor.GOOGLE, 0.1f, 0.2f, 0.3f));
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4})
  void resultsDependOnTheSeedsOnly(long seed) {
    Pictures pictures = random(3, 5, 9, 7, new SplittableRandom(seed));
    Augmenter one = new Augmenter(pictures, STRONG, Normalization.CLIP);
    Augmenter two = new Augmenter(pictures, STRONG, Normalization.CLIP);
    float[] a = new float[one.length()];
    float[] b = new float[one.length()];
    one.write(2, new Seeds(seed), a, 0);
    two.write(4, new Seeds(seed + 1), b, 0); // other work before must not matter
    two.write(2, new Seeds(seed), b, 0);
    assertThat(b).isEqualTo(a);
    two.write(2, new Seeds(seed + 1), b, 0);
    assertThat(b).isNotEqualTo(a);
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6})
  void matchesASlowReference(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    Pictures pictures = random(3, 1, 8 + (int) seed, 11, random);
    Augmentation geometry =
        Augmentation.builder()
            .scale(0.5, 2)
            .translate(0.3)
            .flip(true)
            .background(0.2f, 0.4f, 0.6f)
            .build();
    Augmenter augmenter = new Augmenter(pictures, geometry, Normalization.NONE, 12, 10);
    float[] out = new float[augmenter.length()];
    Seeds seeds = new Seeds(seed);
    augmenter.write(0, seeds, out, 0);

    SplittableRandom draws = seeds.random();
    double zoom = 0.5 * Math.pow(4, draws.nextDouble());
    double dx = 0.3 * (2 * draws.nextDouble() - 1) * pictures.width();
    double dy = 0.3 * (2 * draws.nextDouble() - 1) * pictures.height();
    double side = draws.nextDouble() < 0.5 ? -1 : 1;
    float[] planes = new float[4 * pictures.height() * pictures.width()];
    pictures.read(0, planes);
    float[] ground = {0.2f, 0.4f, 0.6f};
    for (int y = 0; y < 12; y++) {
      for (int x = 0; x < 10; x++) {
        double u =
            side * (x + 0.5 - 5) * pictures.width() / (10 * zoom)
                + pictures.width() / 2.0
                - dx
                - 0.5;
        double v =
            (y + 0.5 - 6) * pictures.height() / (12 * zoom) + pictures.height() / 2.0 - dy - 0.5;
        double alpha = bilinear(planes, pictures, 3, u, v);
        for (int c = 0; c < 3; c++) {
          double expected = bilinear(planes, pictures, c, u, v) + (1 - alpha) * ground[c];
          assertThat((double) out[(c * 12 + y) * 10 + x])
              .as("seed %d channel %d at %d,%d", seed, c, x, y)
              .isCloseTo(expected, within(1e-5));
        }
      }
    }
  }

  @Test
  void valuesStayInRange() {
    Pictures pictures = random(3, 20, 16, 16, new SplittableRandom(5));
    Augmenter augmenter = new Augmenter(pictures, STRONG, Normalization.NONE);
    float[] out = new float[20 * augmenter.length()];
    for (int i = 0; i < 20; i++) {
      augmenter.write(i, new Seeds(9).at(i), out, i * augmenter.length());
    }
    for (float value : out) {
      assertThat(value).isBetween(-1e-5f, 1 + 1e-5f);
    }
  }

  @Test
  void colourChangesAreWhatTheySay() {
    Pictures grey = constant(0.4f, 0.4f, 0.4f);
    Pictures red = constant(0.5f, 0.4f, 0.4f);
    check(
        grey,
        b -> b.colour(0, 0, 1, 180),
        out -> assertThat(out[0]).isCloseTo(0.4f, within(1e-5f)));
    check(
        grey,
        b -> b.colour(0.5, 0, 0, 0),
        out -> {
          assertThat(out[0]).isBetween(0.2f, 0.6f).isNotEqualTo(0.4f);
          assertThat(out[1]).isEqualTo(out[0]);
        });
    float luma = 0.213f * 0.5f + (0.715f + 0.072f) * 0.4f;
    check(
        red,
        b -> b.colour(0, 0, 0, 60),
        out ->
            assertThat(0.213f * out[0] + 0.715f * out[1] + 0.072f * out[2])
                .isCloseTo(luma, within(1e-3f))); // the published matrix has three digits
    check( // a plain picture has no contrast to change but each channel moves about the mean
        red,
        b -> b.colour(0, 1, 0, 0),
        out ->
            assertThat((out[0] - luma) / (0.5f - luma))
                .isCloseTo((out[1] - luma) / (0.4f - luma), within(1e-3f)));
  }

  @Test
  void greyPicturesAndBadSettings() {
    Pictures pictures = random(1, 2, 28, 28, new SplittableRandom(8));
    Augmenter augmenter =
        new Augmenter(pictures, Augmentation.none(0f), Normalization.SYMMETRIC, 32, 32);
    float[] out = new float[augmenter.length()];
    augmenter.write(1, new Seeds(1), out, 0);
    assertThat(out).hasSize(1024);
    assertThatThrownBy(
            () -> new Augmenter(pictures, Augmentation.none(0, 0, 0), Normalization.NONE))
        .hasMessageContaining("background has 3 values");
    assertThatThrownBy(() -> Augmentation.builder().scale(0, 1).build())
        .hasMessageContaining("minScale");
    assertThatThrownBy(() -> Augmentation.builder().scale(1, 0.5).build())
        .hasMessageContaining("maxScale");
    assertThatThrownBy(() -> Augmentation.builder().colour(0, 0, 0, 181).build())
        .hasMessageContaining("hue");
    assertThatThrownBy(() -> Augmentation.none(0, 1)).hasMessageContaining("background");
  }

  private static void check(
      Pictures pictures, Consumer<Augmentation.Builder> change, Consumer<float[]> expected) {
    Augmentation.Builder builder = Augmentation.builder();
    change.accept(builder);
    Augmenter augmenter = new Augmenter(pictures, builder.build(), Normalization.NONE);
    float[] out = new float[augmenter.length()];
    for (int seed = 0; seed < 20; seed++) {
      augmenter.write(0, new Seeds(seed), out, 0);
      expected.accept(out);
    }
  }

  private static double bilinear(float[] planes, Pictures p, int plane, double u, double v) {
    int x = (int) Math.floor(u);
    int y = (int) Math.floor(v);
    double sum = 0;
    for (int j = 0; j < 2; j++) {
      for (int i = 0; i < 2; i++) {
        int sx = x + i;
        int sy = y + j;
        if (sx >= 0 && sx < p.width() && sy >= 0 && sy < p.height()) {
          double weight = (1 - Math.abs(u - sx)) * (1 - Math.abs(v - sy));
          sum += weight * planes[(plane * p.height() + sy) * p.width() + sx];
        }
      }
    }
    return sum;
  }

  static Pictures constant(float... colour) {
    float[] planes = Arrays.copyOf(colour, colour.length + 1);
    planes[colour.length] = 1;
    return new Fixed(colour.length, 1, 1, new float[][] {planes});
  }

  static Pictures random(int channels, int size, int height, int width, SplittableRandom random) {
    int area = height * width;
    float[][] all = new float[size][(channels + 1) * area];
    for (float[] planes : all) {
      for (int i = 0; i < area; i++) {
        float alpha = random.nextInt(3) == 0 ? 0 : (float) random.nextDouble();
        planes[channels * area + i] = alpha;
        for (int c = 0; c < channels; c++) {
          planes[c * area + i] = alpha * (float) random.nextDouble();
        }
      }
    }
    return new Fixed(channels, height, width, all);
  }

  record Fixed(int channels, int height, int width, float[][] all) implements Pictures {
    @Override
    public int size() {
      return all.length;
    }

    @Override
    public void read(int index, float[] planes) {
      System.arraycopy(all[index], 0, planes, 0, all[index].length);
    }
  }
}
