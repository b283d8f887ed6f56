package io.lapidary.app.bench;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.LongSupplier;

/**
 * Times repeated runs: the first {@value #WARM_UPS} do not count, for the JIT compiler's sake; then
 * runs count for the given seconds, and at least {@value #LEAST_RUNS} of them.
 */
final class Stopwatch {
  static final int WARM_UPS = 10;
  static final int LEAST_RUNS = 5;

  private final double seconds;
  private final LongSupplier clock;
  private final List<Long> runs = new ArrayList<>();
  private int warmedUp;
  private long started;
  private long end;

  /**
   * A stopwatch that has not run yet.
   *
   * @param clock nanoseconds, such as {@code System::nanoTime}
   */
  Stopwatch(double seconds, LongSupplier clock) {
    this.seconds = seconds;
    this.clock = clock;
  }

  /** Whether another run is wanted. */
  boolean more() {
    return warmedUp < WARM_UPS || runs.size() < LEAST_RUNS || clock.getAsLong() - end < 0;
  }

  void start() {
    started = clock.getAsLong();
  }

  void stop() {
    count(clock.getAsLong() - started);
  }

  /** Counts a run that was timed in another way, as one that ended now. */
  void count(long nanos) {
    if (warmedUp < WARM_UPS) {
      warmedUp++;
      end = clock.getAsLong() + (long) (seconds * 1e9);
    } else {
      runs.add(nanos);
    }
  }

  int runs() {
    return runs.size();
  }

  double minMillis() {
    return Collections.min(runs) / 1e6;
  }

  /** The upper median. */
  double medianMillis() {
    return runs.stream().sorted().skip(runs.size() / 2).findFirst().orElseThrow() / 1e6;
  }
}
