package io.lapidary.io;

import io.lapidary.Check;
import java.awt.image.BufferedImage;
import java.util.Arrays;

/**
 * A picture as bytes.
 *
 * @param width in pixels
 * @param height in pixels
 * @param values red, green and blue of each pixel in [0, 255], row by row
 */
record PixelGrid(int width, int height, int[] values) {
  private static final int PRECISION = 32 - 8 - 2; // bits after the point of Pillow's weights

  PixelGrid {
    Check.positive("width", width);
    Check.positive("height", height);
    Check.that(values.length == 3 * width * height, "three values per pixel are needed");
  }

  /** Red, green and blue of a picture; transparency is dropped, as in a conversion to RGB. */
  static PixelGrid of(BufferedImage picture) {
    int width = picture.getWidth();
    int height = picture.getHeight();
    int[] values = new int[3 * width * height];
    if (picture.getType() == BufferedImage.TYPE_BYTE_GRAY) { // getRGB would change its gamma
      int[] grey = picture.getRaster().getSamples(0, 0, width, height, 0, (int[]) null);
      Arrays.setAll(values, i -> grey[i / 3]);
      return new PixelGrid(width, height, values);
    }
    int[] packed = picture.getRGB(0, 0, width, height, null, 0, width);
    for (int i = 0; i < packed.length; i++) {
      values[3 * i] = packed[i] >> 16 & 0xff;
      values[3 * i + 1] = packed[i] >> 8 & 0xff;
      values[3 * i + 2] = packed[i] & 0xff;
    }
    return new PixelGrid(width, height, values);
  }

  /** The rectangle from (left, top); black where it reaches beyond the picture. */
  PixelGrid crop(int left, int top, int wide, int high) {
    int[] cut = new int[3 * wide * high];
    int from = Math.max(0, left);
    int to = Math.min(width, left + wide);
    for (int y = Math.max(0, -top); y < Math.min(high, height - top) && from < to; y++) {
      System.arraycopy(
          values,
          3 * ((top + y) * width + from),
          cut,
          3 * (y * wide + from - left),
          3 * (to - from));
    }
    return new PixelGrid(wide, high, cut);
  }

  /** The picture in the middle of a square of one colour. */
  PixelGrid padToSquare(int[] colour) {
    int side = Math.max(width, height);
    int left = (side - width) / 2;
    int top = (side - height) / 2;
    int[] padded = new int[3 * side * side];
    for (int i = 0; i < padded.length; i++) {
      padded[i] = colour[i % 3];
    }
    for (int y = 0; y < height; y++) {
      System.arraycopy(values, 3 * y * width, padded, 3 * ((top + y) * side + left), 3 * width);
    }
    return new PixelGrid(side, side, padded);
  }

  /**
   * Resize as in Pillow: the filter grows with the reduction, rows first, bytes between the passes,
   * weights of fixed point.
   */
  PixelGrid resize(int wide, int high, Resampling filter) {
    PixelGrid across = wide == width ? this : resizeRows(wide, filter);
    return high == height ? across : across.transposed().resizeRows(high, filter).transposed();
  }

  private PixelGrid transposed() {
    int[] turned = new int[values.length];
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        System.arraycopy(values, 3 * (y * width + x), turned, 3 * (x * height + y), 3);
      }
    }
    return new PixelGrid(height, width, turned);
  }

  private PixelGrid resizeRows(int wide, Resampling filter) {
    int[] resized = new int[3 * wide * height];
    double scale = (double) width / wide;
    double stretch = Math.max(scale, 1);
    double support = filter.reach() * stretch;
    double added = 0.5 * scale; // the centre with the rounding that Pillow's nearest has
    for (int x = 0; x < wide; x++) {
      double centre = (x + 0.5) * scale;
      boolean nearest = filter == Resampling.NEAREST;
      int from = nearest ? (int) added : Math.max(0, (int) (centre - support + 0.5));
      int to = nearest ? from + 1 : Math.min(width, (int) (centre + support + 0.5));
      added += scale;
      int[] weights = weights(filter, from, to, centre, stretch);
      for (int y = 0; y < height; y++) {
        for (int c = 0; c < 3; c++) {
          int sum = 1 << (PRECISION - 1);
          for (int i = from; i < to; i++) {
            sum += values[3 * (y * width + i) + c] * weights[i - from];
          }
          resized[3 * (y * wide + x) + c] = Math.max(0, Math.min(255, sum >> PRECISION));
        }
      }
    }
    return new PixelGrid(wide, height, resized);
  }

  /** Weights of the pixels from..to for a result at {@code centre}, summing to 1. */
  private static int[] weights(Resampling filter, int from, int to, double centre, double stretch) {
    double[] weights = new double[to - from];
    for (int i = 0; i < weights.length; i++) {
      weights[i] = filter.weight((i + from - centre + 0.5) / stretch);
    }
    double total = Arrays.stream(weights).sum();
    int[] fixed = new int[weights.length];
    for (int i = 0; i < fixed.length; i++) {
      double scaled = weights[i] / total * (1 << PRECISION);
      fixed[i] = (int) (scaled < 0 ? scaled - 0.5 : scaled + 0.5);
    }
    return fixed;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof PixelGrid grid
        && grid.width == width
        && grid.height == height
        && Arrays.equals(grid.values, values);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(values);
  }

  @Override
  public String toString() {
    return width + "x" + height + " pixels";
  }
}
