package io.lapidary.method.sae;

import io.lapidary.metric.LatentActivity;
import io.lapidary.metric.Monosemanticity;
import io.lapidary.metric.ReconstructionError;
import io.lapidary.metric.ScoreSummary;
import io.lapidary.metric.TaxonomyDepth;
import io.lapidary.metric.TopActivations;
import io.lapidary.model.sae.SparseAutoencoder;
import java.util.Arrays;
import java.util.List;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Units of a representation on images that were not trained on.
 *
 * @param scores MonoSemanticity score of every unit; NaN for dead ones
 * @param densities share of images on which a unit is active
 * @param fvu share of variance that the reconstruction misses; NaN for raw neurons
 * @param activeUnits mean number of active units per image
 */
record Trial(double[] scores, double[] densities, double fvu, double activeUnits) {
  private static final int ROWS_AT_ONCE = 4096;

  /** Median score of the units that are not dead. */
  double median() {
    return ScoreSummary.of(scores).median();
  }

  /** Best score. */
  double best() {
    return scores[ScoreSummary.of(scores).ranked().get(0)];
  }

  /** Median score of the units that are active on at least {@code images} of {@code of}. */
  double medianOfActive(int images, int of) {
    return ScoreSummary.of(scores, unit -> densities[unit] * of >= images - 0.5).median();
  }

  /** An autoencoder's latents. */
  static Trial of(SparseAutoencoder sae, ConceptSet set, double[][] embeddings) {
    ReconstructionError error = new ReconstructionError(set.width());
    double[] codes = new double[set.size() * sae.config().latentWidth()];
    for (int from = 0; from < set.size(); from += ROWS_AT_ONCE) {
      int count = Math.min(ROWS_AT_ONCE, set.size() - from);
      float[][] some = Arrays.copyOfRange(set.activations(), from, from + count);
      try (INDArray x = Nd4j.createFromArray(some);
          INDArray f = sae.encode(x);
          INDArray rebuilt = sae.decode(f)) {
        double[] values = f.data().asDouble();
        System.arraycopy(values, 0, codes, from * sae.config().latentWidth(), values.length);
        error.update(ConceptSet.flat(some), rebuilt.data().asDouble(), count);
      }
    }
    return of(codes, sae.config().latentWidth(), set.size(), embeddings, error.fvu().value());
  }

  /** The neurons as they are. */
  static Trial raw(ConceptSet set, double[][] embeddings) {
    double[] codes = ConceptSet.flat(set.activations());
    return of(codes, set.width(), set.size(), embeddings, Double.NaN);
  }

  private static Trial of(double[] codes, int units, int rows, double[][] embeddings, double fvu) {
    LatentActivity activity = new LatentActivity(units);
    activity.update(codes, rows);
    double[] densities = new double[units];
    for (int unit = 0; unit < units; unit++) {
      densities[unit] = activity.density(unit);
    }
    double[] scores = Monosemanticity.of(codes, ConceptSet.flat(embeddings), rows);
    return new Trial(scores, densities, fvu, activity.l0().value());
  }

  /** How deep the 16 top images of the latents of each group agree. */
  static List<TaxonomyDepth.Group> depths(SparseAutoencoder sae, ConceptSet set, int... groups) {
    TopActivations top = new TopActivations(sae.config().latentWidth(), 16);
    try (INDArray x = Nd4j.createFromArray(set.activations());
        INDArray f = sae.encode(x)) {
      top.update(f.data().asDouble(), set.size());
    }
    return TaxonomyDepth.groups(top, set.paths(), groups);
  }
}
