package io.lapidary.method.sae;

import io.lapidary.Check;
import java.util.List;

/**
 * Activations of some images with an independent embedding and the place of each in a taxonomy.
 *
 * @param activations [n][d]
 * @param embeddings [n][e], each of any length above 0
 * @param paths from the root of the taxonomy down
 */
record ConceptSet(float[][] activations, double[][] embeddings, List<List<String>> paths) {
  ConceptSet {
    Check.that(
        activations.length == embeddings.length && activations.length == paths.size(),
        "%d activations, %d embeddings and %d paths",
        activations.length,
        embeddings.length,
        paths.size());
    paths = List.copyOf(paths);
  }

  int size() {
    return activations.length;
  }

  int width() {
    return activations[0].length;
  }

  static double[] flat(double[][] rows) {
    double[] all = new double[rows.length * rows[0].length];
    for (int i = 0; i < rows.length; i++) {
      System.arraycopy(rows[i], 0, all, i * rows[i].length, rows[i].length);
    }
    return all;
  }

  static double[] flat(float[][] rows) {
    double[] all = new double[rows.length * rows[0].length];
    for (int i = 0; i < rows.length; i++) {
      for (int j = 0; j < rows[i].length; j++) {
        all[i * rows[i].length + j] = rows[i][j];
      }
    }
    return all;
  }
}
