package io.lapidary.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.lapidary.InputException;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.zip.CRC32;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.api.ndarray.INDArray;

class ImageProcessorTest {
  @TempDir Path temporary;

  private static BufferedImage picture(int width, int height) {
    BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        int red = (x * 37 + y * 11) % 256;
        int green = (x * x * 5 + y * 29) % 256;
        int blue = (x * y * 13 + 7 * x) % 256;
        image.setRGB(x, y, red << 16 | green << 8 | blue);
      }
    }
    return image;
  }

  /** Checksums of what Pillow 12.3 gives for the same pictures with Image.BICUBIC. */
  @ParameterizedTest
  @CsvSource({
    "23,17,8,8,167726532",
    "5,4,9,7,855387256",
    "40,12,13,12,303567415",
    "7,7,7,3,2365516210",
    "64,48,16,12,3006330003",
    "3,50,5,20,4122216353"
  })
  void resizesLikePillow(int width, int height, int wide, int high, long checksum) {
    PixelGrid resized = PixelGrid.of(picture(width, height)).resize(wide, high);
    CRC32 crc = new CRC32();
    Arrays.stream(resized.values()).forEach(crc::update);
    assertThat(crc.getValue()).isEqualTo(checksum);
    if (width == 23) {
      assertThat(Arrays.copyOf(resized.values(), 6)).containsExactly(44, 24, 15, 157, 100, 59);
    }
  }

  @Test
  void normalisesEveryChannel() {
    BufferedImage grey = new BufferedImage(9, 12, BufferedImage.TYPE_INT_RGB);
    for (int i = 0; i < 9 * 12; i++) {
      grey.setRGB(i % 9, i / 9, 0x336699);
    }
    try (INDArray pixels = ImageProcessor.clip(6).process(List.of(grey, grey))) {
      assertThat(pixels.shape()).containsExactly(2, 3, 6, 6);
      assertThat(pixels.getDouble(1, 0, 5, 5))
          .isCloseTo((0x33 / 255.0 - 0.48145466) / 0.26862954, within(1e-6));
      assertThat(pixels.getDouble(0, 1, 0, 0))
          .isCloseTo((0x66 / 255.0 - 0.4578275) / 0.26130258, within(1e-6));
      assertThat(pixels.getDouble(0, 2, 3, 2))
          .isCloseTo((0x99 / 255.0 - 0.40821073) / 0.27577711, within(1e-6));
    }
  }

  @Test
  void cropsTheMiddleAndPadsToASquare() {
    PixelGrid wide = PixelGrid.of(picture(21, 8));
    assertThat(ImageProcessor.clip(8).square(wide)).isEqualTo(wide.crop(6, 0, 8, 8));
    PixelGrid tall = PixelGrid.of(picture(5, 8));
    PixelGrid padded = ImageProcessor.llava(8).square(tall);
    assertThat(padded.crop(1, 0, 5, 8)).isEqualTo(tall);
    assertThat(Arrays.copyOf(padded.values(), 3)).containsExactly(122, 116, 104);
    assertThat(ImageProcessor.siglip(8).square(wide)).isEqualTo(wide.resize(8, 8));
  }

  @Test
  void readsPreprocessorConfigs() throws IOException {
    assertThat(
            read(
                "{\"size\": {\"shortest_edge\": 224}, \"crop_size\": {\"height\": 224, \"width\":"
                    + " 224}, \"do_center_crop\": true, \"resample\": 3}"))
        .isEqualTo(ImageProcessor.clip(224));
    assertThat(read("{\"size\": 224, \"crop_size\": 224}")).isEqualTo(ImageProcessor.clip(224));
    assertThat(
            read(
                "{\"size\": {\"height\": 384, \"width\": 384}, \"image_mean\": [0.5, 0.5, 0.5],"
                    + " \"image_std\": [0.5, 0.5, 0.5]}"))
        .isEqualTo(ImageProcessor.siglip(384));
    assertThatThrownBy(() -> read("{\"size\": 224, \"resample\": 2}"))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("resample must be 3 (bicubic), found 2");
    assertThatThrownBy(() -> read("{\"size\": {\"height\": 384, \"width\": 300}}"))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("size must be a square");
    assertThatThrownBy(
            () -> read("{\"size\": {\"shortest_edge\": 256}, \"crop_size\": {\"height\": 224}}"))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("found size");
  }

  private ImageProcessor read(String json) throws IOException {
    Path file = temporary.resolve("preprocessor_config.json");
    Files.writeString(file, json);
    return ImageProcessor.read(file);
  }
}
