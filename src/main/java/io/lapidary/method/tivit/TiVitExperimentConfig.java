package io.lapidary.method.tivit;

import io.lapidary.Check;
import io.lapidary.data.series.GeneratedProblem;
import io.lapidary.train.task.MaskedAutoencoderConfig;
import java.util.List;

/**
 * What the experiment compares.
 *
 * @param encoder folder of a pretrained vision transformer, relative to the project folder; null to
 *     pretrain one for each seed as {@code pretraining} says
 * @param pretraining a masked autoencoder on emoji; may be null beside an encoder
 * @param partner an encoder of time series, trained for each seed, whose features are joined with
 *     those of pictures; null for none
 * @param generated simulated problems
 * @param archive folder of real problems, relative to the project folder; null for none. Where it
 *     is not there, the generated ones stand alone
 * @param problems names of the real problems to take; all when left out
 * @param layer the layer read; when left out the one with the best mean validation accuracy over
 *     the problems
 * @param refit whether probes learn from all training cases once the layer is chosen; the authors
 *     keep that of four fifths
 * @param dimensionCases most cases of a problem that intrinsic dimensions are measured on
 */
public record TiVitExperimentConfig(
    String encoder,
    MaskedAutoencoderConfig pretraining,
    SeriesPartner.Config partner,
    List<Generated> generated,
    String archive,
    List<String> problems,
    Integer layer,
    boolean refit,
    int dimensionCases) {

  /** Checks the fields. */
  public TiVitExperimentConfig {
    Check.that(
        encoder != null || pretraining != null,
        "name an encoder, or say under pretraining how to make one");
    generated = generated == null ? List.of() : List.copyOf(generated);
    Check.that(
        !generated.isEmpty() || archive != null, "name generated problems, an archive, or both");
    problems = problems == null ? List.of() : List.copyOf(problems);
    Check.that(layer == null || layer >= 0, "layer must be at least 0, got %s", layer);
    Check.that(dimensionCases >= 20, "dimensionCases must be at least 20, got %d", dimensionCases);
  }

  /**
   * A simulated problem, drawn anew for each seed.
   *
   * @param problem which
   * @param train training cases
   * @param test test cases
   */
  public record Generated(GeneratedProblem problem, int train, int test) {
    /** Checks the fields. */
    public Generated {
      Check.present("problem", problem);
      Check.positive("train", train);
      Check.positive("test", test);
    }
  }
}
