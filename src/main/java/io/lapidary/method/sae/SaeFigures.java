package io.lapidary.method.sae;

import io.lapidary.data.EmojiDataset;
import io.lapidary.data.EmojiExample;
import io.lapidary.metric.ScoreSummary;
import io.lapidary.metric.TopActivations;
import io.lapidary.model.sae.SparseAutoencoder;
import io.lapidary.report.Figure;
import io.lapidary.report.Pictures;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Figures of latents. */
final class SaeFigures {
  private static final int LATENTS = 5;
  private static final int IMAGES = 10;
  private static final double[] EDGES = {0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1};

  private SaeFigures() {}

  /** The images that excite the best and the worst latents most, strongest first. */
  static Figure grid(
      EmojiDataset data,
      List<EmojiExample> examples,
      ConceptSet set,
      SparseAutoencoder sae,
      Trial trial) {
    TopActivations top = new TopActivations(sae.config().latentWidth(), IMAGES);
    try (INDArray x = Nd4j.createFromArray(set.activations());
        INDArray f = sae.encode(x)) {
      top.update(f.data().asDouble(), set.size());
    }
    ScoreSummary summary =
        ScoreSummary.of(
            trial.scores(), unit -> trial.densities()[unit] * set.size() >= IMAGES - 0.5);
    List<Integer> latents = new ArrayList<>(summary.best(LATENTS));
    latents.addAll(summary.worst(LATENTS));
    List<List<Figure.Picture>> rows = new ArrayList<>();
    for (int latent : latents) {
      int[] images = top.indices(latent);
      List<Figure.Picture> row = new ArrayList<>();
      for (int i = images.length - 1; i >= 0; i--) {
        String caption =
            i == images.length - 1
                ? String.format(Locale.ROOT, "latent %d, MS %.2f", latent, trial.scores()[latent])
                : "";
        row.add(picture(data, examples.get(images[i]), caption));
      }
      rows.add(row);
    }
    return new Figure.ImageGrid(
        "What excites the best and the worst latents",
        "Pictures of the vendor not trained on, strongest first; latents active on "
            + IMAGES
            + " images or more.",
        rows);
  }

  /** Pictures with the answers about them before and after a latent is set. */
  static List<Figure.Picture> steered(
      EmojiDataset data,
      List<EmojiExample> examples,
      int latent,
      String concept,
      List<String> before,
      List<String> after) {
    List<Figure.Picture> row = new ArrayList<>();
    for (int i = 0; i < Math.min(LATENTS, examples.size()); i++) {
      String caption =
          i == 0
              ? String.format(
                  Locale.ROOT,
                  "latent %d (%s): %s, then %s",
                  latent,
                  concept,
                  before.get(i),
                  after.get(i))
              : before.get(i) + ", then " + after.get(i);
      row.add(picture(data, examples.get(i), caption));
    }
    return row;
  }

  private static Figure.Picture picture(EmojiDataset data, EmojiExample example, String caption) {
    int side = EmojiDataset.SIZE;
    INDArray image =
        Nd4j.createFromArray(data.image(example.emoji(), example.vendor(), 1, 1, 1))
            .reshape(3, side, side);
    return Pictures.of(image, 0, 1, caption, Figure.Mark.NONE);
  }

  /** On how many images latents are active. */
  static Figure densities(Trial trial) {
    List<String> names = new ArrayList<>(List.of("never"));
    double[] counts = new double[EDGES.length];
    for (int i = 1; i < EDGES.length; i++) {
      names.add(String.format(Locale.ROOT, "to %s %%", trimmed(100 * EDGES[i])));
    }
    for (double density : trial.densities()) {
      int bin = 0;
      while (density > EDGES[bin]) {
        bin++;
      }
      counts[bin]++;
    }
    List<Double> shares = new ArrayList<>();
    for (double count : counts) {
      shares.add(count / trial.densities().length);
    }
    return new Figure.BarChart(
        "How often latents are active",
        "Share of latents by the share of images on which they are active; first seed.",
        "share of latents",
        names,
        List.of(new Figure.BarGroup("latents", shares, null)));
  }

  private static String trimmed(double value) {
    return value < 1
        ? String.format(Locale.ROOT, "%.1f", value)
        : String.format(Locale.ROOT, "%.0f", value);
  }
}
