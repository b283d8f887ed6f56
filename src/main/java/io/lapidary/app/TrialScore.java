package io.lapidary.app;

import io.lapidary.search.SearchConfig;
import io.lapidary.search.SearchStoppedException;
import io.lapidary.train.TrainListener;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeSet;

/** What a training reached: the best value of a metric, or its last losses. */
final class TrialScore implements TrainListener {
  private final SearchConfig.Score wanted;
  private final TreeSet<String> seen = new TreeSet<>();
  private double best = Double.NaN;
  private double losses;
  private long counted;
  private long tail;

  TrialScore(SearchConfig.Score wanted) {
    this.wanted = wanted;
  }

  @Override
  public void started(long firstStep, long totalSteps) {
    tail = totalSteps - Math.max(1, totalSteps / 10);
  }

  @Override
  public void stepped(Step step) {
    if (step.step() > tail) {
      losses += step.losses().get("total");
      counted++;
    }
  }

  @Override
  public void evaluated(long step, long epoch, Map<String, Double> metrics, boolean isBest) {
    seen.addAll(metrics.keySet());
    Double value = metrics.get(wanted.metric());
    if (value != null && (Double.isNaN(best) || wanted.better(value, best))) {
      best = value;
    }
  }

  /** The score; every trial lacks a metric that one lacks, so the search ends there. */
  double value(Path training) {
    if (wanted.metric().equals(SearchConfig.Score.LOSS)) {
      return losses / counted;
    }
    if (!seen.contains(wanted.metric())) {
      throw new SearchStoppedException(
          String.format(
              "score.metric: %s reports no %s; it has loss%s",
              training, wanted.metric(), seen.isEmpty() ? "" : ", " + String.join(", ", seen)));
    }
    return best;
  }
}
