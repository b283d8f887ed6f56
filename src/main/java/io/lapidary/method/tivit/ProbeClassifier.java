package io.lapidary.method.tivit;

import io.lapidary.Check;
import io.lapidary.Seeds;
import io.lapidary.data.series.SeriesSet;
import io.lapidary.data.series.TimeSeries;
import io.lapidary.method.tivit.baseline.SeriesClassifier;
import java.util.Arrays;
import java.util.function.Function;

/** The logistic probe on features that need no encoder: the series itself, or its pictures. */
public final class ProbeClassifier implements SeriesClassifier {
  private final Function<TimeSeries, float[]> features;
  private final boolean refit;
  private final Seeds seeds;
  private LogisticProbe probe;
  private int width;

  private ProbeClassifier(Function<TimeSeries, float[]> features, boolean refit, long seed) {
    this.features = features;
    this.refit = refit;
    this.seeds = new Seeds(seed);
  }

  /** The values of all channels, one behind the other. */
  public static ProbeClassifier raw(boolean refit, long seed) {
    return new ProbeClassifier(
        one -> {
          float[] row = new float[one.channels() * one.length()];
          for (int c = 0; c < one.channels(); c++) {
            for (int t = 0; t < one.length(); t++) {
              row[c * one.length() + t] = (float) one.values()[c][t];
            }
          }
          return row;
        },
        refit,
        seed);
  }

  /** The pixels of the pictures of all channels, one behind the other. */
  public static ProbeClassifier pixels(SeriesPictures pictures, boolean refit, long seed) {
    int area = pictures.side() * pictures.side();
    return new ProbeClassifier(
        one -> {
          float[] row = new float[one.channels() * area];
          for (int c = 0; c < one.channels(); c++) {
            System.arraycopy(pictures.picture(one.values()[c]), 0, row, c * area, area);
          }
          return row;
        },
        refit,
        seed);
  }

  @Override
  public void fit(SeriesSet train) {
    float[][] rows = rows(train);
    width = rows[0].length;
    int[] places = new int[rows.length];
    Arrays.setAll(places, i -> i);
    if (!refit) {
      places = ProbeSplit.of(rows.length, seeds.stream(train.name())).fitted();
    }
    probe = TiVitClassifier.fit(rows, train.labels(), train.classes().size(), places);
  }

  @Override
  public int[] predict(SeriesSet test) {
    Check.that(probe != null, "fit comes before predict");
    float[][] rows = rows(test);
    Check.that(
        rows[0].length == width,
        "%s: the cases give %d features, fitted to %d",
        test.name(),
        rows[0].length,
        width);
    return probe.predict(rows);
  }

  private float[][] rows(SeriesSet set) {
    return set.cases().stream().map(features).toArray(float[][]::new);
  }
}
