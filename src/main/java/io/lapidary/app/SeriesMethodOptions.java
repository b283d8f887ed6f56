package io.lapidary.app;

import io.lapidary.method.tivit.SeriesMethods;
import picocli.CommandLine.Option;

/** How the methods that classify series run. */
final class SeriesMethodOptions {
  @Option(
      names = "--dtw-window",
      paramLabel = "SHARE",
      defaultValue = "1",
      description = "Largest deviation of warping as a share of the length; 1.")
  private double dtwWindow;

  @Option(
      names = "--refit",
      description = "Learn probes from all training cases, not from four fifths.")
  private boolean refit;

  @Option(names = "--seed", defaultValue = "0", description = "Seed of all that is drawn; 0.")
  private long seed;

  long seed() {
    return seed;
  }

  /** The methods; {@code encoders} says whether those of the other options are needed. */
  SeriesMethods methods(TiVitOptions options, boolean encoders) {
    return options.methods(encoders, dtwWindow, refit);
  }
}
