package io.lapidary.data;

import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;

/**
 * The batches of one epoch. Feeds anything that takes a {@code MultiDataSetIterator}; closing it
 * early stops the preparation of further batches.
 */
public interface BatchIterator extends MultiDataSetIterator, AutoCloseable {
  /** The number within the epoch of the batch that {@code next()} gives. */
  int position();

  /** Ends the iteration; {@code hasNext()} is false afterwards. May be called twice. */
  @Override
  void close();
}
