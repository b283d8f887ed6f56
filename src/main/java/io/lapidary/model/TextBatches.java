package io.lapidary.model;

import io.lapidary.Check;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.function.BinaryOperator;
import java.util.stream.IntStream;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * Runs an encoder over texts of all lengths: those of like length share a batch, and few shapes
 * occur, so that plans are used again.
 */
public final class TextBatches {
  private static final int BATCH = 32;
  private static final int[] LENGTHS = {16, 32, 48, 64, 96, 128, 192, 256, 384, 512};

  private TextBatches() {}

  /**
   * One row per text, in the order of the texts; the caller closes the result.
   *
   * @param texts ids of each text, none longer than {@code longest}
   * @param padding id that fills short rows at their end
   * @param longest most ids that the encoder takes
   * @param width of the rows
   * @param encoder makes rows [B, width] of ids [B, T] and a mask [B, T] with 1 for real ids
   */
  public static INDArray run(
      List<int[]> texts, int padding, int longest, long width, BinaryOperator<INDArray> encoder) {
    Check.that(!texts.isEmpty(), "at least one text is needed");
    int[] order =
        IntStream.range(0, texts.size())
            .boxed()
            .sorted(Comparator.comparingInt(i -> texts.get(i).length))
            .mapToInt(Integer::intValue)
            .toArray();
    INDArray all = Nd4j.createUninitialized(DataType.FLOAT, new long[] {order.length, width}, 'c');
    for (int from = 0; from < order.length; from += BATCH) {
      int here = Math.min(BATCH, order.length - from);
      int rows = here == 1 ? 1 : Integer.highestOneBit(here - 1) * 2; // few batch sizes, too
      int tokens = padded(texts.get(order[from + here - 1]).length, longest);
      int[][] ids = new int[rows][tokens];
      int[][] mask = new int[rows][tokens];
      for (int row = 0; row < rows; row++) {
        int[] text = row < here ? texts.get(order[from + row]) : new int[0];
        Arrays.fill(ids[row], padding);
        System.arraycopy(text, 0, ids[row], 0, text.length);
        Arrays.fill(mask[row], 0, text.length, 1);
      }
      try (INDArray made = encoder.apply(Nd4j.createFromArray(ids), Nd4j.createFromArray(mask))) {
        for (int row = 0; row < here; row++) {
          all.get(NDArrayIndex.point(order[from + row]), NDArrayIndex.all())
              .assign(made.get(NDArrayIndex.point(row), NDArrayIndex.all()));
        }
      }
    }
    return all;
  }

  private static int padded(int length, int longest) {
    for (int size : LENGTHS) {
      if (size >= length && size <= longest) {
        return size;
      }
    }
    return longest;
  }
}
