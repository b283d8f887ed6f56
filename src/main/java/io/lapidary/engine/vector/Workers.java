package io.lapidary.engine.vector;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * Splits a range over the cores that native ops use too ({@code OMP_NUM_THREADS}). Pieces are
 * fixed, so results do not vary.
 */
public final class Workers {
  private static final int THREADS = threads();
  private static final ExecutorService POOL =
      THREADS < 2
          ? null
          : Executors.newFixedThreadPool(
              THREADS - 1,
              task -> {
                Thread thread = new Thread(task, "lapidary-kernel");
                thread.setDaemon(true);
                return thread;
              });

  private Workers() {}

  /** Work on [from, to). */
  @FunctionalInterface
  public interface Range {
    void run(int from, int to);
  }

  private static int threads() {
    String value = System.getenv("OMP_NUM_THREADS");
    int cores = java.lang.Runtime.getRuntime().availableProcessors();
    try {
      return value == null ? cores : Math.max(1, Math.min(cores, Integer.parseInt(value.trim())));
    } catch (NumberFormatException e) {
      return cores;
    }
  }

  /** Runs {@code range} over [0, count), on several threads when the work is worth a hand-over. */
  public static void run(int count, long workPerItem, Range range) {
    int pieces = count * workPerItem < 65_536 ? 1 : Math.min(THREADS, count);
    if (pieces < 2) {
      range.run(0, count);
      return;
    }
    CountDownLatch done = new CountDownLatch(pieces - 1);
    RuntimeException[] failure = new RuntimeException[1];
    for (int p = 1; p < pieces; p++) {
      int from = (int) ((long) count * p / pieces);
      int to = (int) ((long) count * (p + 1) / pieces);
      POOL.execute(
          () -> {
            try {
              range.run(from, to);
            } catch (RuntimeException e) {
              failure[0] = e;
            } finally {
              done.countDown();
            }
          });
    }
    range.run(0, (int) ((long) count / pieces));
    boolean interrupted = false;
    while (true) {
      try {
        done.await();
        break;
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    if (failure[0] != null) {
      throw failure[0];
    }
  }
}
