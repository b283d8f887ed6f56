package io.lapidary.method.tivit.baseline;

import jdk.incubator.vector.VectorShape;

/** The width of vectors over arrays of the heap. */
final class HeapVectors {
  /** Wider ones are slower: half of their loads cross a cache line. */
  static final VectorShape SHAPE =
      VectorShape.preferredShape().vectorBitSize() > VectorShape.S_256_BIT.vectorBitSize()
          ? VectorShape.S_256_BIT
          : VectorShape.preferredShape();

  private HeapVectors() {}
}
