package io.lapidary.report;

import io.lapidary.metric.Interval;
import io.lapidary.metric.MetricValue;
import java.awt.image.BufferedImage;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** Results for tests. */
final class Results {
  private Results() {}

  static Result sample(String experiment, String scale) {
    ClaimSpec better =
        new ClaimSpec("R1", "Table 2", "Beats the baseline", "%", Direction.ABOVE, 0);
    ClaimSpec fast = new ClaimSpec("R2", "Sec. 4", "Costs one call", "", Direction.AT_MOST, 1);
    ClaimSpec close = new ClaimSpec("R3", "", "Close to the teacher", "", Direction.BELOW, 0.1);
    return new Result(
        experiment,
        scale,
        List.of(1L, 2L, -3L),
        List.of(
            better.paired(new double[] {5, 6, 7.5}, new double[] {1, 2.5, 3}),
            fast.measured(2, new Interval(1.5, Double.POSITIVE_INFINITY), 1),
            close.unmeasured("no teacher at this scale")),
        List.of(
            MetricValue.of("recall@1", 0.4321, 3780),
            new MetricValue("loss", Double.NaN, "nat", 0),
            new MetricValue("time", Double.POSITIVE_INFINITY, "ms", 1)),
        figures(),
        provenance());
  }

  static List<Figure> figures() {
    Figure.Picture query = Pictures.of(disc(0xd04030), "query", Figure.Mark.QUERY);
    Figure.Picture right = Pictures.of(disc(0xc04838), "tomato", Figure.Mark.RIGHT);
    Figure.Picture wrong = Pictures.of(disc(0x3060c0), "blueberries", Figure.Mark.WRONG);
    return List.of(
        new Figure.LineChart(
            "Loss",
            "Training loss over steps.",
            "step",
            "loss",
            true,
            List.of(
                Figure.Series.of("seed 1", 4, 2, Double.NaN, 1.2, 0.9),
                Figure.Series.of("seed 2", 4.2, 2.4, 1.6, 1.1, 0.95))),
        new Figure.BarChart(
            "Recall",
            "Share of queries, intervals at level 0.95.",
            "recall",
            List.of("@1", "@5"),
            List.of(
                new Figure.BarGroup(
                    "ours",
                    List.of(0.43, 0.71),
                    List.of(new Interval(0.40, 0.46), new Interval(0.68, 0.74))),
                new Figure.BarGroup("pixels", List.of(0.11, 0.25), Arrays.asList(null, null)))),
        new Figure.Heatmap(
            "Confusion",
            "",
            "predicted",
            "true",
            List.of("fruit", "animal"),
            List.of("fruit", "animal"),
            List.of(List.of(0.9, 0.1), List.of(0.2, 0.8))),
        new Figure.ImageGrid("Retrieval", "Nearest", List.of(List.of(query, right, wrong))));
  }

  static Provenance provenance() {
    return new Provenance(
        Instant.parse("2024-05-01T12:00:00Z"),
        12.5,
        Machines.here(2, "cpu"),
        Map.of("emoji", "9f00"),
        Map.of("steps", 100, "model", Map.of("width", 64)));
  }

  private static BufferedImage disc(int rgb) {
    BufferedImage image = new BufferedImage(32, 32, BufferedImage.TYPE_INT_ARGB);
    for (int y = 0; y < 32; y++) {
      for (int x = 0; x < 32; x++) {
        if (Math.hypot(x - 15.5, y - 15.5) < 14) {
          image.setRGB(x, y, 0xff000000 | rgb);
        }
      }
    }
    return image;
  }
}
