package io.lapidary.app;

import io.lapidary.report.Progress;
import io.lapidary.report.Terminal;
import io.lapidary.train.TrainListener;
import io.lapidary.train.TrainResult;
import java.io.PrintWriter;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/** Shows a training: progress on the standard error, evaluations and the end on the output. */
final class TrainingDisplay implements TrainListener {
  private final String task;
  private final PrintWriter out;
  private final Terminal terminal;
  private Progress progress;

  TrainingDisplay(String task, PrintWriter out, Terminal terminal) {
    this.task = task;
    this.out = out;
    this.terminal = terminal;
  }

  @Override
  public void started(long firstStep, long totalSteps) {
    if (firstStep > 0) {
      say("going on after step %d", firstStep);
    }
    progress = Progress.open(task, Math.max(0, totalSteps), terminal);
  }

  @Override
  public void stepped(Step step) {
    progress.remark(String.format(Locale.ROOT, "loss %.4g", step.losses().get("total")));
    progress.to(step.step());
  }

  @Override
  public void evaluated(long step, long epoch, Map<String, Double> metrics, boolean best) {
    StringBuilder text = new StringBuilder();
    new TreeMap<>(metrics)
        .forEach(
            (name, value) -> text.append(String.format(Locale.ROOT, "  %s %.4g", name, value)));
    say("step %d%s%s", step, text, best ? "  (best so far)" : "");
  }

  @Override
  public void ended(TrainResult result) {
    closed();
    String loss =
        result.losses().isEmpty()
            ? ""
            : String.format(Locale.ROOT, ", loss %.4g", result.losses().get("total"));
    switch (result.reason()) {
      case COMPLETE -> say("complete after %d steps%s", result.steps(), loss);
      case EARLY_STOP -> say("stopped early, no further gain, at step %d%s", result.steps(), loss);
      case STOPPED ->
          say(
              "stopped and saved after step %d%s; go on with the same command and --resume",
              result.steps(), loss);
    }
  }

  @Override
  public void closed() {
    if (progress != null) {
      progress.close();
      progress = null;
    }
  }

  private void say(String format, Object... values) {
    out.println(task + ": " + String.format(Locale.ROOT, format, values));
    out.flush();
  }
}
