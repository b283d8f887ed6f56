package io.lapidary.method.sae;

import io.lapidary.Seeds;
import io.lapidary.data.EmojiDataset;
import io.lapidary.data.EmojiExample;
import io.lapidary.model.Clip;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** What the image tower of a CLIP model computes for emoji, one vector per picture. */
public final class TowerActivations implements AutoCloseable {
  private static final int PICTURES_AT_ONCE = 64;

  private final Clip clip;

  /** Places of the paper, in names of its tables. */
  public enum Place {
    /** The class token after the last block. */
    BLOCK,
    /** The image embedding before it is scaled to unit length. */
    PROJECTION
  }

  private TowerActivations(Clip clip) {
    this.clip = clip;
  }

  static TowerActivations load(Path folder) {
    return new TowerActivations(Clip.load(folder));
  }

  /** Rows [n][d] of pictures on white. */
  float[][] of(EmojiDataset data, List<EmojiExample> examples, Place place) {
    List<float[]> rows = new ArrayList<>();
    for (int from = 0; from < examples.size(); from += PICTURES_AT_ONCE) {
      List<EmojiExample> some =
          examples.subList(from, Math.min(examples.size(), from + PICTURES_AT_ONCE));
      try (INDArray pixels = EmojiConcepts.pixels(data, some);
          INDArray values = values(pixels, place)) {
        rows.addAll(List.of(values.toFloatMatrix()));
      }
    }
    return rows.toArray(float[][]::new);
  }

  /** Rows of changed copies of the pictures. */
  float[][] of(
      EmojiDataset data,
      List<EmojiExample> examples,
      SaeExperimentConfig.Variation variation,
      Seeds seeds,
      Place place) {
    List<float[]> rows = new ArrayList<>();
    int count = variation.copies() * examples.size();
    for (int from = 0; from < count; from += PICTURES_AT_ONCE) {
      int to = Math.min(count, from + PICTURES_AT_ONCE);
      try (INDArray pixels = EmojiConcepts.varied(data, examples, variation, seeds, from, to);
          INDArray values = values(pixels, place)) {
        rows.addAll(List.of(values.toFloatMatrix()));
      }
    }
    return rows.toArray(float[][]::new);
  }

  private INDArray values(INDArray pixels, Place place) {
    if (place == Place.PROJECTION) {
      return clip.projectedImages(pixels);
    }
    List<INDArray> states = clip.visionHiddenStates(pixels);
    INDArray last = states.get(states.size() - 1);
    INDArray token =
        last.get(NDArrayIndex.all(), NDArrayIndex.point(0), NDArrayIndex.all()).dup('c');
    states.forEach(INDArray::close);
    return token;
  }

  @Override
  public void close() {
    clip.close();
  }
}
