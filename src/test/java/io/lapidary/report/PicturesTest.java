package io.lapidary.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lapidary.InputException;
import io.lapidary.report.Figure.BarChart;
import io.lapidary.report.Figure.LineChart;
import io.lapidary.report.Figure.Mark;
import io.lapidary.report.Figure.Picture;
import io.lapidary.report.Figure.Series;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class PicturesTest {
  @TempDir Path folder;

  @Test
  void channelFirstValuesBecomePixels() throws IOException {
    INDArray image = Nd4j.create(3, 2, 4); // height 2, width 4
    image.putScalar(0, 1, 3, 1.0); // red, lower right
    image.putScalar(1, 0, 0, 7.0); // green, clipped
    image.putScalar(2, 0, 1, Double.NaN);
    for (INDArray form : new INDArray[] {image, image.permute(0, 2, 1).dup().permute(0, 2, 1)}) {
      Picture picture = Pictures.of(form, 0, 1, "x", Mark.NONE);
      BufferedImage back =
          ImageIO.read(new ByteArrayInputStream(Base64.getDecoder().decode(picture.png())));
      assertThat(back.getWidth()).isEqualTo(4);
      assertThat(back.getHeight()).isEqualTo(2);
      assertThat(back.getRGB(3, 1)).isEqualTo(0xffff0000);
      assertThat(back.getRGB(0, 0)).isEqualTo(0xff00ff00);
      assertThat(back.getRGB(1, 0)).isEqualTo(0xff000000);
    }
    assertThat(Pictures.toImage(Nd4j.valueArrayOf(new int[] {1, 1, 1}, 0.0), -1, 1).getRGB(0, 0))
        .isEqualTo(0xff808080);
    assertThatThrownBy(() -> Pictures.toImage(Nd4j.create(4, 4, 3), 0, 1))
        .hasMessageContaining("got [4, 4, 3]");
  }

  @Test
  void retrievalRow() {
    BufferedImage image = new BufferedImage(2, 2, BufferedImage.TYPE_INT_ARGB);
    assertThat(
            Pictures.retrievalRow(
                Map.entry("q", image),
                List.of(Map.entry("a", image), Map.entry("b", image)),
                i -> i == 1))
        .extracting(Picture::mark)
        .containsExactly(Mark.QUERY, Mark.WRONG, Mark.RIGHT);
  }

  @Test
  void chartImages() throws IOException {
    List<Figure> figures = Results.figures();
    Path lines = folder.resolve("lines.png");
    ChartImages.write((LineChart) figures.get(0), 640, 400, lines);
    Path bars = folder.resolve("bars.png");
    ChartImages.write((BarChart) figures.get(1), 640, 400, bars);
    for (Path file : List.of(lines, bars)) {
      BufferedImage image = ImageIO.read(file.toFile());
      assertThat(image.getWidth()).isEqualTo(640);
      assertThat(image.getHeight()).isEqualTo(400);
    }
  }

  @Test
  void metricLogs() throws IOException {
    Path log = folder.resolve("log.jsonl");
    Files.writeString(
        log,
        "{\"step\":1,\"loss\":4}\n\n{\"step\":2,\"accuracy\":0.5}\n{\"step\":3,\"loss\":2.5}\r\n"
            + "{\"step\":4,\"lo");
    assertThat(MetricLogs.read(log, "a", "step", "loss", 100))
        .isEqualTo(new Series("a", List.of(1.0, 3.0), List.of(4.0, 2.5)));
    StringBuilder many = new StringBuilder();
    for (int step = 0; step < 1000; step++) {
      many.append("{\"step\":").append(step).append(",\"loss\":").append(step % 2).append("}\n");
    }
    Files.writeString(log, many);
    Series thin = MetricLogs.read(log, "a", "step", "loss", 100);
    assertThat(thin.x()).hasSize(100).startsWith(4.5).endsWith(994.5);
    assertThat(thin.y()).containsOnly(0.5);
    Files.writeString(log, "{\"step\":1}\nNaN\n");
    assertThatThrownBy(() -> MetricLogs.read(log, "a", "step", "loss", 100))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("line 2 is not a JSON object");
    assertThatThrownBy(() -> MetricLogs.read(folder.resolve("no"), "a", "step", "loss", 100))
        .isInstanceOf(InputException.class);
  }
}
