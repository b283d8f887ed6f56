package io.lapidary.data;

import io.lapidary.Check;
import io.lapidary.Seeds;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Batches of columns in memory. The order of epoch e comes from {@code
 * seeds.stream("shuffle").at(e)} and the change of example i from {@code
 * seeds.stream("augment").at(e).at(i)}: neither depends on batch size, threads or on where an epoch
 * was entered.
 */
public final class Batches implements BatchSource {
  private final List<Column> features;
  private final List<Column> labels;
  private final int size;
  private final int batchSize;
  private final Seeds seeds;
  private final boolean shuffle;
  private final boolean dropLast;
  private final boolean reuse;
  private final ThreadPoolExecutor background;

  private Batches(Builder b) {
    features = List.copyOf(b.features);
    labels = List.copyOf(b.labels);
    size = features.get(0).size();
    batchSize = b.batchSize;
    seeds = b.seeds;
    shuffle = b.shuffle;
    dropLast = b.dropLast;
    reuse = b.reuse;
    background = b.prefetch ? executor() : null;
  }

  /**
   * Starts a source with shuffling, dropping of an incomplete last batch, background preparation
   * and reuse of arrays.
   *
   * @param batchSize examples in a batch
   * @param seeds same seeds, same batches
   */
  public static Builder builder(int batchSize, Seeds seeds) {
    return new Builder(batchSize, seeds);
  }

  /** Collects columns and switches. */
  public static final class Builder {
    private final int batchSize;
    private final Seeds seeds;
    private final List<Column> features = new ArrayList<>();
    private final List<Column> labels = new ArrayList<>();
    private boolean shuffle = true;
    private boolean dropLast = true;
    private boolean prefetch = true;
    private boolean reuse = true;

    private Builder(int batchSize, Seeds seeds) {
      Check.positive("batchSize", batchSize);
      this.batchSize = batchSize;
      this.seeds = Check.present("seeds", seeds);
    }

    /** Adds a feature array; the order of calls is the order in the {@code MultiDataSet}. */
    public Builder feature(Column column) {
      features.add(Check.present("column", column));
      return this;
    }

    /** Adds a label array. */
    public Builder label(Column column) {
      labels.add(Check.present("column", column));
      return this;
    }

    /** Whether every epoch has an order of its own; else the order of the examples. */
    public Builder shuffle(boolean on) {
      shuffle = on;
      return this;
    }

    /** Whether an incomplete last batch is left out; else it is smaller. */
    public Builder dropLast(boolean on) {
      dropLast = on;
      return this;
    }

    /** Whether the next batch is prepared by a background thread. */
    public Builder prefetch(boolean on) {
      prefetch = on;
      return this;
    }

    /** Whether batches share arrays, see {@link BatchSource#epoch(long, int)}. */
    public Builder reuse(boolean on) {
      reuse = on;
      return this;
    }

    /** Checks that the columns fit together. */
    public Batches build() {
      Check.that(!features.isEmpty(), "a batch needs at least one feature column");
      int size = features.get(0).size();
      List<Column> all = new ArrayList<>(features);
      all.addAll(labels);
      for (Column column : all) {
        Check.that(
            column.size() == size,
            "columns have %d and %d examples; they must agree",
            size,
            column.size());
      }
      Check.that(
          size >= (dropLast ? batchSize : 1),
          "%d examples give no batch of %d; take a smaller batch or dropLast(false)",
          size,
          batchSize);
      return new Batches(this);
    }
  }

  @Override
  public int batchesPerEpoch() {
    return dropLast ? size / batchSize : (size + batchSize - 1) / batchSize;
  }

  @Override
  public int examplesPerEpoch() {
    return dropLast ? size / batchSize * batchSize : size;
  }

  @Override
  public BatchIterator epoch(long epoch, int firstBatch) {
    Check.notNegative("epoch", epoch);
    Check.between("firstBatch", firstBatch, 0, batchesPerEpoch());
    return new ColumnBatchIterator(this, epoch, firstBatch);
  }

  /** Which examples are in which order in an epoch. */
  public int[] order(long epoch) {
    Seeds stream = seeds.stream("shuffle").at(epoch);
    if (shuffle) {
      return Shuffle.order(size, stream);
    }
    int[] order = new int[size];
    Arrays.setAll(order, i -> i);
    return order;
  }

  Seeds augment(long epoch) {
    return seeds.stream("augment").at(epoch);
  }

  List<Column> features() {
    return features;
  }

  List<Column> labels() {
    return labels;
  }

  int batchSize() {
    return batchSize;
  }

  boolean reuse() {
    return reuse;
  }

  /** Null without background preparation. */
  ThreadPoolExecutor background() {
    return background;
  }

  static INDArray allocate(Column column, int rows) {
    return org.nd4j.linalg.factory.Nd4j.createUninitializedDetached(
        column.type(), column.shape(rows));
  }

  // one daemon thread that ends by itself when idle, so that a forgotten iterator leaks nothing
  private static ThreadPoolExecutor executor() {
    ThreadPoolExecutor executor =
        new ThreadPoolExecutor(
            1,
            1,
            2,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(),
            task -> {
              Thread thread = new Thread(task, "lapidary-batches");
              thread.setDaemon(true);
              return thread;
            });
    executor.allowCoreThreadTimeOut(true);
    return executor;
  }
}
