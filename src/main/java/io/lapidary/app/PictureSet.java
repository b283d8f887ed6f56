package io.lapidary.app;

import io.lapidary.InputException;
import io.lapidary.data.Emoji;
import io.lapidary.data.EmojiDataset;
import io.lapidary.data.Hashes;
import java.awt.image.BufferedImage;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.Collectors;

/**
 * Pictures in a fixed order.
 *
 * @param name for people
 * @param sha256 checksum of all pictures and their order
 * @param size how many
 * @param picture decodes one of them
 */
record PictureSet(String name, String sha256, int size, IntFunction<BufferedImage> picture) {
  private static final String EMOJI = "emoji:";

  /**
   * Finds pictures.
   *
   * @param data {@code emoji:google} or {@code emoji:twitter} for the base forms of the emoji set
   *     over white, else a picture or a folder of pictures in the order of their names
   * @throws InputException when there are none
   */
  static PictureSet of(String data) {
    return data.startsWith(EMOJI) ? emoji(data) : files(Path.of(data));
  }

  private static PictureSet files(Path input) {
    if (!Files.exists(input)) {
      throw InputException.of("%s: expected pictures, found nothing of that name", input);
    }
    List<Path> files = EmbedCommand.pictures(input);
    if (files.isEmpty()) {
      throw InputException.of("%s: not a picture; PNG, JPEG, GIF and BMP are read", input);
    }
    String list =
        files.stream()
            .map(file -> file.getFileName() + " " + Hashes.sha256(file) + "\n")
            .collect(Collectors.joining());
    return new PictureSet(
        input.toAbsolutePath().normalize().getFileName().toString(),
        Hashes.sha256(list.getBytes(StandardCharsets.UTF_8)),
        files.size(),
        index -> EmbedCommand.decode(files.get(index)));
  }

  private static PictureSet emoji(String data) {
    String id = data.substring(EMOJI.length());
    Emoji.Vendor vendor =
        Arrays.stream(Emoji.Vendor.values())
            .filter(v -> v.id().equals(id))
            .findFirst()
            .orElseThrow(
                () ->
                    InputException.of(
                        "%s: expected emoji:google or emoji:twitter, found %s", data, id));
    EmojiDataset set = EmojiDataset.open();
    List<Integer> chosen =
        set.all().stream().filter(e -> e.base() && e.has(vendor)).map(Emoji::index).toList();
    StringBuilder list = new StringBuilder();
    chosen.forEach(
        index ->
            list.append(set.get(index).name())
                .append(' ')
                .append(Hashes.sha256(set.rgba(index, vendor)))
                .append('\n'));
    return new PictureSet(
        data,
        Hashes.sha256(list.toString().getBytes(StandardCharsets.UTF_8)),
        chosen.size(),
        index -> image(set.image(chosen.get(index), vendor, 1, 1, 1)));
  }

  private static BufferedImage image(float[] planes) {
    int side = EmojiDataset.SIZE;
    int area = side * side;
    BufferedImage image = new BufferedImage(side, side, BufferedImage.TYPE_INT_RGB);
    for (int i = 0; i < area; i++) {
      int rgb = 0;
      for (int channel = 0; channel < 3; channel++) {
        rgb = rgb << 8 | Math.round(255 * Math.max(0, Math.min(1, planes[channel * area + i])));
      }
      image.setRGB(i % side, i / side, rgb);
    }
    return image;
  }
}
