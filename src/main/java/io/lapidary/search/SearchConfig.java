package io.lapidary.search;

import io.lapidary.Check;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What is searched for.
 *
 * @param train the training file whose values are varied, relative to the search file
 * @param parameters keys of that file, such as {@code config.train.optimizer.learningRate}, and
 *     what they may be
 * @param score what is optimised
 * @param algorithm RANDOM draws evenly, GRID tries all combinations, GENETIC breeds the best;
 *     RANDOM when left out
 * @param points of a GRID along each parameter that is not a list of values; 3 when left out
 * @param population of GENETIC; a third of the trials, at least 4, when left out
 * @param trials most trials
 * @param minutes after which no trial begins; no limit when left out
 * @param parallel trials at a time; 1 when left out
 * @param seed of the candidates; 0 when left out
 */
public record SearchConfig(
    String train,
    Map<String, ParameterRange> parameters,
    Score score,
    Algorithm algorithm,
    Integer points,
    Integer population,
    int trials,
    Double minutes,
    Integer parallel,
    Long seed) {

  /** How candidates are made. */
  public enum Algorithm {
    /** Independent draws. */
    RANDOM,
    /** All combinations, in order. */
    GRID,
    /** Draws first, then crossings and mutations of the best. */
    GENETIC
  }

  /**
   * What is optimised.
   *
   * @param metric of an evaluation, such as {@code test/accuracy}, at its best over the training;
   *     or {@code loss}, the mean total loss of the last tenth of the steps
   * @param maximize whether more is better; false when left out
   */
  public record Score(String metric, Boolean maximize) {
    /** Name of the training loss. */
    public static final String LOSS = "loss";

    /** Checks the fields. */
    public Score {
      Check.that(metric != null && !metric.isBlank(), "score.metric is missing");
      maximize = maximize != null && maximize;
    }

    /** Whether {@code a} is better than {@code b}. */
    public boolean better(double a, double b) {
      return maximize ? a > b : a < b;
    }
  }

  /** Fills in defaults and checks the fields. */
  public SearchConfig {
    Check.that(train != null && !train.isBlank(), "train is missing; name a training file");
    Check.that(
        parameters != null && !parameters.isEmpty(), "parameters must name at least one key");
    parameters.forEach((key, range) -> Check.present("parameters." + key, range));
    parameters = new LinkedHashMap<>(parameters);
    Check.present("score", score);
    algorithm = algorithm == null ? Algorithm.RANDOM : algorithm;
    points = points == null ? 3 : points;
    Check.that(points >= 2, "points must be at least 2, got %d", points);
    Check.positive("trials", trials);
    population = population == null ? Math.max(4, trials / 3) : population;
    Check.that(population >= 2, "population must be at least 2, got %d", population);
    Check.that(
        minutes == null || minutes > 0 && Double.isFinite(minutes),
        "minutes must be above 0, got %s",
        minutes);
    parallel = parallel == null ? 1 : parallel;
    int cores = Runtime.getRuntime().availableProcessors();
    Check.that(
        parallel >= 1 && parallel <= cores,
        "parallel must be in [1, %d], the cores of this machine, got %d",
        cores,
        parallel);
    seed = seed == null ? 0 : seed;
  }
}
