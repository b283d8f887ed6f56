package io.lapidary.app.bench;

import io.lapidary.data.series.SeriesSet;
import io.lapidary.data.series.TimeSeries;
import io.lapidary.method.tivit.baseline.MiniRocket;
import io.lapidary.method.tivit.baseline.NearestNeighbour;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.BiConsumer;
import java.util.stream.IntStream;

/**
 * Times what does not run in graphs: MiniRocket, and the nearest neighbour by dynamic time warping
 * without a window.
 *
 * @param series drawn series
 * @param length of each
 * @param neighbours the first of them that warping compares with
 * @param asked the last of them whose neighbour is looked for
 */
record SeriesClassification(int series, int length, int neighbours, int asked) {
  /** 1,000 series of 512 values; 60 are compared with 100. */
  static final SeriesClassification STANDARD = new SeriesClassification(1000, 512, 100, 60);

  /**
   * Runs and times.
   *
   * @param seconds time of the counted runs of each row
   * @param print takes the name of a row and its times
   */
  void run(double seconds, long seed, BiConsumer<String, Stopwatch> print) {
    SplittableRandom random = new SplittableRandom(seed);
    List<TimeSeries> cases = new ArrayList<>();
    for (int i = 0; i < series; i++) {
      double[] values = new double[length];
      for (int t = 0; t < length; t++) {
        values[t] = random.nextGaussian();
      }
      cases.add(new TimeSeries(new double[][] {values}, i % 2));
    }
    SeriesSet all = new SeriesSet("drawn", List.of("a", "b"), cases);
    print.accept(
        "minirocket",
        time(
            seconds,
            () -> {
              MiniRocket transform = new MiniRocket(seed);
              transform.fit(all);
              transform.transform(all);
            }));
    NearestNeighbour nearest = new NearestNeighbour(NearestNeighbour.Distance.DTW, 1, true);
    nearest.fit(all.subset(IntStream.range(0, neighbours).toArray()));
    SeriesSet last = all.subset(IntStream.range(series - asked, series).toArray());
    print.accept("1nn_dtw", time(seconds, () -> nearest.predict(last)));
  }

  private static Stopwatch time(double seconds, Runnable run) {
    Stopwatch watch = new Stopwatch(seconds, System::nanoTime);
    while (watch.more()) {
      watch.start();
      run.run();
      watch.stop();
    }
    return watch;
  }
}
