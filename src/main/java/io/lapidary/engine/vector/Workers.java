package io.lapidary.engine.vector;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;

/**
 * Splits a range over the cores that native ops use too ({@code OMP_NUM_THREADS}). Helpers wait for
 * work spinning for some microseconds, then asleep. While one caller uses them, others work alone.
 */
public final class Workers {
  private static final int SPINS = 2_000;
  private static final long WORTH_SHARING = 65_536;
  private static final Helper[] HELPERS = helpers();
  private static final AtomicBoolean BUSY = new AtomicBoolean();

  private Workers() {}

  /** Work on [from, to). */
  @FunctionalInterface
  public interface Range {
    void run(int from, int to);
  }

  /** Number of threads that share work, the caller's included. */
  static int count() {
    return HELPERS.length + 1;
  }

  /** Runs {@code range} over [0, count), on several threads when the work is worth a hand-over. */
  public static void run(int count, long workPerItem, Range range) {
    int pieces = count * workPerItem < WORTH_SHARING ? 1 : Math.min(HELPERS.length + 1, count);
    if (pieces < 2 || !BUSY.compareAndSet(false, true)) {
      range.run(0, count);
      return;
    }
    try {
      for (int p = 1; p < pieces; p++) {
        int from = (int) ((long) count * p / pieces);
        int to = (int) ((long) count * (p + 1) / pieces);
        HELPERS[p - 1].start(() -> range.run(from, to));
      }
      range.run(0, (int) ((long) count / pieces));
    } finally {
      RuntimeException failure = null;
      for (int p = 1; p < pieces; p++) {
        RuntimeException thrown = HELPERS[p - 1].await();
        failure = failure == null ? thrown : failure;
      }
      BUSY.set(false);
      if (failure != null) {
        throw failure;
      }
    }
  }

  private static Helper[] helpers() {
    Helper[] helpers = new Helper[threads() - 1];
    for (int i = 0; i < helpers.length; i++) {
      helpers[i] = new Helper();
      Thread thread = new Thread(helpers[i], "lapidary-kernel-" + i);
      thread.setDaemon(true);
      helpers[i].thread = thread;
      thread.start();
    }
    return helpers;
  }

  private static int threads() {
    String value = System.getenv("OMP_NUM_THREADS");
    int cores = Runtime.getRuntime().availableProcessors();
    try {
      return value == null ? cores : Math.max(1, Math.min(cores, Integer.parseInt(value.trim())));
    } catch (NumberFormatException e) {
      return cores;
    }
  }

  /** One thread that runs a task at a time. */
  private static final class Helper implements Runnable {
    private Thread thread;
    private volatile Runnable task;
    private volatile boolean asleep;
    private RuntimeException failure;

    void start(Runnable next) {
      task = next;
      if (asleep) {
        LockSupport.unpark(thread);
      }
    }

    /** Waits until the task is done; what it threw, or null. */
    RuntimeException await() {
      int spins = 0;
      while (task != null) {
        if (spins++ < SPINS) {
          Thread.onSpinWait();
        } else {
          Thread.yield();
        }
      }
      RuntimeException thrown = failure;
      failure = null;
      return thrown;
    }

    @Override
    public void run() {
      while (true) {
        Runnable next = next();
        try {
          next.run();
        } catch (RuntimeException e) {
          failure = e;
        } finally {
          task = null;
        }
      }
    }

    private Runnable next() {
      int spins = 0;
      Runnable next = task;
      while (next == null) {
        if (spins++ < SPINS) {
          Thread.onSpinWait();
        } else {
          asleep = true;
          if (task == null) {
            LockSupport.park(this);
          }
          asleep = false;
        }
        next = task;
      }
      return next;
    }
  }
}
