package io.lapidary.method.clip;

import io.lapidary.Seeds;
import io.lapidary.data.EmojiDataset;
import io.lapidary.data.EmojiExample;
import io.lapidary.metric.ConfusionMatrix;
import io.lapidary.metric.Interval;
import io.lapidary.report.Figure;
import io.lapidary.report.Figure.Mark;
import io.lapidary.report.Figure.Picture;
import io.lapidary.report.Pictures;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** The pictures of the report. */
final class ClipFigures {
  private static final int GRID_ROWS = 10;
  private static final int GRID_ANSWERS = 5;

  private ClipFigures() {}

  static Figure losses(List<Figure.Series> curves) {
    return new Figure.LineChart(
        "Training loss",
        "Symmetric contrastive loss; guessing gives the logarithm of the batch size.",
        "step",
        "loss",
        false,
        curves);
  }

  /** One bar group per system: recall@1, recall@5, mean reciprocal rank. */
  static Figure retrieval(List<Figure.BarGroup> systems) {
    return new Figure.BarChart(
        "From a picture in an unseen style to its name",
        "Shares over all queries; intervals over emoji, and over seeds where there are several.",
        "share",
        List.of("recall@1", "recall@5", "mean reciprocal rank"),
        systems);
  }

  static Figure.BarGroup bars(String system, double[][] ranks, long seed) {
    List<Double> values = new ArrayList<>();
    List<Interval> intervals = new ArrayList<>();
    for (RankScore score : RankScore.values()) {
      double[][] perQuery = score.of(ranks);
      values.add(RankScore.mean(perQuery));
      intervals.add(TwoWayBootstrap.mean(perQuery, seed));
    }
    return new Figure.BarGroup(system, values, intervals);
  }

  /** Some queries, each with the trained pictures of the emoji whose names came first. */
  static Figure grid(EmojiWorld world, EmojiClip model, Seeds seeds) {
    SplittableRandom random = seeds.stream("grid").random();
    List<EmojiExample> queries =
        IntStream.range(0, GRID_ROWS)
            .mapToObj(i -> world.renderings().get(random.nextInt(world.renderings().size())))
            .toList();
    INDArray names = model.labels(world.names(), EmojiTexts.NAME_PROMPTS);
    INDArray similarities = EmojiClip.cosines(model.images(world.pixels(queries)), names);
    int[] groups = world.galleryGroups();
    List<List<Picture>> rows = new ArrayList<>();
    for (int q = 0; q < queries.size(); q++) {
      EmojiExample query = queries.get(q);
      double[] row = similarities.getRow(q).toDoubleVector();
      List<Picture> pictures = new ArrayList<>();
      pictures.add(picture(world, query, world.emoji(query).name(), Mark.QUERY));
      IntStream.range(0, row.length)
          .boxed()
          .sorted((a, b) -> Double.compare(row[b], row[a]))
          .limit(GRID_ANSWERS)
          .forEach(
              g -> {
                boolean right = groups[g] == world.emoji(query).group();
                EmojiExample answer =
                    new EmojiExample(world.gallery().get(g).index(), query.vendor().other());
                pictures.add(
                    picture(
                        world,
                        answer,
                        world.gallery().get(g).name(),
                        right ? Mark.RIGHT : Mark.WRONG));
              });
      rows.add(pictures);
    }
    return new Figure.ImageGrid(
        "Names found for pictures in an unseen style",
        "Left the query; then the emoji whose names are nearest, shown in the trained style.",
        rows);
  }

  private static Picture picture(
      EmojiWorld world, EmojiExample example, String caption, Mark mark) {
    int side = EmojiDataset.SIZE;
    float[] values = world.data().image(example.emoji(), example.vendor(), 1, 1, 1);
    INDArray image = Nd4j.createFromArray(values).reshape(3, side, side);
    return Pictures.of(image, 0, 1, caption, mark);
  }

  /** Held-out emoji by true category and the category of the subcategory they were given. */
  static Figure confusion(EmojiWorld world, List<EmojiExample> examples, int[] kinds) {
    List<String> categories = world.data().categories();
    int[] categoryOfKind = new int[world.kinds().size()];
    for (EmojiExample e : world.train()) {
      categoryOfKind[world.kinds().indexOf(world.emoji(e).subcategory())] =
          world.data().category(e.emoji());
    }
    ConfusionMatrix confusion = new ConfusionMatrix(categories);
    for (int i = 0; i < kinds.length; i++) {
      confusion.add(world.data().category(examples.get(i).emoji()), categoryOfKind[kinds[i]]);
    }
    return new Figure.Heatmap(
        "Categories of emoji neither seen nor read of",
        "Share of each true category (row) by the category of the subcategory chosen (column);"
            + " other vendor's pictures.",
        "chosen",
        "true",
        categories,
        categories,
        confusion.shares());
  }
}
