package io.lapidary.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.lapidary.InputException;
import io.lapidary.Seeds;
import io.lapidary.data.Emoji.Vendor;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.ndarray.INDArray;

class EmojiDatasetTest {
  private static EmojiDataset data;

  @BeforeAll
  static void open() {
    data = EmojiDataset.open();
  }

  @Test
  void holdsAllEmojiOfTheVersion() {
    assertThat(data.size()).isEqualTo(3786);
    assertThat(data.all().stream().filter(Emoji::base)).hasSize(1911);
    assertThat(data.categories()).hasSize(10);
    assertThat(data.subcategories()).hasSize(99);
    assertThat(data.all().stream().map(Emoji::name).collect(Collectors.toSet())).hasSize(3786);
    Emoji thumb = named("thumbs up sign: medium skin tone");
    assertThat(thumb.shortNames()).containsExactly("+1", "thumbsup");
    assertThat(thumb.tone()).isEqualTo("medium");
    assertThat(data.get(thumb.concept()).name()).isEqualTo("thumbs up sign");
    assertThat(data.subcategories().get(data.subcategory(thumb.index())))
        .isEqualTo("hand-fingers-closed");
  }

  @Test
  void pixelsMatchTheRecordedContent() {
    for (Vendor vendor : Vendor.values()) {
      byte[] sheet = new byte[60 * 32 * 2048 * 4];
      for (int i = 0; i < data.size(); i++) {
        byte[] tile = data.rgba(i, vendor);
        for (int y = 0; y < 32; y++) {
          System.arraycopy(tile, y * 128, sheet, EmojiBuilder.offset(i, y), 128);
        }
      }
      DatasetManifest.File file = data.manifest().file(Path.of(""), vendor.id() + ".png");
      assertThat(Hashes.sha256(sheet)).isEqualTo(file.contentSha256());
    }
  }

  @Test
  void compositesOverABackground() {
    Emoji heart = named("heavy black heart");
    float[] image = data.image(heart.index(), Vendor.TWITTER, 0.25f, 0.5f, 0.75f);
    assertThat(image[0]).isEqualTo(0.25f); // corners are transparent
    assertThat(image[1024]).isEqualTo(0.5f);
    assertThat(image[2048]).isEqualTo(0.75f);
    int centre = 16 * 32 + 16; // Twemoji red is 221, 46, 68
    assertThat(image[centre]).isCloseTo(221 / 255f, within(1e-5f));
    assertThat(image[1024 + centre]).isCloseTo(46 / 255f, within(1e-5f));
    assertThat(image[2048 + centre]).isCloseTo(68 / 255f, within(1e-5f));
    try (INDArray batch =
        data.images(List.of(new EmojiExample(heart.index(), Vendor.TWITTER)), 0.25f, 0.5f, 0.75f)) {
      assertThat(batch.shape()).containsExactly(1, 3, 32, 32);
      assertThat(batch.reshape(3072).toFloatVector()).isEqualTo(image);
    }
  }

  @Test
  void vendorTransferHoldsEveryEmojiOnBothSides() {
    EmojiSplit split = EmojiSplit.vendorTransfer(data, Vendor.TWITTER, Emoji::base);
    assertThat(split.train()).hasSize(1911).allMatch(e -> e.vendor() == Vendor.TWITTER);
    assertThat(split.test()).hasSize(1911).allMatch(e -> e.vendor() == Vendor.GOOGLE);
    assertThat(split.train().stream().map(EmojiExample::emoji).toList())
        .isEqualTo(split.test().stream().map(EmojiExample::emoji).toList());
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void heldOutConceptsAreNeverSeen(long seed) {
    EmojiSplit split = EmojiSplit.heldOut(data, 0.2, new Seeds(seed), e -> true);
    assertThat(split).isEqualTo(EmojiSplit.heldOut(data, 0.2, new Seeds(seed), e -> true));
    assertThat(split.test())
        .isNotEqualTo(EmojiSplit.heldOut(data, 0.2, new Seeds(seed + 7), e -> true).test());
    assertThat(split.train().size() + split.test().size()).isEqualTo(2 * 3786);
    Set<Integer> trained = groups(split.train());
    assertThat(groups(split.test())).doesNotContainAnyElementsOf(trained);
    Set<String> pictures = new HashSet<>();
    split.train().forEach(e -> pictures.add(picture(e)));
    assertThat(split.test()).noneMatch(e -> pictures.contains(picture(e)));

    Map<String, Long> seen = bySubcategory(split.train());
    assertThat(seen).hasSize(99);
    Map<String, Long> held = bySubcategory(split.test());
    assertThat(held).containsKeys("animal-mammal", "country-flag");
    assertThat(held.get("animal-mammal")).isEqualTo(2 * 13L); // 66 base forms without variants
    assertThat(held.size()).isGreaterThan(90);
  }

  @Test
  void namesTheDamage(@TempDir Path folder) throws Exception {
    assertThatThrownBy(() -> EmojiDataset.open(folder.resolve("none")))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("no such folder");
    assertThatThrownBy(() -> EmojiDataset.open(folder))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("dataset.json");
    Path shipped = DataHome.find().dataset("emoji");
    for (String name : List.of("emoji.csv", "google.png", "dataset.json")) {
      Files.copy(shipped.resolve(name), folder.resolve(name));
    }
    assertThatThrownBy(() -> EmojiDataset.open(folder))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("twitter.png: missing");
    byte[] bytes = Files.readAllBytes(shipped.resolve("twitter.png"));
    bytes[bytes.length / 2] ^= 1;
    Files.write(folder.resolve("twitter.png"), bytes);
    assertThatThrownBy(() -> EmojiDataset.open(folder))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("twitter.png: sha256");
    Files.writeString(folder.resolve("dataset.json"), "{\"name\": 3");
    assertThatThrownBy(() -> EmojiDataset.open(folder))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("not a data set manifest");
    Files.writeString(folder.resolve("dataset.json"), "{\"name\": \"emoji\"}");
    assertThatThrownBy(() -> EmojiDataset.open(folder)).isInstanceOf(InputException.class);
  }

  @Test
  void findsTheHomeFolder(@TempDir Path folder) throws Exception {
    Path below = Files.createDirectories(folder.resolve("a/b"));
    assertThatThrownBy(() -> DataHome.find(null, null, below))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("lapidary.home");
    assertThatThrownBy(() -> DataHome.find(below.toString(), null, below))
        .isInstanceOf(InputException.class)
        .hasMessageContaining(below.toString());
    Files.createDirectories(folder.resolve("datasets/emoji"));
    assertThat(DataHome.find(null, null, below).folder()).isEqualTo(folder);
    assertThat(DataHome.find(folder.toString(), "/kept", Path.of("/")).cache())
        .isEqualTo(Path.of("/kept"));
    assertThat(DataHome.find(null, " ", below).cache())
        .isEqualTo(folder.resolve("datasets/.cache"));
  }

  private static Emoji named(String name) {
    return data.all().stream().filter(e -> e.name().equals(name)).findFirst().orElseThrow();
  }

  private static String picture(EmojiExample e) {
    return e.vendor() + Hashes.sha256(data.rgba(e.emoji(), e.vendor()));
  }

  private static Set<Integer> groups(List<EmojiExample> examples) {
    return examples.stream().map(e -> data.get(e.emoji()).group()).collect(Collectors.toSet());
  }

  private static Map<String, Long> bySubcategory(List<EmojiExample> examples) {
    return examples.stream()
        .collect(
            Collectors.groupingBy(e -> data.get(e.emoji()).subcategory(), Collectors.counting()));
  }
}
