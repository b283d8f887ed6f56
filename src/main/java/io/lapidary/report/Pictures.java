package io.lapidary.report;

import io.lapidary.Check;
import io.lapidary.report.Figure.Mark;
import io.lapidary.report.Figure.Picture;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.function.IntPredicate;
import javax.imageio.ImageIO;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Turns images into pictures of a {@link Figure.ImageGrid}. */
public final class Pictures {
  private Pictures() {}

  /** A picture of an image. */
  public static Picture of(BufferedImage image, String caption, Mark mark) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try {
      if (!ImageIO.write(image, "png", bytes)) {
        throw new IllegalArgumentException("image type " + image.getType() + " has no PNG form");
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return new Picture(Base64.getEncoder().encodeToString(bytes.toByteArray()), caption, mark);
  }

  /**
   * A picture of channel-first values.
   *
   * @param image [3, height, width] in RGB order or [1, height, width]
   * @param low value shown as black; lower values and NaN are clipped to it
   * @param high value shown as white; higher values are clipped to it
   */
  public static Picture of(INDArray image, double low, double high, String caption, Mark mark) {
    return of(toImage(image, low, high), caption, mark);
  }

  /** The image behind {@link #of(INDArray, double, double, String, Mark)}. */
  public static BufferedImage toImage(INDArray image, double low, double high) {
    Check.that(
        image.rank() == 3 && (image.size(0) == 3 || image.size(0) == 1),
        "image must be [3, height, width] or [1, height, width], got %s",
        Arrays.toString(image.shape()));
    Check.that(high > low, "high must be above low=%s, got %s", low, high);
    int channels = (int) image.size(0);
    int height = (int) image.size(1);
    int width = (int) image.size(2);
    double[] values = image.dup('c').reshape(image.length()).toDoubleVector();
    BufferedImage picture = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
    int plane = height * width;
    for (int i = 0; i < plane; i++) {
      int rgb = 0;
      for (int c = 0; c < 3; c++) {
        double share = (values[(channels == 3 ? c : 0) * plane + i] - low) / (high - low);
        rgb = rgb << 8 | (int) Math.round(255 * Math.min(1, Math.max(0, share)));
      }
      picture.setRGB(i % width, i / width, rgb);
    }
    return picture;
  }

  /**
   * A row of a retrieval grid: the query, then what was found, best first.
   *
   * @param query image and name of what was asked for
   * @param found images and names, best first
   * @param right which of them are right answers
   */
  public static List<Picture> retrievalRow(
      Map.Entry<String, BufferedImage> query,
      List<Map.Entry<String, BufferedImage>> found,
      IntPredicate right) {
    List<Picture> row = new ArrayList<>();
    row.add(of(query.getValue(), query.getKey(), Mark.QUERY));
    for (int i = 0; i < found.size(); i++) {
      Mark mark = right.test(i) ? Mark.RIGHT : Mark.WRONG;
      row.add(of(found.get(i).getValue(), found.get(i).getKey(), mark));
    }
    return row;
  }
}
