package io.lapidary.method.tivit;

import io.lapidary.Check;
import io.lapidary.InputException;
import io.lapidary.data.series.SeriesPreparation;
import io.lapidary.data.series.SeriesProblem;
import io.lapidary.method.tivit.baseline.Hydra;
import io.lapidary.method.tivit.baseline.MiniRocket;
import io.lapidary.method.tivit.baseline.MultiRocket;
import io.lapidary.method.tivit.baseline.MultiRocketHydra;
import io.lapidary.method.tivit.baseline.NearestNeighbour;
import io.lapidary.method.tivit.baseline.Rocket;
import io.lapidary.method.tivit.baseline.SeriesClassifier;
import io.lapidary.method.tivit.baseline.TransformClassifier;
import java.util.List;

/** Classifiers of series by the names of the command line, and one run of one of them. */
public final class SeriesMethods {
  /** All names. */
  public static final List<String> NAMES =
      List.of(
          "tivit",
          "tivit-centroid",
          "minirocket",
          "multirocket",
          "hydra",
          "multirocket-hydra",
          "rocket",
          "1nn-ed",
          "1nn-dtw",
          "raw-lr",
          "pixel-lr");

  private final List<TiVitClassifier.Source> sources;
  private final FeatureCache cache;
  private final SeriesPictures pictures;
  private final double window;
  private final boolean refit;

  /**
   * @param sources encoders of {@code tivit}; may be empty when it is not asked for
   * @param pictures of {@code pixel-lr}
   * @param window of {@code 1nn-dtw}, as a share of the length
   * @param refit whether probes learn from all training cases, see {@link TiVitClassifier}
   */
  public SeriesMethods(
      List<TiVitClassifier.Source> sources,
      FeatureCache cache,
      SeriesPictures pictures,
      double window,
      boolean refit) {
    this.sources = List.copyOf(sources);
    this.cache = Check.present("cache", cache);
    this.pictures = Check.present("pictures", pictures);
    Check.between("window", window, 0, 1);
    this.window = window;
    this.refit = refit;
  }

  /** A fresh classifier. */
  public SeriesClassifier named(String name, long seed) {
    return switch (name) {
      case "tivit" -> tivit(TiVitClassifier.Head.LOGISTIC, seed);
      case "tivit-centroid" -> tivit(TiVitClassifier.Head.CENTROID, seed);
      case "minirocket" -> new TransformClassifier(new MiniRocket(seed), true);
      case "multirocket" -> new TransformClassifier(new MultiRocket(seed), true);
      case "hydra" -> new TransformClassifier(new Hydra(seed), false);
      case "multirocket-hydra" -> new TransformClassifier(new MultiRocketHydra(seed), false);
      case "rocket" -> new TransformClassifier(new Rocket(seed), true);
      case "1nn-ed" -> new NearestNeighbour(NearestNeighbour.Distance.EUCLIDEAN, 0, true);
      case "1nn-dtw" -> new NearestNeighbour(NearestNeighbour.Distance.DTW, window, true);
      case "raw-lr" -> ProbeClassifier.raw(refit, seed);
      case "pixel-lr" -> ProbeClassifier.pixels(pictures, refit, seed);
      default -> {
        Check.that(false, "method must be one of %s, got %s", String.join(", ", NAMES), name);
        throw new AssertionError(name);
      }
    };
  }

  private TiVitClassifier tivit(TiVitClassifier.Head head, long seed) {
    return new TiVitClassifier(sources, cache, head, refit, seed);
  }

  /** Whether the method reads the encoders. */
  public static boolean usesEncoders(String name) {
    return name.startsWith("tivit");
  }

  /**
   * One run.
   *
   * @param classifier as it was fitted
   * @param predicted class of every test case
   * @param accuracy share of the test cases that is right
   * @param seconds of fitting and predicting
   */
  public record Outcome(
      SeriesClassifier classifier, int[] predicted, double accuracy, double seconds) {}

  /**
   * Fits a method to the training part and scores it on the test part. 1-NN sees series as long as
   * they are, the others all with one length and without missing values.
   *
   * @throws InputException when the training part has a single class
   */
  public Outcome run(String name, SeriesProblem problem, long seed) {
    requireTwoClasses(problem);
    SeriesClassifier classifier = named(name, seed);
    boolean ownLength = classifier instanceof NearestNeighbour;
    SeriesProblem used =
        ownLength
            ? new SeriesProblem(
                SeriesPreparation.interpolated(problem.train()),
                SeriesPreparation.interpolated(problem.test()))
            : SeriesPreparation.complete(problem);
    long start = System.nanoTime();
    classifier.fit(used.train());
    int[] predicted = classifier.predict(used.test());
    double seconds = (System.nanoTime() - start) / 1e9;
    int[] labels = problem.test().labels();
    int right = 0;
    for (int i = 0; i < labels.length; i++) {
      right += predicted[i] == labels[i] ? 1 : 0;
    }
    return new Outcome(classifier, predicted, (double) right / labels.length, seconds);
  }

  private static void requireTwoClasses(SeriesProblem problem) {
    if (problem.train().classes().size() < 2) {
      throw InputException.of(
          "%s: all training cases are of class '%s'; a classifier needs two classes",
          problem.name(), problem.train().classes().get(0));
    }
  }
}
