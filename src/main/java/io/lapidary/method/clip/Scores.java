package io.lapidary.method.clip;

import io.lapidary.Seeds;
import io.lapidary.data.EmojiExample;
import io.lapidary.engine.Parameters;
import io.lapidary.metric.RetrievalRanks;
import io.lapidary.model.Clip;
import io.lapidary.model.ClipConfig;
import java.util.List;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * What one model answers. Arrays have one entry per query, in the order of {@link EmojiWorld}.
 *
 * @param ranks rank of the right name among all names, for the other vendor's pictures of trained
 *     emoji
 * @param seenRanks the same for the trained pictures themselves
 * @param kinds subcategory given to held-out emoji in the trained vendor's style
 * @param renderedKinds the same in the other style
 */
record Scores(double[] ranks, double[] seenRanks, int[] kinds, int[] renderedKinds) {

  static Scores of(EmojiWorld world, EmojiClip model) {
    INDArray names = model.labels(world.names(), EmojiTexts.NAME_PROMPTS);
    INDArray kinds = model.labels(world.kindTexts(), EmojiTexts.KIND_PROMPTS);
    return new Scores(
        ranks(world, model, world.renderings(), names),
        ranks(world, model, world.train(), names),
        best(model, world.pixels(world.heldOut()), kinds),
        best(model, world.pixels(world.heldOutRenderings()), kinds));
  }

  private static double[] ranks(
      EmojiWorld world, EmojiClip model, List<EmojiExample> examples, INDArray names) {
    INDArray similarities = EmojiClip.cosines(model.images(world.pixels(examples)), names);
    return RetrievalRanks.byLabel(similarities, world.groups(examples), world.galleryGroups())
        .ranks();
  }

  private static int[] best(EmojiClip model, INDArray pixels, INDArray labels) {
    return EmojiClip.cosines(model.images(pixels), labels).argMax(1).toIntVector();
  }

  /** Ranks of the right emoji when pictures are compared by the squared distance of pixels. */
  static double[] pixelNeighbours(EmojiWorld world) {
    INDArray queries = flat(world, world.renderings());
    INDArray seen = flat(world, world.train());
    return neighbours(world, queries, seen);
  }

  /**
   * Ranks of the right emoji when pictures are compared by the image tower of a model with fresh
   * weights.
   */
  static double[] randomTower(ClipConfig sizes, EmojiWorld world, Seeds seeds) {
    long seed = seeds.stream("random tower").seed();
    try (Clip fresh = new Clip(sizes, new Parameters(DataType.FLOAT, seed))) {
      INDArray queries = fresh.imageEmbeddings(world.pixels(world.renderings()));
      INDArray seen = fresh.imageEmbeddings(world.pixels(world.train()));
      return neighbours(world, queries, seen);
    }
  }

  private static INDArray flat(EmojiWorld world, List<EmojiExample> examples) {
    return world.pixels(examples).reshape(examples.size(), -1);
  }

  /** Order by ‖q − s‖² is order by 2 q·s − ‖s‖² reversed. */
  private static double[] neighbours(EmojiWorld world, INDArray queries, INDArray seen) {
    INDArray similarities = Nd4j.gemm(queries, seen, false, true).muli(2);
    similarities.subiRowVector(seen.mul(seen).sum(1));
    return RetrievalRanks.byLabel(
            similarities, world.groups(world.renderings()), world.groups(world.train()))
        .ranks();
  }
}
