package io.lapidary.method.tivit.baseline;

import io.lapidary.data.series.SeriesSet;
import java.util.Arrays;

/** The features of MultiRocket, each divided by its deviation, behind those of Hydra. */
public final class MultiRocketHydra implements SeriesTransform {
  private final MultiRocket multiRocket;
  private final Hydra hydra;
  private double[] deviations;

  /** Both transforms by one seed. */
  public MultiRocketHydra(long seed) {
    multiRocket = new MultiRocket(seed);
    hydra = new Hydra(seed);
  }

  @Override
  public void fit(SeriesSet train) {
    multiRocket.fit(train);
    hydra.fit(train);
    float[][] rows = multiRocket.transform(train);
    deviations = new double[rows[0].length];
    for (int f = 0; f < deviations.length; f++) {
      double sum = 0;
      for (float[] row : rows) {
        sum += row[f];
      }
      double mean = sum / rows.length;
      double squares = 0;
      for (float[] row : rows) {
        squares += (row[f] - mean) * (row[f] - mean);
      }
      double deviation = Math.sqrt(squares / rows.length);
      deviations[f] = deviation > 1e-9 * Math.abs(mean) ? deviation : 1;
    }
  }

  @Override
  public float[][] transform(SeriesSet set) {
    float[][] first = hydra.transform(set);
    float[][] second = multiRocket.transform(set);
    float[][] rows = new float[first.length][];
    for (int i = 0; i < rows.length; i++) {
      rows[i] = Arrays.copyOf(first[i], first[i].length + second[i].length);
      for (int f = 0; f < second[i].length; f++) {
        rows[i][first[i].length + f] = (float) (second[i][f] / deviations[f]);
      }
    }
    return rows;
  }
}
