package io.lapidary.method.sae;

import io.lapidary.model.VisionLanguageModel;
import java.util.ArrayList;
import java.util.List;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * All tokens of some pictures where a vision-language model reads its tower.
 *
 * @param rows [pictures · tokens][d]
 * @param perPicture tokens of one picture
 */
record TowerTokens(float[][] rows, int perPicture) {
  private static final int PICTURES_AT_ONCE = 64;

  /** Pictures {@code from} to {@code to - 1} as pixels. */
  interface Pictures {
    INDArray pixels(int from, int to);
  }

  static TowerTokens of(VisionLanguageModel model, int count, Pictures pictures) {
    List<float[]> rows = new ArrayList<>();
    for (int from = 0; from < count; from += PICTURES_AT_ONCE) {
      int to = Math.min(count, from + PICTURES_AT_ONCE);
      try (INDArray pixels = pictures.pixels(from, to);
          INDArray states = model.towerState(pixels, model.lastReadBlock())) {
        rows.addAll(List.of(states.reshape('c', -1, states.size(2)).toFloatMatrix()));
      }
    }
    return new TowerTokens(rows.toArray(float[][]::new), rows.size() / count);
  }

  int width() {
    return rows[0].length;
  }
}
