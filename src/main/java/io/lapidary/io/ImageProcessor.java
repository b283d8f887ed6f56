package io.lapidary.io;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.lapidary.Check;
import io.lapidary.InputException;
import java.awt.image.BufferedImage;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Turns pictures into the input of a vision encoder as the Python libraries do: RGB, resized by
 * Pillow's bicubic filter, cropped at the centre, scaled to [0, 1], normalised per channel.
 *
 * @param size side of the result in pixels
 * @param fit how a picture becomes a square of that side
 * @param mean subtracted from red, green and blue
 * @param std then divides red, green and blue
 */
public record ImageProcessor(int size, Fit fit, List<Double> mean, List<Double> std) {

  /** How a picture becomes a square. */
  public enum Fit {
    /** The shorter edge is resized to the side, the middle cut out: CLIP. */
    SHORTEST_EDGE_THEN_CROP,
    /** Both edges are resized to the side: SigLIP, ViT. */
    STRETCH,
    /** Bars of the mean colour make it square, then it is resized: LLaVA. */
    PAD_TO_SQUARE
  }

  private static final List<Double> CLIP_MEAN = List.of(0.48145466, 0.4578275, 0.40821073);
  private static final List<Double> CLIP_STD = List.of(0.26862954, 0.26130258, 0.27577711);
  private static final List<Double> HALF = List.of(0.5, 0.5, 0.5);

  /** Checks the fields. */
  public ImageProcessor {
    Check.positive("size", size);
    Check.present("fit", fit);
    mean = List.copyOf(mean);
    std = List.copyOf(std);
    Check.that(mean.size() == 3 && std.size() == 3, "mean and std need three numbers each");
    std.forEach(value -> Check.positive("std", value));
  }

  /** CLIP's processing for pictures of {@code size} pixels. */
  public static ImageProcessor clip(int size) {
    return new ImageProcessor(size, Fit.SHORTEST_EDGE_THEN_CROP, CLIP_MEAN, CLIP_STD);
  }

  /** SigLIP's and ViT's processing for pictures of {@code size} pixels. */
  public static ImageProcessor siglip(int size) {
    return new ImageProcessor(size, Fit.STRETCH, HALF, HALF);
  }

  /** LLaVA's processing: CLIP's after padding to a square. */
  public static ImageProcessor llava(int size) {
    return new ImageProcessor(size, Fit.PAD_TO_SQUARE, CLIP_MEAN, CLIP_STD);
  }

  /**
   * Reads a {@code preprocessor_config.json}.
   *
   * @throws InputException when it asks for a filter other than bicubic, for parts that are not
   *     built here, or for results that are not square
   */
  public static ImageProcessor read(Path file) {
    ObjectNode json = Jsons.readObject(file);
    JsonNode resample = json.path("resample");
    if (!resample.isMissingNode() && resample.asInt(-1) != 3) {
      throw InputException.of(
          "%s: resample must be 3 (bicubic), found %s; convert pictures yourself and feed arrays",
          file, resample);
    }
    for (String step : List.of("do_resize", "do_rescale", "do_normalize")) {
      if (!json.path(step).asBoolean(true)) {
        throw InputException.of("%s: %s false is not supported", file, step);
      }
    }
    JsonNode size = json.path("size");
    JsonNode crop = json.path("crop_size");
    boolean crops = json.path("do_center_crop").asBoolean(crop.isContainerNode() || crop.isInt());
    boolean shortest = size.has("shortest_edge") || (size.isInt() && crops);
    int side = side(file, "size", size);
    int cut = crops ? side(file, "crop_size", crop.isMissingNode() ? size : crop) : side;
    if (cut != side || shortest != crops) {
      throw InputException.of(
          "%s: expected pictures resized to the crop's size, found size %s and crop_size %s",
          file, size, crop);
    }
    return new ImageProcessor(
        side,
        shortest ? Fit.SHORTEST_EDGE_THEN_CROP : Fit.STRETCH,
        numbers(file, json, "image_mean", CLIP_MEAN),
        numbers(file, json, "image_std", CLIP_STD));
  }

  private static int side(Path file, String key, JsonNode node) {
    JsonNode value = node.has("shortest_edge") ? node.get("shortest_edge") : node.path("height");
    JsonNode side = node.isInt() ? node : value;
    boolean square = !node.has("width") || node.get("width").equals(node.get("height"));
    if (!side.isInt() || side.intValue() < 1 || !square) {
      throw InputException.of("%s: %s must be a square in pixels, found %s", file, key, node);
    }
    return side.intValue();
  }

  private static List<Double> numbers(
      Path file, ObjectNode json, String key, List<Double> otherwise) {
    JsonNode node = json.path(key);
    if (node.isMissingNode() || node.isNull()) {
      return otherwise;
    }
    if (!node.isArray() || node.size() != 3 || !node.get(0).isNumber()) {
      throw InputException.of("%s: %s must be three numbers, found %s", file, key, node);
    }
    return List.of(node.get(0).doubleValue(), node.get(1).doubleValue(), node.get(2).doubleValue());
  }

  /** Pictures as an array [B, 3, size, size]; the caller closes it. */
  public INDArray process(List<BufferedImage> pictures) {
    Check.that(!pictures.isEmpty(), "at least one picture is needed");
    int plane = size * size;
    float[] values = new float[Math.toIntExact(pictures.size() * 3L * plane)];
    for (int i = 0; i < pictures.size(); i++) {
      int[] rgb = square(PixelGrid.of(pictures.get(i))).values();
      for (int pixel = 0; pixel < plane; pixel++) {
        for (int c = 0; c < 3; c++) {
          double value = (rgb[pixel * 3 + c] / 255.0 - mean.get(c)) / std.get(c);
          values[(i * 3 + c) * plane + pixel] = (float) value;
        }
      }
    }
    return Nd4j.createFromArray(values).reshape('c', pictures.size(), 3, size, size);
  }

  /** The square of bytes before scaling. */
  PixelGrid square(PixelGrid picture) {
    return switch (fit) {
      case STRETCH -> picture.resize(size, size);
      case SHORTEST_EDGE_THEN_CROP -> {
        int width = picture.width();
        int height = picture.height();
        PixelGrid small =
            width <= height
                ? picture.resize(size, (int) ((long) size * height / width))
                : picture.resize((int) ((long) size * width / height), size);
        yield small.crop((small.width() - size) / 2, (small.height() - size) / 2, size, size);
      }
      case PAD_TO_SQUARE -> {
        int[] colour = mean.stream().mapToInt(m -> (int) (m * 255)).toArray();
        yield picture.padToSquare(colour).resize(size, size);
      }
    };
  }

  /**
   * Writes the {@code preprocessor_config.json} of a model of the CLIP family.
   *
   * @param side pixels of the model's pictures
   * @param mean subtracted from all channels, whose values are in [0, 1]
   * @param std divisor of all channels
   */
  public static void writeClip(Path folder, int side, double mean, double std) {
    Jsons.write(
        folder.resolve("preprocessor_config.json"),
        Map.of(
            "image_processor_type",
            "CLIPImageProcessor",
            "do_resize",
            true,
            "size",
            Map.of("shortest_edge", side),
            "crop_size",
            Map.of("height", side, "width", side),
            "do_normalize",
            true,
            "image_mean",
            List.of(mean, mean, mean),
            "image_std",
            List.of(std, std, std)));
  }
}
