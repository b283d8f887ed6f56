package io.lapidary.method.clip;

import io.lapidary.report.Figure;
import io.lapidary.report.Progress;
import io.lapidary.train.TrainListener;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Notes the loss of a training run and shows how far it is. */
final class TrainingCurve implements TrainListener {
  private static final int POINTS = 200;

  private final String name;
  private final Progress progress;
  private final List<Double> steps = new ArrayList<>();
  private final List<Double> losses = new ArrayList<>();
  private long stride = 1;
  private double sum;
  private int summed;

  TrainingCurve(String name, Progress progress) {
    this.name = name;
    this.progress = progress;
  }

  @Override
  public void started(long firstStep, long totalSteps) {
    stride = Math.max(1, totalSteps / POINTS);
  }

  @Override
  public void stepped(Step step) {
    double loss = step.losses().get("total");
    sum += loss;
    summed++;
    if (step.step() % stride == 0) {
      steps.add((double) step.step());
      losses.add(sum / summed);
      sum = 0;
      summed = 0;
    }
    progress.remark(String.format(Locale.ROOT, "loss %.3f", loss));
    progress.to(step.step());
  }

  /** The curve: mean loss of the steps between two points. */
  Figure.Series series() {
    return new Figure.Series(name, steps, losses);
  }

  double first() {
    return losses.isEmpty() ? Double.NaN : losses.get(0);
  }

  double last() {
    return losses.isEmpty() ? Double.NaN : losses.get(losses.size() - 1);
  }
}
