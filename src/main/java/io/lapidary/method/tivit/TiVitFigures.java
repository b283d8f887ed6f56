package io.lapidary.method.tivit;

import io.lapidary.data.series.SeriesProblem;
import io.lapidary.metric.WilcoxonHolm;
import io.lapidary.report.CriticalDifference;
import io.lapidary.report.Figure;
import io.lapidary.report.Pictures;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.nd4j.linalg.factory.Nd4j;

/** Figures of the comparison. */
final class TiVitFigures {
  private static final int CLASSES = 6;

  /** Problems whose pictures are shown. */
  static final int PROBLEMS = 6;

  private static final int SIDE = 64;

  private TiVitFigures() {}

  static List<Figure> all(
      Scoreboard board, int layers, WilcoxonHolm ranked, List<SeriesProblem> problems) {
    return List.of(
        TiVitExperiment.layers(board, layers),
        dimensions(board, layers),
        CriticalDifference.figure("Ranks of the methods", ranked),
        table(board, ranked.ranks().methods()),
        pictures(problems));
  }

  private static Figure dimensions(Scoreboard board, int layers) {
    double[] y = new double[layers + 1];
    for (int layer = 0; layer <= layers; layer++) {
      y[layer] = board.mean(TiVitExperiment.byLayer(TiVitExperiment.DIMENSION, layer));
    }
    return new Figure.LineChart(
        "Intrinsic dimension by layer",
        "TwoNN of the pretrained encoder's features, mean over problems and seeds.",
        "layer",
        "dimension",
        false,
        List.of(Figure.Series.of(TiVitExperiment.PRETRAINED, y)));
  }

  private static Figure table(Scoreboard board, List<String> methods) {
    List<List<Double>> rows = new ArrayList<>();
    for (int p = 0; p < board.problems().size(); p++) {
      int problem = p;
      rows.add(methods.stream().map(m -> board.of(m)[problem]).toList());
    }
    return new Figure.Heatmap(
        "Accuracy of every method",
        "Percent of the test cases, mean over seeds.",
        "method",
        "problem",
        methods,
        board.problems(),
        rows);
  }

  /** The picture of the first training case of some classes. */
  private static Figure pictures(List<SeriesProblem> problems) {
    List<List<Figure.Picture>> rows = new ArrayList<>();
    for (SeriesProblem problem : problems) {
      List<Figure.Picture> row = new ArrayList<>();
      int[] labels = problem.train().labels();
      for (int c = 0; c < Math.min(CLASSES, problem.train().classes().size()); c++) {
        int label = c;
        int first = Arrays.stream(labels).boxed().toList().indexOf(label);
        if (first >= 0) {
          float[] grey =
              SeriesPictures.usual(SIDE).picture(problem.train().cases().get(first).values()[0]);
          row.add(
              Pictures.of(
                  Nd4j.createFromArray(grey).reshape(1, SIDE, SIDE),
                  0,
                  1,
                  (row.isEmpty() ? problem.name() + ", class " : "class ")
                      + problem.train().classes().get(c),
                  Figure.Mark.NONE));
        }
      }
      rows.add(row);
    }
    return new Figure.ImageGrid(
        "Series as pictures", "One case of each class: windows of the series are rows.", rows);
  }
}
