package io.lapidary.engine.vector;

/** Blocks of floats that a thread keeps and uses again, by place. */
final class Scratch {
  private static final ThreadLocal<Scratch> OWN = ThreadLocal.withInitial(Scratch::new);
  private final float[][] blocks = new float[16][];

  private Scratch() {}

  /** The scratch of this thread. */
  static Scratch get() {
    return OWN.get();
  }

  /**
   * At least {@code length} floats with any content, the same at every call until one asks for
   * more.
   */
  float[] take(int place, int length) {
    if (blocks[place] == null || blocks[place].length < length) {
      blocks[place] = new float[length];
    }
    return blocks[place];
  }
}
