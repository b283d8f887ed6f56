package io.lapidary.data;

import io.lapidary.Check;
import io.lapidary.InputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * The shipped emoji set: names, categories and two vendors' 32x32 pictures with transparency.
 * Immutable for its users and safe to share between threads.
 */
public final class EmojiDataset {
  /** Side of a picture in pixels. */
  public static final int SIZE = EmojiBuilder.TILE;

  private static final int AREA = SIZE * SIZE;

  private final Path folder;
  private final DatasetManifest manifest;
  private final List<Emoji> emoji;
  private final Map<String, Integer> categories = new LinkedHashMap<>();
  private final Map<String, Integer> subcategories = new LinkedHashMap<>();
  private final Map<Emoji.Vendor, Png> sheets = new EnumMap<>(Emoji.Vendor.class);

  private EmojiDataset(Path folder, DatasetManifest manifest) {
    this.folder = folder;
    this.manifest = manifest;
    manifest.verifyAll(folder);
    this.emoji = EmojiTable.read(manifest.verified(folder, EmojiBuilder.TABLE));
    for (Emoji.Vendor vendor : Emoji.Vendor.values()) {
      manifest.file(folder, EmojiBuilder.sheetName(vendor));
    }
    for (Emoji e : emoji) {
      categories.putIfAbsent(e.category(), categories.size());
      subcategories.putIfAbsent(e.subcategory(), subcategories.size());
    }
  }

  /**
   * Opens the shipped set, see {@link DataHome}.
   *
   * @throws InputException when it is missing or a file differs from its checksum
   */
  public static EmojiDataset open() {
    return open(DataHome.find().dataset("emoji"));
  }

  /** Opens a set in a folder as {@link EmojiBuilder} writes it. */
  public static EmojiDataset open(Path folder) {
    if (!Files.isDirectory(folder)) {
      throw InputException.of(
          "%s: no such folder; expected the emoji data set (emoji.csv, google.png, twitter.png)",
          folder);
    }
    return new EmojiDataset(folder, DatasetManifest.read(folder));
  }

  /** Name, version, licence, sources and checksums. */
  public DatasetManifest manifest() {
    return manifest;
  }

  /** How many emoji, variants counted. */
  public int size() {
    return emoji.size();
  }

  /** One emoji. */
  public Emoji get(int index) {
    return emoji.get(index);
  }

  /** All emoji in index order. */
  public List<Emoji> all() {
    return emoji;
  }

  /** Category names; a category's number is its place here. */
  public List<String> categories() {
    return List.copyOf(categories.keySet());
  }

  /** Subcategory names; a subcategory's number is its place here. */
  public List<String> subcategories() {
    return List.copyOf(subcategories.keySet());
  }

  /** The number of an emoji's category. */
  public int category(int index) {
    return categories.get(get(index).category());
  }

  /** The number of an emoji's subcategory. */
  public int subcategory(int index) {
    return subcategories.get(get(index).subcategory());
  }

  /** Straight RGBA bytes of one picture, [32, 32, 4]. */
  public byte[] rgba(int index, Emoji.Vendor vendor) {
    checkDrawn(index, vendor);
    return EmojiBuilder.tile(sheet(vendor), index);
  }

  /**
   * One picture over a plain background.
   *
   * @param background red, green, blue in [0, 1]
   * @return [3, 32, 32] row by row, values in [0, 1]
   */
  public float[] image(int index, Emoji.Vendor vendor, float... background) {
    Check.that(background.length == 3, "background needs 3 values, got %d", background.length);
    float[] planes = new float[4 * AREA];
    read(index, vendor, planes);
    float[] image = new float[3 * AREA];
    for (int i = 0; i < image.length; i++) {
      image[i] = planes[i] + (1 - planes[3 * AREA + i % AREA]) * background[i / AREA];
    }
    return image;
  }

  /** Pictures over a plain background as an array [examples, 3, 32, 32] of type FLOAT. */
  public INDArray images(List<EmojiExample> examples, float... background) {
    float[] all = new float[examples.size() * 3 * AREA];
    for (int i = 0; i < examples.size(); i++) {
      EmojiExample example = examples.get(i);
      float[] image = image(example.emoji(), example.vendor(), background);
      System.arraycopy(image, 0, all, i * image.length, image.length);
    }
    return Nd4j.createFromArray(all).reshape(examples.size(), 3, SIZE, SIZE);
  }

  /** The pictures of some examples: picture i is example i. */
  public Pictures pictures(List<EmojiExample> examples) {
    List<EmojiExample> chosen = List.copyOf(examples);
    chosen.forEach(e -> checkDrawn(e.emoji(), e.vendor()));
    return new Pictures() {
      @Override
      public int size() {
        return chosen.size();
      }

      @Override
      public int channels() {
        return 3;
      }

      @Override
      public int height() {
        return SIZE;
      }

      @Override
      public int width() {
        return SIZE;
      }

      @Override
      public void read(int index, float[] planes) {
        EmojiExample example = chosen.get(index);
        EmojiDataset.this.read(example.emoji(), example.vendor(), planes);
      }
    };
  }

  private void read(int index, Emoji.Vendor vendor, float[] planes) {
    checkDrawn(index, vendor);
    byte[] rgba = sheet(vendor).rgba();
    for (int y = 0, o = 0; y < SIZE; y++) {
      int i = EmojiBuilder.offset(index, y);
      for (int x = 0; x < SIZE; x++, i += 4, o++) {
        float alpha = (rgba[i + 3] & 0xff) / 255f;
        float scale = alpha / 255f;
        planes[o] = (rgba[i] & 0xff) * scale;
        planes[o + AREA] = (rgba[i + 1] & 0xff) * scale;
        planes[o + 2 * AREA] = (rgba[i + 2] & 0xff) * scale;
        planes[o + 3 * AREA] = alpha;
      }
    }
  }

  private void checkDrawn(int index, Emoji.Vendor vendor) {
    Objects.checkIndex(index, emoji.size());
    Check.that(get(index).has(vendor), "%s has no picture of '%s'", vendor.id(), get(index).name());
  }

  private synchronized Png sheet(Emoji.Vendor vendor) {
    return sheets.computeIfAbsent(vendor, this::load);
  }

  private Png load(Emoji.Vendor vendor) {
    Path file = folder.resolve(EmojiBuilder.sheetName(vendor));
    Png sheet;
    try {
      sheet = Png.decode(Files.readAllBytes(file), file.toString());
    } catch (IOException e) {
      throw Hashes.unreadable(file, e);
    }
    int rows = (size() + EmojiBuilder.COLUMNS - 1) / EmojiBuilder.COLUMNS;
    if (sheet.width() != EmojiBuilder.COLUMNS * SIZE || sheet.height() != rows * SIZE) {
      throw InputException.of(
          "%s: expected a sheet of %dx%d pixels for %d emoji, found %dx%d; build the set again",
          file, EmojiBuilder.COLUMNS * SIZE, rows * SIZE, size(), sheet.width(), sheet.height());
    }
    return sheet;
  }
}
