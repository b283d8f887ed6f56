package io.lapidary.report;

import io.lapidary.AtomicFiles;
import io.lapidary.metric.Interval;
import io.lapidary.report.Figure.BarChart;
import io.lapidary.report.Figure.BarGroup;
import io.lapidary.report.Figure.LineChart;
import io.lapidary.report.Figure.Series;
import java.awt.Color;
import java.awt.image.BufferedImage;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import javax.imageio.ImageIO;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.CategoryChart;
import org.knowm.xchart.CategoryChartBuilder;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.style.markers.SeriesMarkers;

/** Line and bar charts as PNG files, for documents. */
public final class ChartImages {
  private static final Color[] COLOURS = {
    new Color(0x0072B2), new Color(0xD55E00), new Color(0x009E73), new Color(0xCC79A7),
    new Color(0x7A6A00), new Color(0x56B4E9), new Color(0xE69F00), new Color(0x333333)
  };

  private ChartImages() {}

  /** Writes a line chart in one step. */
  public static void write(LineChart chart, int width, int height, Path png) {
    write(draw(chart, width, height), png);
  }

  /** Writes a bar chart in one step. */
  public static void write(BarChart chart, int width, int height, Path png) {
    write(draw(chart, width, height), png);
  }

  static BufferedImage draw(LineChart chart, int width, int height) {
    XYChart image =
        new XYChartBuilder()
            .width(width)
            .height(height)
            .title(chart.title())
            .xAxisTitle(chart.xLabel())
            .yAxisTitle(chart.yLabel())
            .build();
    image.getStyler().setSeriesColors(COLOURS);
    image.getStyler().setChartBackgroundColor(Color.WHITE);
    boolean logarithmic =
        chart.logY() && chart.series().stream().flatMap(s -> s.y().stream()).anyMatch(v -> v > 0);
    image.getStyler().setYAxisLogarithmic(logarithmic);
    for (Series series : chart.series()) {
      List<Double> x = new ArrayList<>();
      List<Double> y = new ArrayList<>();
      for (int i = 0; i < series.x().size(); i++) {
        double value = series.y().get(i);
        if (!series.x().get(i).isNaN() && !Double.isNaN(value) && (!logarithmic || value > 0)) {
          x.add(series.x().get(i));
          y.add(value);
        }
      }
      if (!x.isEmpty()) {
        image.addSeries(series.name(), x, y).setMarker(SeriesMarkers.NONE);
      }
    }
    return BitmapEncoder.getBufferedImage(image);
  }

  static BufferedImage draw(BarChart chart, int width, int height) {
    CategoryChart image =
        new CategoryChartBuilder()
            .width(width)
            .height(height)
            .title(chart.title())
            .yAxisTitle(chart.yLabel())
            .build();
    image.getStyler().setSeriesColors(COLOURS);
    image.getStyler().setChartBackgroundColor(Color.WHITE);
    for (BarGroup group : chart.groups()) {
      List<Double> values = new ArrayList<>();
      List<Double> errors = new ArrayList<>();
      for (int i = 0; i < group.values().size(); i++) {
        double value = group.values().get(i);
        Interval interval = group.intervals().get(i);
        // this library draws even whiskers only: the wider side
        double error =
            interval == null ? 0 : Math.max(interval.high() - value, value - interval.low());
        values.add(Double.isNaN(value) ? 0 : value);
        errors.add(Double.isFinite(error) ? error : 0);
      }
      boolean any = errors.stream().anyMatch(e -> e > 0);
      image.addSeries(group.name(), chart.categories(), values, any ? errors : null);
    }
    return BitmapEncoder.getBufferedImage(image);
  }

  private static void write(BufferedImage image, Path png) {
    AtomicFiles.write(png, file -> ImageIO.write(image, "png", file.toFile()));
  }
}
