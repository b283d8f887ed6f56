package io.lapidary.method.tivit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class SeriesPicturesTest {
  private static double[] range(int length) {
    return IntStream.rangeClosed(1, length).asDoubleStream().toArray();
  }

  private static SeriesPictures pictures(int side, int window, double stride) {
    return new SeriesPictures(side, window, stride, 0.8);
  }

  @Test
  void windowsSideBySideAreColumns() {
    double[] x = range(9);
    float[] scaled = SeriesPictures.scaled(x);
    for (int t = 0; t < 9; t++) {
      assertThat(scaled[t]).isCloseTo((t - 4) / 4f, within(1e-4f));
    }
    SeriesPictures p = pictures(3, 3, 1);
    float[][] plain = p.matrix(scaled);
    float[][] expected = {{-1, -0.25f, 0.5f}, {-0.75f, 0, 0.75f}, {-0.5f, 0.25f, 1}};
    for (int i = 0; i < 3; i++) {
      assertThat(plain[i]).containsExactly(expected[i], within(1e-4f));
    }
    assertThat(p.picture(x))
        .containsExactly(
            new float[] {0, 0.4563f, 0.7944f, 0.1895f, 0.5743f, 0.8987f, 0.3299f, 0.6866f, 1.0000f},
            within(1e-4f));
  }

  @Test
  void overlappingWindowsAreRows() {
    float[] x = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    float[][] rows = pictures(8, 3, 0.1).matrix(x);
    assertThat(rows).hasDimensions(7, 3);
    for (int w = 0; w < 7; w++) {
      assertThat(rows[w]).containsExactly(w + 1, w + 2, w + 3);
    }
  }

  @Test
  void thePaddingRepeatsTheFirstValue() {
    float[] x = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    float[][] columns = pictures(8, 3, 1).matrix(x);
    assertThat(columns[0][0]).isEqualTo(1);
    assertThat(columns[1][0]).isEqualTo(1);
    assertThat(columns[2][0]).isEqualTo(1);
    assertThat(columns[2][3]).isEqualTo(10);
    int[][] sizes = {{96, 9, 88}, {500, 22, 240}, {2000, 44, 490}, {427, 20, 205}};
    for (int[] size : sizes) {
      SeriesPictures p = SeriesPictures.usual(32);
      float[][] rows = p.matrix(new float[size[0]]);
      assertThat(p.windowOf(size[0])).isEqualTo(size[1]);
      assertThat(rows).hasDimensions(size[2], size[1]);
    }
  }

  @Test
  void nearestRowsAndColumns() {
    // a picture of 3 x 3 whose values tell their place
    double[] x = {0, 1, 2, 3, 4, 5, 6, 7, 8};
    float[] small = pictures(3, 3, 1).picture(x);
    float[] large = pictures(8, 3, 1).picture(x);
    int[] from = {0, 0, 0, 1, 1, 1, 2, 2};
    for (int i = 0; i < 8; i++) {
      for (int j = 0; j < 8; j++) {
        assertThat(large[i * 8 + j]).isEqualTo(small[from[i] * 3 + from[j]]);
      }
    }
  }

  @Test
  void theLowerMiddleIsTheMedian() {
    float[] scaled = SeriesPictures.scaled(new double[] {1, 2, 3, 4});
    assertThat(scaled[1]).isZero(); // median 2
    assertThat(scaled[3]).isCloseTo(2 / (3.25f - 1.75f), within(1e-4f));
  }

  @Test
  void scaleAndShiftDoNotMatterAndMinusMirrors() {
    for (int seed = 1; seed <= 10; seed++) {
      SplittableRandom random = new SplittableRandom(seed);
      double[] x = random.doubles(60 + seed).map(v -> v * v).toArray();
      double[] other = Arrays.stream(x).map(v -> 7 * v - 20).toArray();
      double[] minus = Arrays.stream(x).map(v -> -v).toArray();
      SeriesPictures plain = new SeriesPictures(32, 0, 0.1, 1);
      float[] a = plain.picture(x);
      float[] b = plain.picture(other);
      float[] c = plain.picture(minus);
      for (int i = 0; i < a.length; i++) {
        assertThat(b[i]).as("seed %d", seed).isCloseTo(a[i], within(1e-3f));
        assertThat(c[i]).as("seed %d", seed).isCloseTo(1 - a[i], within(1e-3f));
      }
    }
  }

  @Test
  void sweepsOfWindows() {
    assertThat(SeriesPictures.sweep(24)).containsExactly(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
    assertThat(SeriesPictures.sweep(96))
        .containsExactly(
            1, 3, 5, 8, 10, 13, 15, 18, 20, 23, 25, 28, 30, 33, 35, 38, 40, 43, 45, 48);
    assertThat(SeriesPictures.sweep(1)).containsExactly(1);
  }

  @Test
  void constantSpikyAndShortSeries() {
    assertThat(SeriesPictures.usual(16).picture(new double[50])).containsOnly(0);
    double[] spike = new double[50];
    spike[20] = 1e6;
    for (float v : SeriesPictures.usual(16).picture(spike)) {
      assertThat(v).isBetween(0f, 1f);
    }
    assertThat(SeriesPictures.usual(8).picture(new double[] {3})).containsOnly(0);
    assertThat(SeriesPictures.usual(8).picture(new double[] {3, 4})).hasSize(64);
    assertThatThrownBy(() -> SeriesPictures.usual(8).picture(new double[] {1, Double.NaN}))
        .hasMessageContaining("value 2 of a series is NaN");
    assertThatThrownBy(() -> new SeriesPictures(8, 0, 1.5, 0.8)).hasMessageContaining("stride");
  }

  @Test
  void runsFillOnePatchAfterTheOther() {
    float[] x = new SeriesPictures(4, 0, 0.1, 1).runs(range(16), 2);
    // 16 values, the first four in the first patch, row after row
    float step = 1 / 15f;
    assertThat(x)
        .containsExactly(
            new float[] {
              0, step, 4 * step, 5 * step, 2 * step, 3 * step, 6 * step, 7 * step, 8 * step,
              9 * step, 12 * step, 13 * step, 10 * step, 11 * step, 14 * step, 1
            },
            within(1e-4f));
  }
}
