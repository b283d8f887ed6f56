package io.lapidary.data;

import io.lapidary.Check;
import io.lapidary.Seeds;
import java.util.SplittableRandom;
import java.util.function.Supplier;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.concurrency.AffinityManager;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * One array of a batch: how the values of an example are laid into it. Made by the static methods;
 * a model's placeholder of the same shape takes it.
 */
public final class Column {
  private final int size;
  private final DataType type;
  private final long[] shape;
  private final Supplier<Filler> fillers;

  /** Fills a whole batch array; has scratch arrays of its own, so one per reading thread. */
  interface Filler {
    void fill(int[] examples, Seeds augment, INDArray batch);
  }

  private Column(int size, DataType type, long[] shape, Supplier<Filler> fillers) {
    this.size = size;
    this.type = type;
    this.shape = shape.clone();
    this.fillers = fillers;
  }

  /** How many examples it has. */
  public int size() {
    return size;
  }

  /** Type of the batch array. */
  public DataType type() {
    return type;
  }

  /** Shape of a batch of {@code n}: n followed by the shape of one example. */
  public long[] shape(int n) {
    long[] all = new long[shape.length + 1];
    all[0] = n;
    System.arraycopy(shape, 0, all, 1, shape.length);
    return all;
  }

  Filler filler() {
    return fillers.get();
  }

  /** Pictures [n, channels, height, width], FLOAT, changed anew in every epoch. */
  public static Column pictures(
      Pictures pictures, Augmentation augmentation, Normalization normalization) {
    return pictures(pictures, augmentation, normalization, pictures.height(), pictures.width());
  }

  /** Pictures in another size [n, channels, height, width], FLOAT. */
  public static Column pictures(
      Pictures pictures,
      Augmentation augmentation,
      Normalization normalization,
      int height,
      int width) {
    return new Column(
        pictures.size(),
        DataType.FLOAT,
        new long[] {pictures.channels(), height, width},
        () -> {
          Augmenter augmenter = new Augmenter(pictures, augmentation, normalization, height, width);
          Scratch scratch = new Scratch(augmenter.length());
          return (examples, augment, batch) -> {
            float[] values = scratch.floats(examples.length);
            for (int i = 0; i < examples.length; i++) {
              augmenter.write(examples[i], augment.at(examples[i]), values, i * augmenter.length());
            }
            put(batch, values, examples.length * augmenter.length());
          };
        });
  }

  /** Rows of numbers [n, width], FLOAT. */
  public static Column floats(float[][] rows) {
    int width = rows.length == 0 ? 0 : rows[0].length;
    for (int i = 0; i < rows.length; i++) {
      Check.that(
          rows[i].length == width, "row %d has %d values, row 0 has %d", i, rows[i].length, width);
    }
    return new Column(
        rows.length,
        DataType.FLOAT,
        new long[] {width},
        () -> {
          Scratch scratch = new Scratch(width);
          return (examples, augment, batch) -> {
            float[] values = scratch.floats(examples.length);
            for (int i = 0; i < examples.length; i++) {
              System.arraycopy(rows[examples[i]], 0, values, i * width, width);
            }
            put(batch, values, examples.length * width);
          };
        });
  }

  /** Rows of ids, such as tokens, [n, width], INT. */
  public static Column ids(int[][] rows) {
    int[][][] texts = new int[rows.length][1][];
    for (int i = 0; i < rows.length; i++) {
      texts[i][0] = rows[i];
    }
    return idChoices(texts);
  }

  /**
   * Rows of ids [n, width], INT, one drawn at random for every example and epoch: several texts for
   * one picture, for instance.
   *
   * @param texts for each example one or more rows, all of the same width
   */
  public static Column idChoices(int[][][] texts) {
    int width = texts.length == 0 ? 0 : texts[0][0].length;
    for (int i = 0; i < texts.length; i++) {
      Check.that(texts[i].length > 0, "example %d has no row of ids", i);
      for (int[] row : texts[i]) {
        Check.that(
            row.length == width,
            "example %d has a row of %d ids, expected %d",
            i,
            row.length,
            width);
      }
    }
    return new Column(
        texts.length,
        DataType.INT,
        new long[] {width},
        () -> {
          Scratch scratch = new Scratch(width);
          return (examples, augment, batch) -> {
            int[] values = scratch.ints(examples.length);
            for (int i = 0; i < examples.length; i++) {
              int[][] rows = texts[examples[i]];
              int which =
                  rows.length == 1
                      ? 0
                      : augment.at(examples[i]).stream("choice").random().nextInt(rows.length);
              System.arraycopy(rows[which], 0, values, i * width, width);
            }
            put(batch, values, examples.length * width);
          };
        });
  }

  /** What a column of random patch masks holds; see {@link #patchMasks}. */
  public enum PatchMask {
    /** Rows of the class token and the kept patches in the tokens of the batch [n, 1 + kept]. */
    KEPT,
    /** Rows of the masked patches in the patches of the batch [n, patches − kept]. */
    MASKED,
    /**
     * For every patch [n, patches] its row among the kept patches of the batch, or n · kept, one
     * row behind them, where it is masked.
     */
    RESTORED
  }

  /**
   * Random masks of masked autoencoders (He et al. 2022), drawn anew for every example and epoch,
   * INT. Columns of one batch source with the same numbers belong together.
   *
   * @param count examples
   * @param patches patches of a picture
   * @param kept patches that the encoder sees
   */
  public static Column patchMasks(int count, int patches, int kept, PatchMask part) {
    Check.that(kept > 0 && kept < patches, "kept must be in [1, %d), got %d", patches, kept);
    int width =
        switch (part) {
          case KEPT -> 1 + kept;
          case MASKED -> patches - kept;
          case RESTORED -> patches;
        };
    return new Column(
        count,
        DataType.INT,
        new long[] {width},
        () -> {
          Scratch scratch = new Scratch(width);
          return (examples, augment, batch) -> {
            int[] values = scratch.ints(examples.length);
            for (int i = 0; i < examples.length; i++) {
              int[] order = order(patches, augment.at(examples[i]).stream("mask").random());
              mask(part, order, kept, i, examples.length, values, i * width);
            }
            put(batch, values, examples.length * width);
          };
        });
  }

  private static int[] order(int patches, SplittableRandom random) {
    int[] order = new int[patches];
    for (int p = 0; p < patches; p++) {
      int other = random.nextInt(p + 1);
      order[p] = order[other];
      order[other] = p;
    }
    return order;
  }

  /** Writes one example's part; the first {@code kept} of {@code order} are kept. */
  private static void mask(
      PatchMask part, int[] order, int kept, int example, int batch, int[] values, int at) {
    int patches = order.length;
    switch (part) {
      case KEPT -> {
        values[at] = example * (patches + 1);
        for (int k = 0; k < kept; k++) {
          values[at + 1 + k] = example * (patches + 1) + 1 + order[k];
        }
      }
      case MASKED -> {
        for (int m = kept; m < patches; m++) {
          values[at + m - kept] = example * patches + order[m];
        }
      }
      case RESTORED -> {
        for (int p = 0; p < patches; p++) {
          values[at + order[p]] = p < kept ? example * kept + p : batch * kept;
        }
      }
    }
  }

  /** Class numbers [n], INT. */
  public static Column classes(int[] labels) {
    return new Column(
        labels.length,
        DataType.INT,
        new long[0],
        () -> {
          Scratch scratch = new Scratch(1);
          return (examples, augment, batch) -> {
            int[] values = scratch.ints(examples.length);
            for (int i = 0; i < examples.length; i++) {
              values[i] = labels[examples[i]];
            }
            put(batch, values, examples.length);
          };
        });
  }

  /** Classes as rows with a single 1, [n, classes], FLOAT. */
  public static Column oneHot(int[] labels, int classes) {
    for (int i = 0; i < labels.length; i++) {
      Check.that(
          labels[i] >= 0 && labels[i] < classes,
          "label %d of example %d is not in [0, %d)",
          labels[i],
          i,
          classes);
    }
    return new Column(
        labels.length,
        DataType.FLOAT,
        new long[] {classes},
        () -> {
          Scratch scratch = new Scratch(classes);
          return (examples, augment, batch) -> {
            float[] values = scratch.floats(examples.length);
            java.util.Arrays.fill(values, 0, examples.length * classes, 0f);
            for (int i = 0; i < examples.length; i++) {
              values[i * classes + labels[examples[i]]] = 1f;
            }
            put(batch, values, examples.length * classes);
          };
        });
  }

  /** Arrays on the Java heap that grow to the largest batch. */
  private static final class Scratch {
    private final int width;
    private float[] floats = {};
    private int[] ints = {};

    Scratch(int width) {
      this.width = width;
    }

    float[] floats(int rows) {
      if (floats.length < rows * width) {
        floats = new float[rows * width];
      }
      return floats;
    }

    int[] ints(int rows) {
      if (ints.length < rows * width) {
        ints = new int[rows * width];
      }
      return ints;
    }
  }

  private static void put(INDArray batch, float[] values, int length) {
    batch.data().asNioFloat().put(values, 0, length);
    onHost(batch);
  }

  private static void put(INDArray batch, int[] values, int length) {
    batch.data().asNioInt().put(values, 0, length);
    onHost(batch);
  }

  // tells a GPU backend that the host copy is the new one; does nothing on the CPU
  private static void onHost(INDArray batch) {
    Nd4j.getAffinityManager().tagLocation(batch, AffinityManager.Location.HOST);
  }
}
