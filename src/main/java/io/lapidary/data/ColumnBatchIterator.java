package io.lapidary.data;

import io.lapidary.Seeds;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.dataset.api.MultiDataSetPreProcessor;

/** One pass over {@link Batches}. Two sets of arrays take turns: one is read, one is filled. */
final class ColumnBatchIterator implements BatchIterator {
  private static final long serialVersionUID = 1L;

  private final transient Batches source;
  private final transient int[] order;
  private final transient Seeds augment;
  private final transient List<Column> columns = new ArrayList<>();
  private final transient List<Column.Filler> fillers = new ArrayList<>();
  private final transient INDArray[][] slots = new INDArray[2][];
  private transient MultiDataSetPreProcessor preProcessor;
  private transient Future<MultiDataSet> pending;
  private transient int position;
  private transient boolean closed;

  ColumnBatchIterator(Batches source, long epoch, int firstBatch) {
    this.source = source;
    this.order = source.order(epoch);
    this.augment = source.augment(epoch);
    this.position = firstBatch;
    columns.addAll(source.features());
    columns.addAll(source.labels());
    columns.forEach(column -> fillers.add(column.filler()));
    prefetch();
  }

  @Override
  public boolean hasNext() {
    return !closed && position < source.batchesPerEpoch();
  }

  @Override
  public int position() {
    return position;
  }

  @Override
  public MultiDataSet next() {
    if (!hasNext()) {
      throw new NoSuchElementException("no further batch in this epoch");
    }
    MultiDataSet batch = source.background() == null ? prepare(position) : await();
    position++;
    prefetch();
    if (preProcessor != null) {
      preProcessor.preProcess(batch);
    }
    return batch;
  }

  /** Only the source's batch size is possible, since batches are numbered by it. */
  @Override
  public MultiDataSet next(int num) {
    if (num != source.batchSize()) {
      throw new IllegalArgumentException(
          "batches have " + source.batchSize() + " examples, asked for " + num);
    }
    return next();
  }

  @Override
  public void close() {
    closed = true;
    if (pending != null) {
      pending.cancel(false); // a batch in work is finished, not interrupted inside native code
      pending = null;
    }
  }

  @Override
  public void setPreProcessor(MultiDataSetPreProcessor preProcessor) {
    this.preProcessor = preProcessor;
  }

  @Override
  public MultiDataSetPreProcessor getPreProcessor() {
    return preProcessor;
  }

  @Override
  public boolean resetSupported() {
    return false;
  }

  @Override
  public boolean asyncSupported() {
    return !source.reuse();
  }

  @Override
  public void reset() {
    throw new UnsupportedOperationException("ask the BatchSource for an epoch instead");
  }

  private void prefetch() {
    if (source.background() != null && hasNext()) {
      int batch = position;
      pending = source.background().submit(() -> prepare(batch));
    }
  }

  private MultiDataSet await() {
    Future<MultiDataSet> ready = pending;
    pending = null;
    try {
      return ready.get();
    } catch (ExecutionException e) {
      closed = true;
      if (e.getCause() instanceof RuntimeException cause) {
        throw cause;
      }
      if (e.getCause() instanceof Error cause) {
        throw cause;
      }
      throw new IllegalStateException("the next batch could not be prepared", e.getCause());
    } catch (InterruptedException e) {
      ready.cancel(false);
      closed = true;
      Thread.currentThread().interrupt();
      throw new CancellationException("interrupted while the next batch was prepared");
    }
  }

  private MultiDataSet prepare(int batch) {
    int from = batch * source.batchSize();
    int to = Math.min(order.length, from + source.batchSize());
    int[] examples = Arrays.copyOfRange(order, from, to);
    INDArray[] arrays = arrays(batch, examples.length);
    for (int i = 0; i < arrays.length; i++) {
      fillers.get(i).fill(examples, augment, arrays[i]);
    }
    int features = source.features().size();
    return new org.nd4j.linalg.dataset.MultiDataSet(
        Arrays.copyOfRange(arrays, 0, features),
        Arrays.copyOfRange(arrays, features, arrays.length));
  }

  private INDArray[] arrays(int batch, int rows) {
    boolean shared = source.reuse() && rows == source.batchSize();
    INDArray[] arrays = shared ? slots[batch % 2] : null;
    if (arrays == null) {
      arrays = new INDArray[columns.size()];
      for (int i = 0; i < arrays.length; i++) {
        arrays[i] = Batches.allocate(columns.get(i), rows);
      }
      if (shared) {
        slots[batch % 2] = arrays;
      }
    }
    return arrays;
  }
}
