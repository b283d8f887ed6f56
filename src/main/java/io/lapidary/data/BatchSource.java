package io.lapidary.data;

/**
 * A supply of batches that training can leave and come back to: epoch e gives the same batches in
 * the same order every time it is asked for.
 */
public interface BatchSource {
  /** Value of {@link #batchesPerEpoch} for a source that cannot tell. */
  int UNKNOWN = -1;

  /** Batches in one epoch, or {@link #UNKNOWN}. */
  int batchesPerEpoch();

  /** Examples in one epoch, or {@link #UNKNOWN}. */
  int examplesPerEpoch();

  /**
   * The batches of an epoch from {@code firstBatch} on, equal to those an iteration from the start
   * would give there.
   *
   * <p>A batch's arrays stay valid until the following call of {@code next()}; copy what must live
   * longer.
   */
  BatchIterator epoch(long epoch, int firstBatch);

  /** All batches of an epoch. */
  default BatchIterator epoch(long epoch) {
    return epoch(epoch, 0);
  }
}
