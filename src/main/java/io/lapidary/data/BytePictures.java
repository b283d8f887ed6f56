package io.lapidary.data;

import io.lapidary.Check;
import java.util.Objects;

/** Opaque pictures as bytes [size, channels, height, width]. */
record BytePictures(int size, int channels, int height, int width, byte[] data)
    implements Pictures {
  BytePictures {
    Check.that(
        (long) size * channels * height * width == data.length,
        "%d pictures of %dx%dx%d need another length than %d bytes",
        size,
        channels,
        height,
        width,
        data.length);
  }

  @Override
  public void read(int index, float[] planes) {
    Objects.checkIndex(index, size);
    int area = height * width;
    int length = channels * area;
    int from = index * length;
    for (int i = 0; i < length; i++) {
      planes[i] = (data[from + i] & 0xff) / 255f;
    }
    java.util.Arrays.fill(planes, length, length + area, 1f);
  }
}
