package io.lapidary.data;

import com.fasterxml.jackson.databind.JsonNode;
import io.lapidary.AtomicFiles;
import io.lapidary.InputException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * Turns the packages {@code emoji-datasource-google} and {@code emoji-datasource-twitter} into the
 * emoji data set: a table and one sheet of 32x32 RGBA tiles per vendor, 64 tiles a row, tile number
 * = row of the table.
 */
public final class EmojiBuilder {
  /** Side of a tile in pixels. */
  public static final int TILE = 32;

  /** Tiles in one row of a sheet. */
  public static final int COLUMNS = 64;

  static final String TABLE = "emoji.csv";

  private static final Map<String, String> TONES =
      Map.of(
          "1F3FB", "light",
          "1F3FC", "medium-light",
          "1F3FD", "medium",
          "1F3FE", "medium-dark",
          "1F3FF", "dark");

  private EmojiBuilder() {}

  /** One row before its group is known, and the file name of its pictures. */
  private record Draft(Emoji emoji, String image) {}

  /**
   * Builds the data set.
   *
   * @param google the Google package: its .tgz file or an unpacked folder
   * @param twitter the Twitter package of the same version
   * @param folder where {@code emoji.csv}, {@code google.png}, {@code twitter.png} and {@code
   *     dataset.json} are written
   * @return what was written
   * @throws InputException when a package is missing, damaged or does not fit the other
   */
  public static DatasetManifest build(Path google, Path twitter, Path folder) {
    Map<Emoji.Vendor, EmojiSource> sources = new EnumMap<>(Emoji.Vendor.class);
    sources.put(Emoji.Vendor.GOOGLE, EmojiSource.open(google, Emoji.Vendor.GOOGLE));
    sources.put(Emoji.Vendor.TWITTER, EmojiSource.open(twitter, Emoji.Vendor.TWITTER));
    EmojiSource first = sources.get(Emoji.Vendor.GOOGLE);
    EmojiSource second = sources.get(Emoji.Vendor.TWITTER);
    if (!Arrays.equals(first.table(), second.table())) {
      throw InputException.of(
          "%s (version %s) and %s (version %s): emoji.json differs; take both packages in one"
              + " version",
          google, first.version(), twitter, second.version());
    }
    List<Draft> drafts = drafts(first.emoji(), google);
    Map<Emoji.Vendor, Png> sheets = new EnumMap<>(Emoji.Vendor.class);
    sources.forEach((vendor, source) -> sheets.put(vendor, sheet(drafts, vendor, source)));
    List<Emoji> emoji = grouped(drafts, sheets);

    List<DatasetManifest.File> files = new ArrayList<>();
    files.add(write(folder, TABLE, EmojiTable.write(emoji).getBytes(StandardCharsets.UTF_8), ""));
    sheets.forEach(
        (vendor, sheet) ->
            files.add(
                write(folder, sheetName(vendor), sheet.encode(), Hashes.sha256(sheet.rgba()))));
    DatasetManifest manifest =
        new DatasetManifest(
            "emoji",
            first.version(),
            "google.png: Apache-2.0 (Noto Emoji); twitter.png: CC-BY-4.0 (Twemoji); emoji.csv: MIT"
                + " (emoji-data); see NOTICE",
            List.of(first.describe(), second.describe()),
            files);
    manifest.write(folder);
    return manifest;
  }

  static String sheetName(Emoji.Vendor vendor) {
    return vendor.id() + ".png";
  }

  private static DatasetManifest.File write(
      Path folder, String name, byte[] bytes, String contentSha256) {
    AtomicFiles.write(folder.resolve(name), temporary -> Files.write(temporary, bytes));
    return new DatasetManifest.File(name, bytes.length, Hashes.sha256(bytes), contentSha256);
  }

  private static List<Draft> drafts(JsonNode table, Path where) {
    List<JsonNode> sorted = new ArrayList<>();
    table.forEach(sorted::add);
    sorted.sort(
        Comparator.<JsonNode>comparingInt(n -> n.path("sort_order").asInt())
            .thenComparing(n -> n.path("unified").asText()));
    Map<String, Integer> uses = new HashMap<>();
    for (JsonNode node : sorted) {
      uses.merge(name(node), 1, Integer::sum);
    }
    List<Draft> drafts = new ArrayList<>();
    Set<String> seen = new HashSet<>();
    for (JsonNode node : sorted) {
      // two emoji share the name "man in tuxedo"; their short names tell them apart
      String plain = name(node);
      String name =
          uses.get(plain) == 1 ? plain : node.path("short_name").asText().replace('_', ' ');
      int concept = drafts.size();
      drafts.add(draft(node, node, concept, concept, name, ""));
      Map<String, JsonNode> variants = new TreeMap<>();
      node.path("skin_variations")
          .fields()
          .forEachRemaining(v -> variants.put(v.getKey(), v.getValue()));
      for (Map.Entry<String, JsonNode> v : variants.entrySet()) {
        List<String> tones = tones(v.getKey(), where);
        String full = name + (name.contains(": ") ? ", " : ": ");
        full += String.join(" skin tone, ", tones) + " skin tone";
        drafts.add(
            draft(node, v.getValue(), drafts.size(), concept, full, String.join(";", tones)));
      }
    }
    for (Draft draft : drafts) {
      if (draft.emoji().name().isBlank() || !seen.add(draft.emoji().name())) {
        throw InputException.of(
            "%s: emoji.json has the name '%s' twice or not at all", where, draft.emoji().name());
      }
    }
    return drafts;
  }

  private static Draft draft(
      JsonNode base, JsonNode form, int index, int concept, String name, String tone) {
    List<String> shortNames = new ArrayList<>();
    base.path("short_names").forEach(n -> shortNames.add(n.asText()));
    Emoji emoji =
        new Emoji(
            index,
            form.path("unified").asText(),
            name,
            shortNames,
            base.path("category").asText(),
            base.path("subcategory").asText(),
            concept,
            concept,
            tone,
            form.path("has_img_google").asBoolean(),
            form.path("has_img_twitter").asBoolean());
    return new Draft(emoji, form.path("image").asText());
  }

  private static String name(JsonNode node) {
    return node.path("name").asText().toLowerCase(Locale.ROOT).strip();
  }

  private static List<String> tones(String key, Path where) {
    List<String> tones = new ArrayList<>();
    for (String code : key.split("-", -1)) {
      String tone = TONES.get(code);
      if (tone == null) {
        throw InputException.of("%s: emoji.json has the unknown skin tone %s", where, key);
      }
      tones.add(tone);
    }
    return tones;
  }

  private static Png sheet(List<Draft> drafts, Emoji.Vendor vendor, EmojiSource source) {
    int rows = (drafts.size() + COLUMNS - 1) / COLUMNS;
    int stride = COLUMNS * TILE * 4;
    byte[] rgba = new byte[rows * TILE * stride];
    for (Draft draft : drafts) {
      if (draft.emoji().has(vendor)) {
        Png tile = Png.decode(source.picture(draft.image()), draft.image());
        int factor = tile.width() / TILE;
        if (factor < 1 || tile.width() != factor * TILE || tile.height() != tile.width()) {
          throw InputException.of(
              "%s of %s: expected a square whose side is a multiple of %d, found %dx%d",
              draft.image(), vendor.id(), TILE, tile.width(), tile.height());
        }
        Png small = tile.shrink(factor);
        for (int y = 0; y < TILE; y++) {
          System.arraycopy(
              small.rgba(), y * TILE * 4, rgba, offset(draft.emoji().index(), y), TILE * 4);
        }
      }
    }
    return new Png(COLUMNS * TILE, rows * TILE, rgba);
  }

  /** Where row {@code y} of a tile starts in the bytes of a sheet. */
  static int offset(int index, int y) {
    return (((index / COLUMNS) * TILE + y) * COLUMNS + index % COLUMNS) * TILE * 4;
  }

  /** The RGBA bytes of one tile of a sheet. */
  static byte[] tile(Png sheet, int index) {
    byte[] tile = new byte[TILE * TILE * 4];
    for (int y = 0; y < TILE; y++) {
      System.arraycopy(sheet.rgba(), offset(index, y), tile, y * TILE * 4, TILE * 4);
    }
    return tile;
  }

  private static List<Emoji> grouped(List<Draft> drafts, Map<Emoji.Vendor, Png> sheets) {
    int[] parent = new int[drafts.size()];
    Arrays.setAll(parent, i -> drafts.get(i).emoji().concept());
    sheets.forEach(
        (vendor, sheet) -> {
          Map<String, Integer> first = new HashMap<>();
          for (Draft draft : drafts) {
            if (draft.emoji().has(vendor)) {
              int mine = draft.emoji().concept();
              int other =
                  first.merge(Hashes.sha256(tile(sheet, draft.emoji().index())), mine, (a, b) -> a);
              int low = Math.min(root(parent, mine), root(parent, other));
              int high = Math.max(root(parent, mine), root(parent, other));
              parent[high] = low;
            }
          }
        });
    List<Emoji> emoji = new ArrayList<>(drafts.size());
    for (Draft draft : drafts) {
      Emoji e = draft.emoji();
      emoji.add(
          new Emoji(
              e.index(),
              e.codepoints(),
              e.name(),
              e.shortNames(),
              e.category(),
              e.subcategory(),
              e.concept(),
              root(parent, e.concept()),
              e.tone(),
              e.google(),
              e.twitter()));
    }
    return emoji;
  }

  private static int root(int[] parent, int at) {
    int root = at;
    while (parent[root] != root) {
      root = parent[root];
    }
    return root;
  }
}
