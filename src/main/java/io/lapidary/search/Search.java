package io.lapidary.search;

import io.lapidary.Check;
import io.lapidary.InputException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.apache.commons.math3.random.RandomGenerator;
import org.apache.commons.math3.random.Well19937c;
import org.deeplearning4j.arbiter.optimize.api.CandidateGenerator;
import org.deeplearning4j.arbiter.optimize.api.termination.MaxCandidatesCondition;
import org.deeplearning4j.arbiter.optimize.api.termination.MaxTimeCondition;
import org.deeplearning4j.arbiter.optimize.api.termination.TerminationCondition;
import org.deeplearning4j.arbiter.optimize.config.OptimizationConfiguration;
import org.deeplearning4j.arbiter.optimize.generator.GeneticSearchCandidateGenerator;
import org.deeplearning4j.arbiter.optimize.generator.GridSearchCandidateGenerator;
import org.deeplearning4j.arbiter.optimize.generator.RandomSearchGenerator;
import org.deeplearning4j.arbiter.optimize.generator.genetic.crossover.UniformCrossover;
import org.deeplearning4j.arbiter.optimize.generator.genetic.crossover.parentselection.RandomTwoParentSelection;
import org.deeplearning4j.arbiter.optimize.generator.genetic.mutation.RandomMutationOperator;
import org.deeplearning4j.arbiter.optimize.generator.genetic.population.PopulationModel;
import org.deeplearning4j.arbiter.optimize.generator.genetic.selection.GeneticSelectionOperator;
import org.deeplearning4j.arbiter.optimize.runner.LocalOptimizationRunner;

/**
 * A search through Arbiter. Its candidates depend on the seed and on the scores of the candidates
 * before only, so that a search that is run again over the records of an interrupted one goes on
 * where that stopped: recorded trials are answered from their record. With several trials at a time
 * a genetic search depends on the order in which they end, too.
 */
public final class Search {
  private final SearchConfig config;
  private final TrialLog log;
  private final Trial trial;
  private final Consumer<TrialRecord> listener;

  /** Trains one candidate. */
  @FunctionalInterface
  public interface Trial {
    /**
     * The score of a training with these values.
     *
     * @param number of the trial, from 0
     */
    double run(int number, Map<String, Object> values) throws Exception;
  }

  /**
   * A search whose records are in a folder; those that are there are not tried again.
   *
   * @param listener hears of every trial that ends, recorded ones left out
   */
  public Search(SearchConfig config, Path folder, Trial trial, Consumer<TrialRecord> listener) {
    this.config = Check.present("config", config);
    this.log = TrialLog.open(folder);
    this.trial = Check.present("trial", trial);
    this.listener = Check.present("listener", listener);
  }

  /** Trials on record, by number. */
  public Map<Integer, TrialRecord> records() {
    return log.all();
  }

  /**
   * Tries candidates until the search is over.
   *
   * @return the trials of this search, best first, failed ones at the end
   * @throws InputException when the folder holds trials of another search
   */
  public List<TrialRecord> run() {
    TrialTasks tasks = new TrialTasks(trial, log, listener);
    LowestScore score = new LowestScore();
    CandidateGenerator generator = generator(score);
    OptimizationConfiguration configuration =
        new OptimizationConfiguration.Builder()
            .candidateGenerator(generator)
            .dataSource(NoData.class, new Properties())
            .modelSaver(new TrialTasks.NoModels())
            .scoreFunction(score)
            .terminationConditions(conditions(generator))
            .rngSeed(config.seed())
            .build();
    LocalOptimizationRunner runner =
        new LocalOptimizationRunner(config.parallel(), configuration, tasks.creator(config));
    runner.setShutdownMaxWaitMS(TimeUnit.DAYS.toMillis(365)); // the last trials are waited for
    runner.execute();
    Optional<RuntimeException> broken = tasks.broken();
    if (broken.isPresent()) {
      throw broken.get();
    }
    return ranked(tasks.ended());
  }

  /** Best first; failed trials at the end. */
  private List<TrialRecord> ranked(List<TrialRecord> ended) {
    List<TrialRecord> ranked = new ArrayList<>(ended);
    double sign = config.score().maximize() ? -1 : 1;
    ranked.sort(
        Comparator.comparingDouble(
                (TrialRecord r) -> r.score() == null ? Double.POSITIVE_INFINITY : sign * r.score())
            .thenComparing(r -> r.score() == null)
            .thenComparingInt(TrialRecord::trial));
    return ranked;
  }

  private List<TerminationCondition> conditions(CandidateGenerator generator) {
    List<TerminationCondition> conditions = new ArrayList<>();
    int most = config.trials();
    if (generator instanceof GridSearchCandidateGenerator grid) {
      most = Math.min(most, grid.getTotalNumCandidates()); // the runner waits for more for ever
    }
    conditions.add(new MaxCandidatesCondition(most));
    if (config.minutes() != null) {
      long millis = Math.max(1, Math.round(config.minutes() * 60_000));
      conditions.add(new MaxTimeCondition(millis, TimeUnit.MILLISECONDS));
    }
    return conditions;
  }

  private CandidateGenerator generator(LowestScore score) {
    SearchSpace space = new SearchSpace(config.parameters());
    return switch (config.algorithm()) {
      case RANDOM -> new RandomSearchGenerator(space, null);
      case GRID ->
          new GridSearchCandidateGenerator(
              space, config.points(), GridSearchCandidateGenerator.Mode.Sequential, null);
      case GENETIC -> genetic(space, score);
    };
  }

  private CandidateGenerator genetic(SearchSpace space, LowestScore score) {
    RandomGenerator random = new Well19937c(config.seed());
    return new GeneticSearchCandidateGenerator.Builder(space, score)
        .populationModel(new PopulationModel.Builder().populationSize(config.population()).build())
        .selectionOperator(
            new GeneticSelectionOperator.Builder()
                .randomGenerator(random)
                .crossoverOperator(
                    new UniformCrossover.Builder()
                        .randomGenerator(random)
                        .parentSelection(new RandomTwoParentSelection(random))
                        .build())
                .mutationOperator(
                    new RandomMutationOperator.Builder()
                        .mutationRate(0.1)
                        .randomGenerator(random)
                        .build())
                .build())
        .build();
  }
}
