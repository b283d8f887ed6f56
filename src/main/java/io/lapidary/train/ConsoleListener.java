package io.lapidary.train;

import java.io.PrintStream;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/** Shows training to a person: a progress bar on a terminal, a line now and then elsewhere. */
public final class ConsoleListener implements TrainListener {
  private final String task;
  private final PrintStream out;
  private final boolean terminal;
  private final int lineEvery;
  private ProgressBar bar;

  /**
   * A view of one run.
   *
   * @param task short name before the bar
   * @param terminal whether a bar may be drawn on {@code System.err}; else lines go to {@code out}
   * @param lineEvery steps between lines where there is no bar
   */
  public ConsoleListener(String task, PrintStream out, boolean terminal, int lineEvery) {
    this.task = task;
    this.out = out;
    this.terminal = terminal;
    this.lineEvery = Math.max(1, lineEvery);
  }

  @Override
  public void started(long firstStep, long totalSteps) {
    if (firstStep > 0) {
      out.printf(Locale.ROOT, "%s: resumed after step %d%n", task, firstStep);
    }
    if (terminal) {
      bar =
          new ProgressBarBuilder()
              .setTaskName(task)
              .setInitialMax(totalSteps)
              .startsFrom(firstStep, java.time.Duration.ZERO)
              .setStyle(ProgressBarStyle.ASCII)
              .setUpdateIntervalMillis(200)
              .build();
    }
  }

  @Override
  public void stepped(Step step) {
    String loss = format("loss", step.losses().get(TrainGraph.TOTAL));
    if (bar != null) {
      bar.stepTo(step.step());
      bar.setExtraMessage(loss);
    } else if (step.step() == 1 || step.step() % lineEvery == 0) {
      out.printf(
          Locale.ROOT,
          "%s: step %d  %s  lr %.3g  grad %.3g  %.0f examples/s%n",
          task,
          step.step(),
          loss,
          step.learningRate(),
          step.gradientNorm(),
          step.examplesPerSecond());
    }
  }

  @Override
  public void evaluated(long step, long epoch, Map<String, Double> metrics, boolean best) {
    StringBuilder text = new StringBuilder();
    new TreeMap<>(metrics).forEach((name, value) -> text.append("  ").append(format(name, value)));
    out.printf(Locale.ROOT, "%s: step %d%s%s%n", task, step, text, best ? "  (best)" : "");
  }

  @Override
  public void ended(TrainResult result) {
    closed();
    out.printf(
        Locale.ROOT,
        "%s: %s after %d steps, %.1f s%n",
        task,
        switch (result.reason()) {
          case COMPLETE -> "complete";
          case EARLY_STOP -> "stopped early, no further gain,";
          case STOPPED -> "stopped on request, can be resumed,";
        },
        result.steps(),
        result.elapsedSeconds());
  }

  @Override
  public void closed() {
    if (bar != null) {
      bar.close();
      bar = null;
    }
  }

  private static String format(String name, Double value) {
    return String.format(Locale.ROOT, "%s %.4g", name, value);
  }
}
