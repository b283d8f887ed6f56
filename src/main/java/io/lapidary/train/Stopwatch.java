package io.lapidary.train;

/** Training time over all parts of a run, and examples per second without pauses. */
final class Stopwatch {
  private long begun = System.nanoTime();
  private double before;
  private long rateBegun = begun;
  private long pausedAt;
  private long examples;
  private double lastRate;

  /** Goes on after {@code seconds} of an earlier part. */
  void startAt(double seconds) {
    before = seconds;
    begun = System.nanoTime();
    rateBegun = begun;
  }

  double seconds() {
    return before + (System.nanoTime() - begun) / 1e9;
  }

  void count(long more) {
    examples += more;
    double time = (System.nanoTime() - rateBegun) / 1e9;
    lastRate = time > 0 ? examples / time : 0;
  }

  /** Examples per second since the rate was last restarted. */
  double examplesPerSecond() {
    return lastRate;
  }

  void restartRate() {
    examples = 0;
    rateBegun = System.nanoTime();
  }

  /** Stops counting for the rate, until {@link #go}. */
  void pause() {
    pausedAt = System.nanoTime();
  }

  void go() {
    rateBegun += System.nanoTime() - pausedAt;
  }
}
