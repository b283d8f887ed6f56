package io.lapidary.report;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import io.lapidary.Check;
import io.lapidary.metric.Interval;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * A picture as data, stored in the result so that a page can be drawn again from it. Numbers that
 * are not finite are gaps.
 */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
@JsonSubTypes({
  @JsonSubTypes.Type(value = Figure.LineChart.class, name = "lines"),
  @JsonSubTypes.Type(value = Figure.BarChart.class, name = "bars"),
  @JsonSubTypes.Type(value = Figure.Heatmap.class, name = "heatmap"),
  @JsonSubTypes.Type(value = Figure.ImageGrid.class, name = "images")
})
public sealed interface Figure {
  /** Heading, unique in its result. */
  String title();

  /** What the reader should see, one or two sentences; may be empty. */
  String caption();

  /** A curve; x and y are equally long. */
  record Series(String name, List<Double> x, List<Double> y) {
    public Series {
      Check.that(name != null && !name.isBlank(), "a series needs a name");
      x = finite("x of series " + name, x);
      y = finite("y of series " + name, y);
      Check.that(
          x.size() == y.size(),
          "series %s has %d values of x and %d of y",
          name,
          x.size(),
          y.size());
    }

    /** A curve over 0, 1, 2, … */
    public static Series of(String name, double... y) {
      List<Double> xs = new ArrayList<>();
      List<Double> ys = new ArrayList<>();
      for (int i = 0; i < y.length; i++) {
        xs.add((double) i);
        ys.add(y[i]);
      }
      return new Series(name, xs, ys);
    }
  }

  /** Curves over one x axis, for example losses over steps. */
  record LineChart(
      String title, String caption, String xLabel, String yLabel, boolean logY, List<Series> series)
      implements Figure {
    public LineChart {
      texts(title, caption, xLabel, yLabel);
      series = copy("series", title, series);
    }
  }

  /** The bars of one colour; an interval is null where there is none. */
  record BarGroup(String name, List<Double> values, List<Interval> intervals) {
    public BarGroup {
      Check.that(name != null && !name.isBlank(), "a bar group needs a name");
      values = finite("values of bar group " + name, values);
      intervals =
          intervals == null
              ? Collections.nCopies(values.size(), null)
              : Collections.unmodifiableList(new ArrayList<>(intervals));
      Check.that(
          intervals.size() == values.size(),
          "bar group %s has %d values and %d intervals",
          name,
          values.size(),
          intervals.size());
    }
  }

  /** Bars with intervals: one value per category and group. */
  record BarChart(
      String title, String caption, String yLabel, List<String> categories, List<BarGroup> groups)
      implements Figure {
    public BarChart {
      texts(title, caption, yLabel);
      categories = copy("categories", title, categories);
      groups = copy("groups", title, groups);
      for (BarGroup group : groups) {
        Check.that(
            group.values().size() == categories.size(),
            "%s: group %s has %d values for %d categories",
            title,
            group.name(),
            group.values().size(),
            categories.size());
      }
    }
  }

  /** A matrix as colours: {@code values.get(row).get(column)}, row 0 on top. */
  record Heatmap(
      String title,
      String caption,
      String xLabel,
      String yLabel,
      List<String> columns,
      List<String> rows,
      List<List<Double>> values)
      implements Figure {
    public Heatmap {
      texts(title, caption, xLabel, yLabel);
      columns = copy("columns", title, columns);
      rows = copy("rows", title, rows);
      Check.that(
          Check.present("values of " + title, values).size() == rows.size(),
          "%s: %d rows of values for %d row names",
          title,
          values.size(),
          rows.size());
      List<List<Double>> kept = new ArrayList<>();
      for (List<Double> row : values) {
        List<Double> clean = finite("values of " + title, row);
        Check.that(
            clean.size() == columns.size(),
            "%s: a row has %d values for %d columns",
            title,
            clean.size(),
            columns.size());
        kept.add(clean);
      }
      values = List.copyOf(kept);
    }
  }

  /**
   * A picture with a caption.
   *
   * @param png base64 of a PNG file (see {@link Pictures})
   * @param caption shown below; may be empty
   * @param mark how to frame it
   */
  record Picture(String png, String caption, Mark mark) {
    public Picture {
      Check.that(png != null && png.startsWith("iVBORw0KGgo"), "a picture must be a base64 PNG");
      Check.that(png.matches("[A-Za-z0-9+/]+={0,2}"), "a picture must be a base64 PNG");
      Check.present("caption", caption);
      Check.present("mark", mark);
    }
  }

  /** The frame of a picture. */
  enum Mark {
    /** No frame. */
    NONE,
    /** What was asked for. */
    QUERY,
    /** A right answer. */
    RIGHT,
    /** A wrong answer. */
    WRONG
  }

  /** Rows of pictures, for example a query and its nearest images. */
  record ImageGrid(String title, String caption, List<List<Picture>> rows) implements Figure {
    public ImageGrid {
      texts(title, caption);
      rows = copy("rows", title, rows).stream().map(List::copyOf).toList();
    }
  }

  private static void texts(String title, String... others) {
    Check.that(title != null && !title.isBlank(), "a figure needs a title");
    for (String other : others) {
      Check.that(other != null, "figure %s lacks a caption or an axis label", title);
    }
  }

  private static <T> List<T> copy(String what, String title, List<T> list) {
    Check.that(list != null && !list.isEmpty(), "figure %s has no %s", title, what);
    return List.copyOf(list);
  }

  private static List<Double> finite(String what, List<Double> list) {
    List<Double> kept = new ArrayList<>(Check.present(what, list).size());
    for (Double value : list) {
      kept.add(value != null && Double.isFinite(value) ? value : Double.valueOf(Double.NaN));
    }
    return Collections.unmodifiableList(kept);
  }
}
