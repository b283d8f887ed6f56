package io.lapidary.data;

import java.util.List;
import java.util.NoSuchElementException;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.dataset.api.MultiDataSetPreProcessor;
import org.nd4j.linalg.factory.Nd4j;

/** One pass over {@link ActivationBatches}; every batch has an array of its own. */
final class ActivationIterator implements BatchIterator {
  private static final long serialVersionUID = 1L;

  private final transient ActivationBatches source;
  private final long epoch;
  private final transient List<List<ActivationBatches.Block>> buffers;
  private transient MultiDataSetPreProcessor preProcessor;
  private transient float[] buffer = {};
  private int nextBuffer;
  private int at; // value in the buffer
  private int position;
  private boolean closed;

  ActivationIterator(ActivationBatches source, long epoch, int firstBatch) {
    this.source = source;
    this.epoch = epoch;
    this.buffers = source.buffers(epoch);
    this.position = firstBatch;
    long skip = (long) firstBatch * source.batchSize();
    while (skip > 0) { // buffers that lie before the first batch are not read
      int rows = buffers.get(nextBuffer).stream().mapToInt(ActivationBatches.Block::rows).sum();
      if (rows > skip) {
        fill();
        at = (int) skip * source.width();
        return;
      }
      skip -= rows;
      nextBuffer++;
    }
  }

  private void fill() {
    buffer = source.rows(buffers.get(nextBuffer), epoch, nextBuffer);
    nextBuffer++;
    at = 0;
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
    float[] values = new float[Math.multiplyExact(source.batchSize(), source.width())];
    int filled = 0;
    while (filled < values.length) {
      if (at == buffer.length) {
        fill();
      }
      int count = Math.min(buffer.length - at, values.length - filled);
      System.arraycopy(buffer, at, values, filled, count);
      at += count;
      filled += count;
    }
    INDArray rows = Nd4j.createFromArray(values).reshape(source.batchSize(), source.width());
    MultiDataSet batch =
        new org.nd4j.linalg.dataset.MultiDataSet(new INDArray[] {rows}, new INDArray[0]);
    position++;
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
    buffer = new float[0];
    at = 0;
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
    return true;
  }

  @Override
  public void reset() {
    throw new UnsupportedOperationException("ask the BatchSource for an epoch instead");
  }
}
