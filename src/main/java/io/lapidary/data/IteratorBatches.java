package io.lapidary.data;

import io.lapidary.Check;
import java.util.NoSuchElementException;
import java.util.function.LongFunction;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.dataset.api.MultiDataSetPreProcessor;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;

/**
 * Any {@code MultiDataSetIterator}, such as one over DataVec record readers, as a source of
 * batches. Resuming within an epoch reads and drops the batches before.
 */
public final class IteratorBatches implements BatchSource {
  private final LongFunction<? extends MultiDataSetIterator> open;

  private final boolean owned;

  private IteratorBatches(LongFunction<? extends MultiDataSetIterator> open, boolean owned) {
    this.open = open;
    this.owned = owned;
  }

  /**
   * An iterator that is reset for every epoch. It must give the same batches after each reset for
   * resumed training to be exact; if it shuffles, use {@link #perEpoch}.
   */
  public static IteratorBatches of(MultiDataSetIterator iterator) {
    Check.that(
        iterator.resetSupported(),
        "%s cannot be reset; use IteratorBatches.perEpoch and open a new one for every epoch",
        iterator.getClass().getSimpleName());
    return new IteratorBatches(
        epoch -> {
          iterator.reset();
          return iterator;
        },
        false);
  }

  /**
   * Opens an iterator for every epoch; its order may depend on the epoch number. An iterator that
   * is {@code AutoCloseable} is closed after use.
   */
  public static IteratorBatches perEpoch(LongFunction<? extends MultiDataSetIterator> open) {
    return new IteratorBatches(open, true);
  }

  @Override
  public int batchesPerEpoch() {
    return UNKNOWN;
  }

  @Override
  public int examplesPerEpoch() {
    return UNKNOWN;
  }

  @Override
  public BatchIterator epoch(long epoch, int firstBatch) {
    Check.notNegative("epoch", epoch);
    Check.notNegative("firstBatch", firstBatch);
    Pass pass = new Pass(Check.present("iterator", open.apply(epoch)), owned);
    for (int i = 0; i < firstBatch; i++) {
      if (!pass.hasNext()) {
        pass.close();
        throw new IllegalArgumentException(
            "epoch " + epoch + " has " + i + " batches, cannot start at batch " + firstBatch);
      }
      pass.next();
    }
    return pass;
  }

  private static final class Pass implements BatchIterator {
    private static final long serialVersionUID = 1L;

    private final MultiDataSetIterator iterator;
    private final boolean owned;
    private int position;
    private boolean closed;

    Pass(MultiDataSetIterator iterator, boolean owned) {
      this.iterator = iterator;
      this.owned = owned;
    }

    @Override
    public boolean hasNext() {
      return !closed && iterator.hasNext();
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
      MultiDataSet batch = iterator.next();
      position++;
      return batch;
    }

    @Override
    public MultiDataSet next(int num) {
      if (!hasNext()) {
        throw new NoSuchElementException("no further batch in this epoch");
      }
      MultiDataSet batch = iterator.next(num);
      position++;
      return batch;
    }

    @Override
    public void close() {
      if (!closed && owned && iterator instanceof AutoCloseable resource) {
        try {
          resource.close();
        } catch (Exception e) {
          throw new IllegalStateException("the iterator could not be closed", e);
        }
      }
      closed = true;
    }

    @Override
    public void setPreProcessor(MultiDataSetPreProcessor preProcessor) {
      iterator.setPreProcessor(preProcessor);
    }

    @Override
    public MultiDataSetPreProcessor getPreProcessor() {
      return iterator.getPreProcessor();
    }

    @Override
    public boolean resetSupported() {
      return false;
    }

    @Override
    public boolean asyncSupported() {
      return iterator.asyncSupported();
    }

    @Override
    public void reset() {
      throw new UnsupportedOperationException("ask the BatchSource for an epoch instead");
    }
  }
}
