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
 * Turns pictures into the input of a vision encoder as the Python libraries do: RGB, resized by one
 * of Pillow's filters, cropped at the centre, scaled to [0, 1], normalised per channel.
 *
 * @param size side of the result in pixels
 * @param fit how a picture becomes a square of that side
 * @param resized length of the shorter edge before the crop; {@code size} where there is none
 * @param filter Pillow's number of the filter: 0 nearest, 1 Lanczos, 2 bilinear, 3 bicubic, 4 box,
 *     5 Hamming
 * @param mean subtracted from red, green and blue
 * @param std then divides red, green and blue
 */
public record ImageProcessor(
    int size, Fit fit, int resized, int filter, List<Double> mean, List<Double> std) {

  /** How a picture becomes a square. */
  public enum Fit {
    /**
     * The shorter edge is resized, the middle cut out, black around it where that is larger: CLIP.
     */
    SHORTEST_EDGE_THEN_CROP,
    /** The middle is cut out, black around it. */
    CROP,
    /** Pictures have the right size. */
    NONE,
    /** Both edges are resized to the side: SigLIP, ViT. */
    STRETCH,
    /** Bars of the mean colour make it square, then it is resized: LLaVA. */
    PAD_TO_SQUARE
  }

  private static final int BILINEAR = 2;
  private static final int BICUBIC = 3;
  private static final List<Double> CLIP_MEAN = List.of(0.48145466, 0.4578275, 0.40821073);
  private static final List<Double> CLIP_STD = List.of(0.26862954, 0.26130258, 0.27577711);
  private static final List<Double> HALF = List.of(0.5, 0.5, 0.5);

  /** Checks the fields. */
  public ImageProcessor {
    Check.positive("size", size);
    Check.present("fit", fit);
    Check.positive("resized", resized);
    Resampling.of(filter, "filter");
    mean = List.copyOf(mean);
    std = List.copyOf(std);
    Check.that(mean.size() == 3 && std.size() == 3, "mean and std need three numbers each");
    std.forEach(value -> Check.positive("std", value));
  }

  /** Bicubic, without a crop that differs from what is resized. */
  public ImageProcessor(int size, Fit fit, List<Double> mean, List<Double> std) {
    this(size, fit, size, BICUBIC, mean, std);
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
   * Reads a {@code preprocessor_config.json} of the slow processors of CLIP, SigLIP, ViT, DeiT, BiT
   * (DINOv2) and ConvNeXT (ResNet).
   *
   * @throws InputException when it asks for parts that are not built here, or for results that are
   *     not square
   */
  public static ImageProcessor read(Path file) {
    ObjectNode json = Jsons.readObject(file);
    String type =
        json.path("image_processor_type").asText(json.path("feature_extractor_type").asText(""));
    for (String step : List.of("do_rescale", "do_normalize")) {
      if (!json.path(step).asBoolean(true)) {
        throw InputException.of("%s: %s false is not supported", file, step);
      }
    }
    double factor = json.path("rescale_factor").asDouble(1 / 255.0);
    if (Math.abs(factor * 255 - 1) > 1e-6) {
      throw InputException.of("%s: rescale_factor must be 1/255, found %s", file, factor);
    }
    boolean vit = type.startsWith("ViT");
    boolean convNext = type.startsWith("ConvNext");
    boolean half = vit || convNext || type.startsWith("Siglip");
    int filter = json.path("resample").asInt(vit ? BILINEAR : BICUBIC);
    Resampling.of(filter, file.toString());
    List<Double> mean = numbers(file, json, "image_mean", half ? HALF : CLIP_MEAN);
    List<Double> std = numbers(file, json, "image_std", half ? HALF : CLIP_STD);
    JsonNode size = json.path("size");
    JsonNode crop = json.path("crop_size");
    boolean crops =
        !convNext && json.path("do_center_crop").asBoolean(crop.isContainerNode() || crop.isInt());
    boolean resizes = json.path("do_resize").asBoolean(true);
    if (!resizes) {
      int side = crops ? side(file, "crop_size", crop) : side(file, "size", size);
      return new ImageProcessor(side, crops ? Fit.CROP : Fit.NONE, side, filter, mean, std);
    }
    int edge = side(file, "size", size);
    if (convNext) { // below 384 pixels a part of the picture, above all of it
      double part = json.path("crop_pct").asDouble(224.0 / 256);
      return edge < 384
          ? new ImageProcessor(
              edge, Fit.SHORTEST_EDGE_THEN_CROP, (int) (edge / part), filter, mean, std)
          : new ImageProcessor(edge, Fit.STRETCH, edge, filter, mean, std);
    }
    boolean shortest = size.has("shortest_edge") || (size.isInt() && crops && !vit);
    int side = crops ? side(file, "crop_size", crop.isMissingNode() ? size : crop) : edge;
    if (shortest != crops && !(crops && side == edge)) {
      throw InputException.of(
          "%s: expected a square, found size %s and crop_size %s", file, size, crop);
    }
    return new ImageProcessor(
        side, shortest ? Fit.SHORTEST_EDGE_THEN_CROP : Fit.STRETCH, edge, filter, mean, std);
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
    Resampling by = Resampling.of(filter, "filter");
    int width = picture.width();
    int height = picture.height();
    return switch (fit) {
      case STRETCH -> picture.resize(size, size, by);
      case SHORTEST_EDGE_THEN_CROP ->
          middle(
              width <= height
                  ? picture.resize(resized, (int) ((long) resized * height / width), by)
                  : picture.resize((int) ((long) resized * width / height), resized, by));
      case CROP -> middle(picture);
      case NONE -> {
        Check.that(
            width == size && height == size,
            "pictures must be %d by %d pixels, got %d by %d",
            size,
            size,
            width,
            height);
        yield picture;
      }
      case PAD_TO_SQUARE -> {
        int[] colour = mean.stream().mapToInt(m -> (int) (m * 255)).toArray();
        yield picture.padToSquare(colour).resize(size, size, by);
      }
    };
  }

  /** The middle; where the square is larger, the picture stands as the Python library puts it. */
  private PixelGrid middle(PixelGrid picture) {
    return picture.crop(start(picture.width()), start(picture.height()), size, size);
  }

  private int start(int length) {
    return length >= size ? (length - size) / 2 : -((size - length + 1) / 2);
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
