package io.lapidary.method.tivit;

import io.lapidary.Check;
import io.lapidary.Seeds;
import io.lapidary.data.series.SeriesSet;
import io.lapidary.method.tivit.baseline.SeriesClassifier;
import java.util.Arrays;
import java.util.List;

/**
 * TiViT: a logistic probe, or another head, on one hidden layer of frozen encoders. Of several
 * encoders the features stand one behind the other. Where no layer is named, the one is taken whose
 * probe is right most often on the training cases held out; of equal ones that nearest to the
 * middle.
 */
public final class TiVitClassifier implements SeriesClassifier {
  private final List<Source> sources;
  private final FeatureCache cache;
  private final Head head;
  private final boolean refit;
  private final Seeds seeds;
  private int[] layers;
  private double validation;
  private RowClassifier probe;

  /**
   * An encoder and its layer.
   *
   * @param layer from 0 to the number of blocks; −1 to choose it by validation
   */
  public record Source(SeriesEncoder encoder, int layer) {
    /** Checks the layer. */
    public Source {
      Check.between("layer", layer, -1, encoder.layers());
    }
  }

  /** What learns from the features. */
  public enum Head {
    /** {@link LogisticProbe}. */
    LOGISTIC,
    /** The class whose mean of standardised features is nearest. */
    CENTROID;

    private RowClassifier fit(float[][] rows, int[] labels, int classes, int[] places) {
      return this == LOGISTIC
          ? TiVitClassifier.fit(rows, labels, classes, places)
          : new NearestCentroid(
              ProbeSplit.rows(rows, places), ProbeSplit.labels(labels, places), classes);
    }
  }

  /**
   * @param refit whether the probe is learned anew from all training cases once layers are chosen;
   *     the authors score the probe of four fifths
   * @param seed of the cases held out
   */
  public TiVitClassifier(
      List<Source> sources, FeatureCache cache, Head head, boolean refit, long seed) {
    Check.that(!sources.isEmpty(), "TiViT needs an encoder");
    this.sources = List.copyOf(sources);
    this.cache = Check.present("cache", cache);
    this.head = Check.present("head", head);
    this.refit = refit;
    this.seeds = new Seeds(seed);
  }

  @Override
  public void fit(SeriesSet train) {
    ProbeSplit split = ProbeSplit.of(train.size(), seeds.stream(train.name()));
    int[] labels = train.labels();
    int classes = train.classes().size();
    layers = new int[sources.size()];
    float[][][] chosen = new float[sources.size()][][];
    for (int s = 0; s < sources.size(); s++) {
      LayerFeatures features = cache.features(sources.get(s).encoder(), train);
      layers[s] =
          sources.get(s).layer() >= 0
              ? sources.get(s).layer()
              : best(features, labels, classes, split);
      chosen[s] = features.layer(layers[s]);
    }
    float[][] rows = joined(chosen);
    RowClassifier held = head.fit(rows, labels, classes, split.fitted());
    validation = accuracy(held, rows, labels, split.held());
    int[] all = new int[rows.length];
    Arrays.setAll(all, i -> i);
    probe = refit ? head.fit(rows, labels, classes, all) : held;
  }

  private int best(LayerFeatures features, int[] labels, int classes, ProbeSplit split) {
    int best = 0;
    double most = -1;
    double middle = features.layers() / 2.0;
    for (int layer = 0; layer <= features.layers(); layer++) {
      float[][] rows = features.layer(layer);
      RowClassifier probe = head.fit(rows, labels, classes, split.fitted());
      double accuracy = accuracy(probe, rows, labels, split.held());
      boolean nearer = Math.abs(layer - middle) < Math.abs(best - middle);
      if (accuracy > most || accuracy == most && nearer) {
        most = accuracy;
        best = layer;
      }
    }
    return best;
  }

  static LogisticProbe fit(float[][] rows, int[] labels, int classes, int[] places) {
    return new LogisticProbe()
        .fit(ProbeSplit.rows(rows, places), ProbeSplit.labels(labels, places), classes);
  }

  static double accuracy(RowClassifier probe, float[][] rows, int[] labels, int[] places) {
    int[] predicted = probe.predict(ProbeSplit.rows(rows, places));
    int right = 0;
    for (int i = 0; i < places.length; i++) {
      right += predicted[i] == labels[places[i]] ? 1 : 0;
    }
    return (double) right / places.length;
  }

  /** Rows of several matrices one behind the other. */
  static float[][] joined(float[][]... parts) {
    if (parts.length == 1) {
      return parts[0];
    }
    float[][] rows = new float[parts[0].length][];
    for (int i = 0; i < rows.length; i++) {
      int width = 0;
      for (float[][] part : parts) {
        width += part[i].length;
      }
      rows[i] = new float[width];
      int at = 0;
      for (float[][] part : parts) {
        System.arraycopy(part[i], 0, rows[i], at, part[i].length);
        at += part[i].length;
      }
    }
    return rows;
  }

  @Override
  public int[] predict(SeriesSet test) {
    Check.that(probe != null, "fit comes before predict");
    float[][][] chosen = new float[sources.size()][][];
    for (int s = 0; s < sources.size(); s++) {
      chosen[s] = cache.features(sources.get(s).encoder(), test).layer(layers[s]);
    }
    return probe.predict(joined(chosen));
  }

  /** The layer of every encoder. */
  public int[] layers() {
    return layers.clone();
  }

  /** Share of the cases held out that the probe of the others is right about. */
  public double validation() {
    return validation;
  }
}
