package io.lapidary.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lapidary.InputException;
import io.lapidary.data.Emoji.Vendor;
import java.awt.Transparency;
import java.awt.color.ColorSpace;
import java.awt.image.BufferedImage;
import java.awt.image.ComponentColorModel;
import java.awt.image.DataBuffer;
import java.awt.image.IndexColorModel;
import java.awt.image.WritableRaster;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import javax.imageio.ImageIO;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.commons.compress.compressors.gzip.GzipCompressorOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Builds from small packages of the published form. */
class EmojiBuilderTest {
  private static final String TABLE =
      """
      [
       {"name": "MAN IN TUXEDO", "unified": "1F935", "image": "b.png", "short_name": "person_in_tuxedo",
        "short_names": ["person_in_tuxedo"], "category": "People & Body", "subcategory": "person-role",
        "sort_order": 2, "has_img_google": true, "has_img_twitter": true,
        "skin_variations": {
         "1F3FF-1F3FB": {"unified": "1F935-X", "image": "c.png", "has_img_google": true, "has_img_twitter": false},
         "1F3FD": {"unified": "1F935-1F3FD", "image": "d.png", "has_img_google": true, "has_img_twitter": true}}},
       {"name": "MAN IN TUXEDO", "unified": "1F936", "image": "e.png", "short_name": "man_in_tuxedo",
        "short_names": ["man_in_tuxedo"], "category": "People & Body", "subcategory": "person-role",
        "sort_order": 3, "has_img_google": true, "has_img_twitter": true},
       {"name": "KISS: A, B", "unified": "1F600", "image": "a.png", "short_name": "kiss",
        "short_names": ["kiss", "xo"], "category": "Smileys", "subcategory": "face",
        "sort_order": 1, "has_img_google": true, "has_img_twitter": true,
        "skin_variations": {
         "1F3FB": {"unified": "1F600-1F3FB", "image": "f.png", "has_img_google": true, "has_img_twitter": true}}}
      ]
      """;

  @TempDir Path folder;

  @BeforeEach
  void packages() throws IOException {
    for (Vendor vendor : Vendor.values()) {
      Path root = Files.createDirectories(folder.resolve(vendor.id()));
      Path pictures = Files.createDirectories(root.resolve("img/" + vendor.id() + "/64"));
      Files.writeString(root.resolve("emoji.json"), TABLE);
      Files.writeString(
          root.resolve("package.json"),
          "{\"name\": \"emoji-datasource-" + vendor.id() + "\", \"version\": \"0.0.1\"}");
      for (String name : List.of("a", "b", "c", "d", "e", "f")) {
        int value = 40 * (name.charAt(0) - 'a') + vendor.ordinal();
        ImageIO.write(colour(value), "png", pictures.resolve(name + ".png").toFile());
      }
    }
    Path google = folder.resolve("google/img/google/64");
    ImageIO.write(greyAlpha(), "png", google.resolve("b.png").toFile());
    ImageIO.write(palette(), "png", google.resolve("d.png").toFile());
    ImageIO.write(colour(0), "png", google.resolve("e.png").toFile()); // the same as a.png
    Files.delete(folder.resolve("twitter/img/twitter/64/c.png"));
  }

  @Test
  void buildsTheTableAndTheSheets() {
    Path out = folder.resolve("out");
    DatasetManifest manifest =
        EmojiBuilder.build(folder.resolve("google"), folder.resolve("twitter"), out);
    assertThat(manifest.version()).isEqualTo("0.0.1");
    assertThat(DatasetManifest.read(out)).isEqualTo(manifest);
    EmojiDataset data = EmojiDataset.open(out);
    assertThat(data.all())
        .extracting(Emoji::name)
        .containsExactly(
            "kiss: a, b",
            "kiss: a, b, light skin tone",
            "person in tuxedo",
            "person in tuxedo: medium skin tone",
            "person in tuxedo: dark skin tone, light skin tone",
            "man in tuxedo");
    assertThat(data.all()).extracting(Emoji::concept).containsExactly(0, 0, 2, 2, 2, 5);
    assertThat(data.all()).extracting(Emoji::group).containsExactly(0, 0, 2, 2, 2, 0);
    assertThat(data.get(4).tone()).isEqualTo("dark;light");
    assertThat(data.get(4).has(Vendor.TWITTER)).isFalse();
    assertThat(data.get(1).shortNames()).containsExactly("kiss", "xo");
    assertThatThrownBy(() -> data.rgba(4, Vendor.TWITTER)).hasMessageContaining("no picture");

    assertThat(pixel(data, 1, Vendor.TWITTER)).containsExactly(201, 201, 0, 255);
    assertThat(pixel(data, 2, Vendor.GOOGLE)).containsExactly(100, 100, 100, 128); // grey as stored
    assertThat(pixel(data, 3, Vendor.GOOGLE)).containsExactly(10, 20, 30, 255);
    assertThat(EmojiSplit.vendorTransfer(data, Vendor.GOOGLE, e -> true).test()).hasSize(5);
  }

  @Test
  void anArchiveGivesTheSameFiles() throws Exception {
    EmojiBuilder.build(folder.resolve("google"), folder.resolve("twitter"), folder.resolve("out"));
    EmojiBuilder.build(tgz("google"), tgz("twitter"), folder.resolve("again"));
    for (String name : List.of("emoji.csv", "google.png", "twitter.png")) {
      assertThat(folder.resolve("again").resolve(name))
          .hasSameBinaryContentAs(folder.resolve("out").resolve(name));
    }
    assertThat(DatasetManifest.read(folder.resolve("again")).sources())
        .allMatch(s -> s.contains("@0.0.1 sha512-"));
  }

  /** Half-transparent areas must not mix in the colours of invisible pixels. */
  @Test
  void shrinksByAlphaWeightedAreas() {
    byte[] rgba = new byte[2 * 2 * 4];
    put(rgba, 0, 200, 100, 50, 255);
    put(rgba, 1, 0, 255, 0, 0);
    put(rgba, 2, 100, 100, 50, 255);
    put(rgba, 3, 9, 9, 9, 0);
    assertThat(new Png(2, 2, rgba).shrink(2).rgba())
        .containsExactly(150, 100, 50, 128); // 510 / 4 = 127.5
    byte[] clear = new byte[16];
    Arrays.fill(clear, 0, 3, (byte) 77);
    assertThat(new Png(2, 2, clear).shrink(2).rgba()).containsOnly(0);
    assertThat(Png.decode(new Png(2, 2, rgba).encode(), "x").rgba()).isEqualTo(rgba);
  }

  @Test
  void namesWhatIsWrong() throws Exception {
    Path google = folder.resolve("google");
    Path twitter = folder.resolve("twitter");
    Path out = folder.resolve("out");
    assertThatThrownBy(() -> EmojiBuilder.build(folder.resolve("none.tgz"), twitter, out))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("npm pack emoji-datasource-google");
    assertThatThrownBy(() -> EmojiBuilder.build(twitter, google, out))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("expected the package emoji-datasource-google");
    Path junk = Files.write(folder.resolve("junk.tgz"), new byte[20]);
    assertThatThrownBy(() -> EmojiBuilder.build(junk, twitter, out))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("junk.tgz");
    Path png = google.resolve("img/google/64/a.png");
    Files.write(png, Arrays.copyOf(Files.readAllBytes(png), 40));
    assertThatThrownBy(() -> EmojiBuilder.build(google, twitter, out))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("a.png");
    ImageIO.write(new BufferedImage(60, 64, BufferedImage.TYPE_4BYTE_ABGR), "png", png.toFile());
    assertThatThrownBy(() -> EmojiBuilder.build(google, twitter, out))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("found 60x64");
    Files.delete(png);
    assertThatThrownBy(() -> EmojiBuilder.build(google, twitter, out))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("holds no img/google/64/a.png");
    Files.writeString(twitter.resolve("emoji.json"), TABLE + " ");
    assertThatThrownBy(() -> EmojiBuilder.build(google, twitter, out))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("emoji.json differs");
    // a changed package under the name of the published one
    Files.writeString(
        google.resolve("package.json"),
        "{\"name\": \"emoji-datasource-google\", \"version\": \"16.0.0\"}");
    assertThatThrownBy(() -> EmojiBuilder.build(tgz("google"), twitter, out))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("integrity");
    assertThat(out).doesNotExist();
  }

  private static int[] pixel(EmojiDataset data, int index, Vendor vendor) {
    byte[] rgba = data.rgba(index, vendor);
    int centre = (16 * 32 + 16) * 4;
    return new int[] {
      rgba[centre] & 0xff, rgba[centre + 1] & 0xff, rgba[centre + 2] & 0xff, rgba[centre + 3] & 0xff
    };
  }

  private static void put(byte[] rgba, int at, int... values) {
    for (int c = 0; c < 4; c++) {
      rgba[at * 4 + c] = (byte) values[c];
    }
  }

  private static BufferedImage colour(int value) {
    BufferedImage image = new BufferedImage(64, 64, BufferedImage.TYPE_4BYTE_ABGR);
    for (int i = 0; i < 4096; i++) {
      image.setRGB(i % 64, i / 64, 0xff000000 | value << 16 | value << 8);
    }
    return image;
  }

  private static BufferedImage greyAlpha() {
    ComponentColorModel model =
        new ComponentColorModel(
            ColorSpace.getInstance(ColorSpace.CS_GRAY),
            true,
            false,
            Transparency.TRANSLUCENT,
            DataBuffer.TYPE_BYTE);
    WritableRaster raster = model.createCompatibleWritableRaster(64, 64);
    for (int i = 0; i < 4096; i++) {
      raster.setPixel(i % 64, i / 64, new int[] {100, 128});
    }
    return new BufferedImage(model, raster, false, null);
  }

  private static BufferedImage palette() {
    byte[] red = {0, 10};
    byte[] green = {0, 20};
    byte[] blue = {0, 30};
    IndexColorModel model = new IndexColorModel(1, 2, red, green, blue, 0);
    BufferedImage image = new BufferedImage(64, 64, BufferedImage.TYPE_BYTE_BINARY, model);
    for (int i = 0; i < 4096; i++) {
      image.getRaster().setSample(i % 64, i / 64, 0, 1);
    }
    return image;
  }

  private Path tgz(String vendor) throws IOException {
    Path root = folder.resolve(vendor);
    Path archive = folder.resolve(vendor + ".tgz");
    try (TarArchiveOutputStream tar =
            new TarArchiveOutputStream(
                new GzipCompressorOutputStream(Files.newOutputStream(archive)),
                StandardCharsets.UTF_8.name());
        var files = Files.walk(root)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        tar.putArchiveEntry(
            new TarArchiveEntry(
                file.toFile(), "package/" + root.relativize(file).toString().replace('\\', '/')));
        Files.copy(file, tar);
        tar.closeArchiveEntry();
      }
    }
    return archive;
  }
}
