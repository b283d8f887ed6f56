package io.lapidary.data;

/**
 * Numbered pictures of one size with transparency. Implementations may be read by several threads.
 */
public interface Pictures {
  /** How many pictures. */
  int size();

  /** Colour channels: 3 for red, green, blue; 1 for grey. */
  int channels();

  /** Height in pixels. */
  int height();

  /** Width in pixels. */
  int width();

  /**
   * Writes picture {@code index} as planes [channels + 1, height, width], row by row: colours in
   * [0, 1] already multiplied by alpha, then alpha in [0, 1]. {@code planes} may be longer.
   */
  void read(int index, float[] planes);

  /** These pictures in another order or a part of them: picture i is {@code indices[i]} here. */
  default Pictures select(int[] indices) {
    int[] chosen = indices.clone();
    for (int index : chosen) {
      java.util.Objects.checkIndex(index, size());
    }
    Pictures all = this;
    return new Pictures() {
      @Override
      public int size() {
        return chosen.length;
      }

      @Override
      public int channels() {
        return all.channels();
      }

      @Override
      public int height() {
        return all.height();
      }

      @Override
      public int width() {
        return all.width();
      }

      @Override
      public void read(int index, float[] planes) {
        all.read(chosen[index], planes);
      }
    };
  }
}
