package io.lapidary.engine.vector;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** One row in any number of pieces gives one mask. */
class SelectionKernelsTest {

  @Test
  void piecesShareEqualValuesInOrder() {
    for (int seed = 0; seed < 40; seed++) {
      SplittableRandom random = new SplittableRandom(seed);
      int n = random.nextInt(1, 5000);
      int k = random.nextInt(1, n + 1);
      ByteBuffer x = floats(n);
      float[] values = new float[n];
      for (int i = 0; i < n; i++) {
        values[i] = Math.max(0, random.nextInt(-30, 12) / 7f); // equal ones in every piece
        x.putFloat(4 * i, values[i]);
      }
      float[] expected = new float[n];
      IntStream.range(0, n)
          .boxed()
          .sorted((a, b) -> Float.compare(values[b], values[a]))
          .limit(k)
          .forEach(i -> expected[i] = 1);
      for (int pieces = 1; pieces < 6; pieces++) {
        ByteBuffer y = floats(n);
        SelectionKernels.topKMaskOfRow(x, y, n, k, pieces);
        float[] got = new float[n];
        y.asFloatBuffer().get(got);
        assertThat(got).as("seed %d, %d pieces", seed, pieces).isEqualTo(expected);
      }
    }
  }

  private static ByteBuffer floats(int n) {
    return ByteBuffer.allocateDirect(4 * n).order(ByteOrder.nativeOrder());
  }
}
