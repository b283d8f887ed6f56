package io.lapidary.search;

import io.lapidary.InputException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import org.deeplearning4j.arbiter.optimize.api.Candidate;
import org.deeplearning4j.arbiter.optimize.api.OptimizationResult;
import org.deeplearning4j.arbiter.optimize.api.TaskCreator;
import org.deeplearning4j.arbiter.optimize.api.data.DataProvider;
import org.deeplearning4j.arbiter.optimize.api.data.DataSource;
import org.deeplearning4j.arbiter.optimize.api.saving.ResultReference;
import org.deeplearning4j.arbiter.optimize.api.saving.ResultSaver;
import org.deeplearning4j.arbiter.optimize.api.score.ScoreFunction;
import org.deeplearning4j.arbiter.optimize.runner.CandidateInfo;
import org.deeplearning4j.arbiter.optimize.runner.CandidateStatus;
import org.deeplearning4j.arbiter.optimize.runner.IOptimizationRunner;
import org.deeplearning4j.arbiter.optimize.runner.listener.StatusListener;

/** Arbiter's tasks: each runs a trial, or answers from its record. */
final class TrialTasks {
  private final Search.Trial trial;
  private final TrialLog log;
  private final Consumer<TrialRecord> listener;
  private final List<TrialRecord> ended = new ArrayList<>();
  private RuntimeException broken;

  TrialTasks(Search.Trial trial, TrialLog log, Consumer<TrialRecord> listener) {
    this.trial = trial;
    this.log = log;
    this.listener = listener;
  }

  /** Trials of this search, recorded ones included. */
  synchronized List<TrialRecord> ended() {
    return List.copyOf(ended);
  }

  /** What made the whole search impossible. */
  synchronized Optional<RuntimeException> broken() {
    return Optional.ofNullable(broken);
  }

  TaskCreator creator(SearchConfig config) {
    return new TaskCreator() {
      @Override
      public Callable<OptimizationResult> create(
          Candidate candidate,
          DataProvider data,
          ScoreFunction score,
          List<StatusListener> listeners,
          IOptimizationRunner runner) {
        return () -> result(candidate, config);
      }

      @Override
      public Callable<OptimizationResult> create(
          Candidate candidate,
          Class<? extends DataSource> data,
          Properties properties,
          ScoreFunction score,
          List<StatusListener> listeners,
          IOptimizationRunner runner) {
        return () -> result(candidate, config);
      }
    };
  }

  @SuppressWarnings("unchecked")
  private OptimizationResult result(Candidate<?> candidate, SearchConfig config) {
    long start = System.currentTimeMillis();
    Map<String, Object> values = (Map<String, Object>) candidate.getValue();
    if (candidate.getIndex() >= config.trials()) { // begun while the last ones ran
      throw new TrialFailedException("beyond the last trial");
    }
    TrialRecord record = record(candidate.getIndex(), values);
    if (record.score() == null) {
      throw new TrialFailedException(record.failure()); // counted by Arbiter, which goes on
    }
    double score = config.score().maximize() ? -record.score() : record.score();
    CandidateInfo info =
        new CandidateInfo(
            candidate.getIndex(),
            CandidateStatus.Complete,
            score,
            start,
            start,
            System.currentTimeMillis(),
            candidate.getFlatParameters(),
            null);
    return new OptimizationResult(
        candidate, score, candidate.getIndex(), null, info, new NoModel());
  }

  private TrialRecord record(int number, Map<String, Object> values) {
    synchronized (this) {
      if (broken != null) {
        throw broken;
      }
      try {
        Optional<TrialRecord> known = log.find(number, values);
        if (known.isPresent()) {
          ended.add(known.get());
          return known.get();
        }
        Optional<TrialRecord> equal = log.alike(number, values);
        if (equal.isPresent()) { // breeding repeats itself
          log.add(equal.get());
          ended.add(equal.get());
          return equal.get();
        }
      } catch (InputException e) {
        broken = e;
        throw e;
      }
    }
    long start = System.nanoTime();
    Double score = null;
    String failure = null;
    try {
      double value = trial.run(number, values);
      score = Double.isFinite(value) ? value : null;
      failure = score == null ? "the score is " + value : null;
    } catch (SearchStoppedException e) {
      synchronized (this) {
        broken = e;
      }
      throw e;
    } catch (Exception e) { // any failure of a training is a result of the search
      failure = e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
    }
    double seconds = Math.round((System.nanoTime() - start) / 1e6) / 1e3;
    TrialRecord record = new TrialRecord(number, values, score, failure, seconds);
    synchronized (this) {
      log.add(record);
      ended.add(record);
      listener.accept(record);
    }
    return record;
  }

  /** A trial that did not give a score. */
  private static final class TrialFailedException extends RuntimeException {
    private static final long serialVersionUID = 1;

    TrialFailedException(String message) {
      super(message);
    }
  }

  /** Results carry no model: trainings save their own. */
  private static final class NoModel implements ResultReference {
    @Override
    public OptimizationResult getResult() {
      return null;
    }

    @Override
    public Object getResultModel() {
      return null;
    }
  }

  /** Saves nothing. */
  static final class NoModels implements ResultSaver {
    @Override
    public ResultReference saveModel(OptimizationResult result, Object model) {
      return new NoModel();
    }

    @Override
    public List<Class<?>> getSupportedCandidateTypes() {
      return List.of(Object.class);
    }

    @Override
    public List<Class<?>> getSupportedModelTypes() {
      return List.of(Object.class);
    }
  }
}
