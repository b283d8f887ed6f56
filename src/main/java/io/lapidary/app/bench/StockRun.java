package io.lapidary.app.bench;

import io.lapidary.engine.stock.StockModel;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.dataset.api.MultiDataSetPreProcessor;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;

/**
 * Times {@code SameDiff.fit}: one call over as many batches as the stopwatch wants, as that is
 * cheaper for it than a call per batch.
 */
final class StockRun {
  private StockRun() {}

  static void time(StockModel model, long seed, Stopwatch watch) {
    PrintStream out = System.out;
    // SameDiff reports every differentiated op here, amid our results.
    System.setOut(new PrintStream(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8));
    try {
      SameDiff graph = model.build(seed);
      graph.fit(new Batches(model.batch(seed), watch), 1);
    } finally {
      System.setOut(out);
    }
  }

  /** The same batch again and again; a run lasts from one call of {@code next} to the following. */
  private static final class Batches implements MultiDataSetIterator {
    private static final long serialVersionUID = 1L;
    private final transient MultiDataSet batch;
    private final transient Stopwatch watch;
    private boolean running;

    private Batches(MultiDataSet batch, Stopwatch watch) {
      this.batch = batch;
      this.watch = watch;
    }

    @Override
    public boolean hasNext() {
      return watch.more();
    }

    @Override
    public MultiDataSet next() {
      if (running) {
        watch.stop();
      }
      running = true;
      watch.start();
      return batch;
    }

    @Override
    public MultiDataSet next(int examples) {
      return next();
    }

    @Override
    public boolean asyncSupported() {
      return false; // a thread that fetches ahead would stop the watch too early
    }

    @Override
    public boolean resetSupported() {
      return true;
    }

    @Override
    public void reset() {
      // The one batch is always at hand.
    }

    @Override
    public void setPreProcessor(MultiDataSetPreProcessor preProcessor) {
      throw new UnsupportedOperationException("the batch is ready as it is");
    }

    @Override
    public MultiDataSetPreProcessor getPreProcessor() {
      return null;
    }
  }
}
