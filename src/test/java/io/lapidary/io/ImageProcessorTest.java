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

  /** Checksums of what Pillow 12.3 gives for the same pictures with each of its filters. */
  @ParameterizedTest
  @CsvSource({
    "0,23,17,8,8,3871895799",
    "0,5,4,9,7,2686963113",
    "0,40,12,13,12,3888047863",
    "0,7,7,7,3,1744772908",
    "0,64,48,16,12,2257451401",
    "0,3,50,5,20,709424819",
    "1,23,17,8,8,3864103199",
    "1,5,4,9,7,251942781",
    "1,40,12,13,12,1747753952",
    "1,7,7,7,3,1340195608",
    "1,64,48,16,12,3977508200",
    "1,3,50,5,20,915844839",
    "2,23,17,8,8,3041791855",
    "2,5,4,9,7,1530960722",
    "2,40,12,13,12,994285744",
    "2,7,7,7,3,2656865181",
    "2,64,48,16,12,3849754418",
    "2,3,50,5,20,3249191234",
    "3,23,17,8,8,167726532",
    "3,5,4,9,7,855387256",
    "3,40,12,13,12,303567415",
    "3,7,7,7,3,2365516210",
    "3,64,48,16,12,3006330003",
    "3,3,50,5,20,4122216353",
    "4,23,17,8,8,1144239597",
    "4,5,4,9,7,2577306097",
    "4,40,12,13,12,4077438145",
    "4,7,7,7,3,3278430840",
    "4,64,48,16,12,1380275977",
    "4,3,50,5,20,709661129",
    "5,23,17,8,8,1754092860",
    "5,5,4,9,7,2759738656",
    "5,40,12,13,12,1414457116",
    "5,7,7,7,3,35279463",
    "5,64,48,16,12,4258222336",
    "5,3,50,5,20,2003768257"
  })
  void resizesLikePillow(int filter, int width, int height, int wide, int high, long checksum) {
    PixelGrid resized =
        PixelGrid.of(picture(width, height)).resize(wide, high, Resampling.of(filter, "test"));
    CRC32 crc = new CRC32();
    Arrays.stream(resized.values()).forEach(crc::update);
    assertThat(crc.getValue()).isEqualTo(checksum);
    if (width == 23 && filter == 3) {
      assertThat(Arrays.copyOf(resized.values(), 6)).containsExactly(44, 24, 15, 157, 100, 59);
    }
  }

  /** Sum, and the pixels (2, 1) and (last, last), of what transformers 5.18 gives with Pillow. */
  @Test
  void processesLikeThePythonLibrary() throws IOException {
    golden(
        """
        {"image_processor_type": "ViTImageProcessor", "size": {"height": 16, "width": 16}}""",
        16,
        -8.188213527202606,
        new double[] {0.23137259, 0.00392163, 0.06666672, -0.39607841, -0.04313725, -0.02745098});
    golden(
        """
        {"image_processor_type": "BitImageProcessor", "size": {"shortest_edge": 32},
         "crop_size": {"height": 28, "width": 28}}""",
        28,
        407.52888680330943,
        new double[] {-0.87256163, 0.15388943, 0.52480966, 0.30991095, 0.51407593, 1.12205243});
    golden(
        """
        {"image_processor_type": "ConvNextImageProcessor", "size": {"shortest_edge": 28},
         "crop_pct": 0.875}""",
        28,
        -18.729364275932312,
        new double[] {-0.50588238, -0.00392157, 0.10588241, 0.12941182, 0.18431377, 0.43529415});
    golden(
        """
        {"image_processor_type": "CLIPImageProcessor", "size": {"shortest_edge": 12},
         "crop_size": {"height": 17, "width": 17}}""",
        17,
        -389.78753994894214,
        new double[] {
          -1.79226255, -1.75209713, -1.48021984, -1.79226255, -1.75209713, -1.48021984
        });
    golden(
        """
        {"image_processor_type": "SiglipImageProcessor", "size": {"height": 20, "width": 20}}""",
        20,
        -13.490168333053589,
        new double[] {0.5529412, 0.44313729, 0.30196083, -0.62352943, 0.11372554, 0.00392162});
  }

  private void golden(String json, int side, double sum, double[] corners) throws IOException {
    try (INDArray pixels = read(json).process(List.of(picture(37, 50)))) {
      assertThat(pixels.shape()).as(json).containsExactly(1, 3, side, side);
      double total = 0;
      for (float value : pixels.data().asFloat()) {
        total += value;
      }
      assertThat(total).as(json).isCloseTo(sum, within(1e-3));
      for (int c = 0; c < 3; c++) {
        assertThat(pixels.getDouble(0, c, 1, 2)).as(json).isCloseTo(corners[c], within(1e-5));
        assertThat(pixels.getDouble(0, c, side - 1, side - 1))
            .as(json)
            .isCloseTo(corners[3 + c], within(1e-5));
      }
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
    assertThat(ImageProcessor.siglip(8).square(wide))
        .isEqualTo(wide.resize(8, 8, Resampling.BICUBIC));
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
    assertThat(read("{\"size\": 224, \"resample\": 2}").filter()).isEqualTo(2);
    ImageProcessor crop = read("{\"do_resize\": false, \"crop_size\": 24}");
    assertThat(crop.fit()).isEqualTo(ImageProcessor.Fit.CROP);
    assertThat(crop.square(PixelGrid.of(picture(30, 26))))
        .isEqualTo(PixelGrid.of(picture(30, 26)).crop(3, 1, 24, 24));
    ImageProcessor as = read("{\"do_resize\": false, \"size\": 24}");
    assertThatThrownBy(() -> as.square(PixelGrid.of(picture(30, 24))))
        .hasMessageContaining("24 by 24");
    assertThatThrownBy(() -> read("{\"size\": 224, \"resample\": 6}"))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("resample must be 0 to 5, found 6");
    assertThatThrownBy(() -> read("{\"size\": 224, \"rescale_factor\": 0.5}"))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("rescale_factor");
    assertThatThrownBy(() -> read("{\"size\": {\"height\": 384, \"width\": 300}}"))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("size must be a square");
    assertThat(
            read("{\"size\": {\"shortest_edge\": 256}, \"crop_size\": {\"height\": 224}}")
                .resized())
        .isEqualTo(256);
    assertThatThrownBy(
            () -> read("{\"size\": {\"shortest_edge\": 256}, \"do_center_crop\": false}"))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("expected a square");
  }

  private ImageProcessor read(String json) throws IOException {
    Path file = temporary.resolve("preprocessor_config.json");
    Files.writeString(file, json);
    return ImageProcessor.read(file);
  }
}
