package io.lapidary.method.tivit;

import io.lapidary.Seeds;
import io.lapidary.data.Shuffle;
import io.lapidary.metric.IntrinsicDimension;
import io.lapidary.metric.MutualNeighbours;
import io.lapidary.metric.PrincipalComponents;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * What the features of a layer are like, labels not looked at (Roschmann et al. 2025, section 5).
 *
 * @param layer 0 enters the blocks, n leaves block n
 * @param scaling TwoNN dimension of all cases, of halves, quarters, ...
 * @param components principal components that explain the share of the variance
 */
public record LayerAnalysis(int layer, List<IntrinsicDimension.Scale> scaling, int components) {

  /** TwoNN dimension of all cases. */
  public double dimension() {
    return scaling.get(0).dimension();
  }

  /**
   * Analyses every layer.
   *
   * @param places cases that count, at least 3 different ones
   * @param share of the variance that components explain, such as 0.95
   */
  public static List<LayerAnalysis> of(
      LayerFeatures features, int[] places, double share, Seeds seeds) {
    List<LayerAnalysis> all = new ArrayList<>();
    for (int layer = 0; layer <= features.layers(); layer++) {
      double[][] rows = rows(features.layer(layer), places);
      all.add(
          new LayerAnalysis(
              layer,
              IntrinsicDimension.scaling(rows, seeds.at(layer).seed()),
              PrincipalComponents.count(rows, share)));
    }
    return all;
  }

  /**
   * Mutual k-nearest-neighbour alignment of every layer of one encoder with every layer of another,
   * [layer][other layer].
   */
  public static double[][] alignment(
      LayerFeatures first, LayerFeatures second, int[] places, int k) {
    int[][][] near = neighbours(first, places, k);
    int[][][] others = neighbours(second, places, k);
    double[][] alignment = new double[near.length][others.length];
    for (int i = 0; i < near.length; i++) {
      for (int j = 0; j < others.length; j++) {
        alignment[i][j] = MutualNeighbours.common(near[i], others[j]);
      }
    }
    return alignment;
  }

  private static int[][][] neighbours(LayerFeatures features, int[] places, int k) {
    int[][][] neighbours = new int[features.layers() + 1][][];
    for (int layer = 0; layer < neighbours.length; layer++) {
      neighbours[layer] = MutualNeighbours.neighbours(rows(features.layer(layer), places), k);
    }
    return neighbours;
  }

  /** Up to {@code most} of the cases, drawn by the seeds. */
  public static int[] sample(int cases, int most, Seeds seeds) {
    return Arrays.copyOf(Shuffle.order(cases, seeds), Math.min(most, cases));
  }

  /** Some rows as doubles. */
  static double[][] rows(float[][] all, int[] places) {
    double[][] rows = new double[places.length][];
    for (int i = 0; i < places.length; i++) {
      float[] row = all[places[i]];
      rows[i] = new double[row.length];
      for (int f = 0; f < row.length; f++) {
        rows[i][f] = row[f];
      }
    }
    return rows;
  }
}
