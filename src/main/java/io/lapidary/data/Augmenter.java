package io.lapidary.data;

import io.lapidary.Check;
import io.lapidary.Seeds;
import java.util.SplittableRandom;

/**
 * Draws one random change per picture and writes the result into a batch: zoom, shift and mirror in
 * one bilinear pass, then one affine colour map, then the background.
 *
 * <p>A picture's result depends on its seeds only. The random numbers are always drawn in the same
 * number and order, so that switching one kind of change off leaves the others as they were.
 * Colours are sampled multiplied by alpha: edges do not pick up invisible colours. Keeps scratch
 * arrays: use one per thread.
 */
public final class Augmenter {
  /** Luma weights, also the axis that hue turns keep. */
  private static final float[] LUMA = {0.213f, 0.715f, 0.072f};

  private final Pictures pictures;
  private final Augmentation augmentation;
  private final int channels;
  private final int height;
  private final int width;
  private final float[] mean;
  private final float[] inverseStd;
  private final float[] source;
  private final float[] rows;
  private final float[] sampled;
  private final Taps across;
  private final Taps down;
  private final float[] matrix;
  private final float[] offset;
  private final float[] back;

  /** Where each output line reads: two source lines and their weights. */
  private static final class Taps {
    final int[] first;
    final int[] second;
    final float[] firstWeight;
    final float[] secondWeight;

    Taps(int size) {
      first = new int[size];
      second = new int[size];
      firstWeight = new float[size];
      secondWeight = new float[size];
    }

    /** Output centre o reads source position {@code centre + (o - middle) * step}. */
    void set(int sourceSize, double centre, double step) {
      int n = first.length;
      for (int o = 0; o < n; o++) {
        double at = centre + (o + 0.5 - n / 2.0) * step - 0.5;
        int low = (int) Math.floor(at);
        float part = (float) (at - low);
        boolean lowInside = low >= 0 && low < sourceSize;
        boolean highInside = low + 1 >= 0 && low + 1 < sourceSize;
        first[o] = lowInside ? low : 0;
        second[o] = highInside ? low + 1 : 0;
        firstWeight[o] = lowInside ? 1 - part : 0;
        secondWeight[o] = highInside ? part : 0;
      }
    }
  }

  /** Keeps the size of the pictures. */
  public Augmenter(Pictures pictures, Augmentation augmentation, Normalization normalization) {
    this(pictures, augmentation, normalization, pictures.height(), pictures.width());
  }

  /**
   * Writes pictures of another size; the picture fills it before zoom and shift.
   *
   * @param height height of the result in pixels
   * @param width width of the result in pixels
   */
  public Augmenter(
      Pictures pictures,
      Augmentation augmentation,
      Normalization normalization,
      int height,
      int width) {
    Check.positive("height", height);
    Check.positive("width", width);
    this.pictures = pictures;
    this.augmentation = augmentation;
    this.channels = pictures.channels();
    this.height = height;
    this.width = width;
    Check.that(channels == 1 || channels == 3, "pictures need 1 or 3 channels, got %d", channels);
    Check.that(
        augmentation.background().size() == 1 || channels == 3,
        "background has %d values but pictures have one channel",
        augmentation.background().size());
    this.mean = new float[channels];
    this.inverseStd = new float[channels];
    for (int c = 0; c < channels; c++) {
      mean[c] = normalization.mean(c);
      inverseStd[c] = 1 / normalization.std(c);
    }
    int planes = channels + 1;
    this.source = new float[planes * pictures.height() * pictures.width()];
    this.rows = new float[planes * pictures.height() * width];
    this.sampled = new float[planes * height * width];
    this.across = new Taps(width);
    this.down = new Taps(height);
    this.matrix = new float[channels * channels];
    this.offset = new float[channels];
    this.back = new float[channels];
  }

  /** Values of one result: channels x height x width. */
  public int length() {
    return channels * height * width;
  }

  /** Height of the results in pixels. */
  public int height() {
    return height;
  }

  /** Width of the results in pixels. */
  public int width() {
    return width;
  }

  /**
   * Writes picture {@code index} as [channels, height, width] into {@code batch} from {@code
   * start}.
   *
   * @param seeds the seeds of this picture in this epoch
   */
  public void write(int index, Seeds seeds, float[] batch, int start) {
    Augmentation a = augmentation;
    SplittableRandom random = seeds.random();
    double zoom = a.minScale() * Math.pow(a.maxScale() / a.minScale(), random.nextDouble());
    double shiftX = a.translate() * signed(random) * pictures.width();
    double shiftY = a.translate() * signed(random) * pictures.height();
    boolean mirror = random.nextDouble() < 0.5 && a.flip();
    double brightness = 1 + a.brightness() * signed(random);
    double contrast = 1 + a.contrast() * signed(random);
    double saturation = 1 + a.saturation() * signed(random);
    double hue = Math.toRadians(a.hue() * signed(random));
    for (int c = 0; c < 3; c++) {
      float value = (float) random.nextDouble();
      if (c < channels) {
        int at = a.background().size() == 1 ? 0 : c;
        back[c] = a.randomBackground() ? value : a.background().get(at);
      }
    }
    pictures.read(index, source);
    double stepX = pictures.width() / (width * zoom);
    double stepY = pictures.height() / (height * zoom);
    across.set(pictures.width(), pictures.width() / 2.0 - shiftX, mirror ? -stepX : stepX);
    down.set(pictures.height(), pictures.height() / 2.0 - shiftY, stepY);
    colours(brightness, contrast, saturation, hue);
    sampleAcross();
    sampleDown();
    compose(batch, start);
  }

  private static double signed(SplittableRandom random) {
    return 2 * random.nextDouble() - 1;
  }

  private void sampleAcross() {
    int in = pictures.width();
    int lines = source.length / in;
    int[] first = across.first;
    int[] second = across.second;
    float[] w0 = across.firstWeight;
    float[] w1 = across.secondWeight;
    for (int line = 0; line < lines; line++) {
      int from = line * in;
      int to = line * width;
      for (int x = 0; x < width; x++) {
        rows[to + x] = w0[x] * source[from + first[x]] + w1[x] * source[from + second[x]];
      }
    }
  }

  private void sampleDown() {
    int plane = pictures.height() * width;
    for (int p = 0; p <= channels; p++) {
      for (int y = 0; y < height; y++) {
        int from0 = p * plane + down.first[y] * width;
        int from1 = p * plane + down.second[y] * width;
        float w0 = down.firstWeight[y];
        float w1 = down.secondWeight[y];
        int to = (p * height + y) * width;
        for (int x = 0; x < width; x++) {
          sampled[to + x] = w0 * rows[from0 + x] + w1 * rows[from1 + x];
        }
      }
    }
  }

  /** Sets {@code matrix} and {@code offset}: colour' = matrix colour + offset. */
  private void colours(double brightness, double contrast, double saturation, double hue) {
    float gain = (float) (brightness * contrast);
    float grey =
        contrast == 1 ? 0 : (float) ((1 - contrast) * brightness * meanGrey()); // a pass saved
    if (channels == 1) {
      matrix[0] = gain;
      offset[0] = grey;
      return;
    }
    float[] turn = hueTurn(hue);
    for (int r = 0; r < 3; r++) {
      float sum = 0;
      for (int c = 0; c < 3; c++) {
        sum += turn[r * 3 + c];
      }
      for (int c = 0; c < 3; c++) {
        double mixed = saturation * turn[r * 3 + c] + (1 - saturation) * LUMA[c] * sum;
        matrix[r * 3 + c] = (float) (gain * mixed);
      }
      offset[r] = grey * sum;
    }
  }

  /** The usual linear turn of colours about the grey axis that keeps luma. */
  private static float[] hueTurn(double angle) {
    float cos = (float) Math.cos(angle);
    float sin = (float) Math.sin(angle);
    float[] perpendicular = {
      -0.213f, -0.715f, 0.928f, 0.143f, 0.140f, -0.283f, -0.787f, 0.715f, 0.072f
    };
    float[] turn = new float[9];
    if (angle == 0) { // exact, so that no change leaves every value as it is
      turn[0] = 1;
      turn[4] = 1;
      turn[8] = 1;
      return turn;
    }
    for (int r = 0; r < 3; r++) {
      for (int c = 0; c < 3; c++) {
        float same = r == c ? 1 : 0;
        turn[r * 3 + c] = LUMA[c] + cos * (same - LUMA[c]) + sin * perpendicular[r * 3 + c];
      }
    }
    return turn;
  }

  /** Mean luma of the visible part of the source picture. */
  private double meanGrey() {
    int area = pictures.height() * pictures.width();
    double sum = 0;
    double alpha = 0;
    for (int i = 0; i < area; i++) {
      sum +=
          channels == 1
              ? source[i]
              : LUMA[0] * source[i] + LUMA[1] * source[i + area] + LUMA[2] * source[i + 2 * area];
      alpha += source[channels * area + i];
    }
    return alpha > 0 ? sum / alpha : 0;
  }

  private void compose(float[] batch, int start) {
    int area = height * width;
    int alphaAt = channels * area;
    for (int c = 0; c < channels; c++) {
      float scale = inverseStd[c];
      float shift = -mean[c] * scale;
      float ground = back[c];
      float add = offset[c];
      int to = start + c * area;
      if (channels == 1) {
        float gain = matrix[0];
        for (int i = 0; i < area; i++) {
          float alpha = sampled[alphaAt + i];
          float front = gain * sampled[i] + add * alpha;
          front = Math.max(0f, Math.min(alpha, front));
          batch[to + i] = (front + (1 - alpha) * ground) * scale + shift;
        }
      } else {
        float red = matrix[c * 3];
        float green = matrix[c * 3 + 1];
        float blue = matrix[c * 3 + 2];
        for (int i = 0; i < area; i++) {
          float alpha = sampled[alphaAt + i];
          float front =
              red * sampled[i]
                  + green * sampled[area + i]
                  + blue * sampled[2 * area + i]
                  + add * alpha;
          front = Math.max(0f, Math.min(alpha, front));
          batch[to + i] = (front + (1 - alpha) * ground) * scale + shift;
        }
      }
    }
  }
}
