package io.lapidary.report;

import io.lapidary.Check;
import java.io.PrintStream;
import java.time.Duration;
import java.util.Locale;
import java.util.function.LongSupplier;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/**
 * Shows how far a task is: a moving bar with the time left on a terminal, else a line about every
 * ten seconds. Writes to the standard error, so that standard output stays clean. Use it from one
 * thread and close it.
 */
public abstract class Progress implements AutoCloseable {
  private static final Duration PAUSE = Duration.ofSeconds(10);

  Progress() {}

  /**
   * Starts a display.
   *
   * @param task one or two words
   * @param total number of steps, 0 when unknown
   */
  public static Progress open(String task, long total, Terminal terminal) {
    return open(task, total, terminal, System.err);
  }

  static Progress open(String task, long total, Terminal terminal, PrintStream err) {
    Check.present("task", task);
    Check.that(total >= 0, "total must be at least 0, got %d", total);
    return terminal.interactive()
        ? new Bar(task, total, terminal, err)
        : new Lines(task, total, err, System::nanoTime);
  }

  /** A display that shows nothing. */
  public static Progress silent() {
    return new Silent();
  }

  /** Says that {@code done} steps are done. */
  public abstract void to(long done);

  /** Sets the remark behind the bar, for example the loss. */
  public abstract void remark(String text);

  @Override
  public abstract void close();

  private static final class Bar extends Progress {
    private final ProgressBar bar;

    Bar(String task, long total, Terminal terminal, PrintStream err) {
      bar =
          new ProgressBarBuilder()
              .setTaskName(task)
              .setInitialMax(total == 0 ? -1 : total)
              .setStyle(
                  terminal.unicode() ? ProgressBarStyle.UNICODE_BLOCK : ProgressBarStyle.ASCII)
              .setConsumer(new ConsoleProgressBarConsumer(err, terminal.width() - 1))
              .setUpdateIntervalMillis(200)
              .build();
    }

    @Override
    public void to(long done) {
      bar.stepTo(done);
    }

    @Override
    public void remark(String text) {
      bar.setExtraMessage(" " + text);
    }

    @Override
    public void close() {
      bar.close();
    }
  }

  private static final class Silent extends Progress {
    @Override
    public void to(long done) {}

    @Override
    public void remark(String text) {}

    @Override
    public void close() {}
  }

  /** One line per pause. */
  static final class Lines extends Progress {
    private final String task;
    private final long total;
    private final PrintStream out;
    private final LongSupplier nanos;
    private final long start;
    private long printedAt;
    private long printed;
    private long done;
    private String remark = "";

    Lines(String task, long total, PrintStream out, LongSupplier nanos) {
      this.task = task;
      this.total = total;
      this.out = out;
      this.nanos = nanos;
      this.start = nanos.getAsLong();
      this.printedAt = start;
    }

    @Override
    public void to(long done) {
      this.done = done;
      if (nanos.getAsLong() - printedAt >= PAUSE.toNanos()) {
        print();
      }
    }

    @Override
    public void remark(String text) {
      remark = text;
    }

    /** Says how it ended if a line was printed before: short tasks stay silent. */
    @Override
    public void close() {
      if (printedAt != start && printed != done) {
        print();
      }
    }

    private void print() {
      printedAt = nanos.getAsLong();
      printed = done;
      double seconds = (printedAt - start) / 1e9;
      StringBuilder line = new StringBuilder(task).append(": ").append(done);
      if (total > 0) {
        line.append('/').append(total);
        line.append(String.format(Locale.ROOT, " (%.0f%%)", 100.0 * done / total));
      }
      line.append(", ").append(clock(seconds)).append(" gone");
      if (total > done && done > 0) {
        line.append(", ").append(clock(seconds * (total - done) / done)).append(" left");
      }
      out.println(remark.isEmpty() ? line : line.append(", ").append(remark));
      out.flush();
    }

    private static String clock(double seconds) {
      long whole = Math.round(seconds);
      return whole >= 3600
          ? String.format("%d:%02d:%02d", whole / 3600, whole / 60 % 60, whole % 60)
          : String.format("%d:%02d", whole / 60, whole % 60);
    }
  }
}
