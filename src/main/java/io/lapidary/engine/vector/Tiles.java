package io.lapidary.engine.vector;

import static io.lapidary.engine.vector.Lanes.SPECIES;
import static io.lapidary.engine.vector.Lanes.WIDTH;

import jdk.incubator.vector.FloatVector;

/**
 * Matrix products of packed blocks, {@link #ROWS} rows of the result at a time, held in registers.
 * Nothing has a tail here: whoever packs pads rows to a multiple of {@link #ROWS} and columns to
 * one of the vector length.
 */
final class Tiles {
  /** Rows of a tile: with two vectors of columns, what 16 vector registers can hold. */
  static final int ROWS = 6;

  private Tiles() {}

  /** The next multiple of {@link #ROWS}. */
  static int rows(int count) {
    return (count + ROWS - 1) / ROWS * ROWS;
  }

  /** The next multiple of the vector length. */
  static int columns(int count) {
    return (count + WIDTH - 1) / WIDTH * WIDTH;
  }

  /**
   * c = a b or, when {@code add}, c += a b for {@link #ROWS} rows.
   *
   * @param b [depth, columns] from {@code bAt} on, rows {@code bLead} apart
   * @param c [ROWS, columns] from {@code cAt} on, rows {@code cLead} apart
   * @param columns a multiple of the vector length
   */
  static void product(
      float[] a,
      int aAt,
      int aRow,
      int aStep,
      float[] b,
      int bAt,
      int bLead,
      float[] c,
      int cAt,
      int cLead,
      int columns,
      int depth,
      boolean add) {
    int j = 0;
    for (; j + 2 * WIDTH <= columns; j += 2 * WIDTH) {
      two(a, aAt, aRow, aStep, b, bAt + j, bLead, c, cAt + j, cLead, depth, add);
    }
    if (j < columns) {
      one(a, aAt, aRow, aStep, b, bAt + j, bLead, c, cAt + j, cLead, depth, add);
    }
  }

  private static FloatVector start(float[] c, int at, boolean add) {
    return add ? FloatVector.fromArray(SPECIES, c, at) : FloatVector.zero(SPECIES);
  }

  private static FloatVector all(float[] a, int at) {
    return FloatVector.broadcast(SPECIES, a[at]);
  }

  private static void two(
      float[] a,
      int aAt,
      int aRow,
      int aStep,
      float[] b,
      int bAt,
      int bLead,
      float[] c,
      int cAt,
      int cLead,
      int depth,
      boolean add) {
    int w = WIDTH;
    int c1 = cAt + cLead;
    int c2 = c1 + cLead;
    int c3 = c2 + cLead;
    int c4 = c3 + cLead;
    int c5 = c4 + cLead;
    FloatVector s0 = start(c, cAt, add);
    FloatVector t0 = start(c, cAt + w, add);
    FloatVector s1 = start(c, c1, add);
    FloatVector t1 = start(c, c1 + w, add);
    FloatVector s2 = start(c, c2, add);
    FloatVector t2 = start(c, c2 + w, add);
    FloatVector s3 = start(c, c3, add);
    FloatVector t3 = start(c, c3 + w, add);
    FloatVector s4 = start(c, c4, add);
    FloatVector t4 = start(c, c4 + w, add);
    FloatVector s5 = start(c, c5, add);
    FloatVector t5 = start(c, c5 + w, add);
    int p = aAt;
    int q = bAt;
    for (int k = 0; k < depth; k++) {
      FloatVector x = FloatVector.fromArray(SPECIES, b, q);
      FloatVector y = FloatVector.fromArray(SPECIES, b, q + w);
      FloatVector e = all(a, p);
      s0 = e.fma(x, s0);
      t0 = e.fma(y, t0);
      e = all(a, p + aRow);
      s1 = e.fma(x, s1);
      t1 = e.fma(y, t1);
      e = all(a, p + 2 * aRow);
      s2 = e.fma(x, s2);
      t2 = e.fma(y, t2);
      e = all(a, p + 3 * aRow);
      s3 = e.fma(x, s3);
      t3 = e.fma(y, t3);
      e = all(a, p + 4 * aRow);
      s4 = e.fma(x, s4);
      t4 = e.fma(y, t4);
      e = all(a, p + 5 * aRow);
      s5 = e.fma(x, s5);
      t5 = e.fma(y, t5);
      p += aStep;
      q += bLead;
    }
    s0.intoArray(c, cAt);
    t0.intoArray(c, cAt + w);
    s1.intoArray(c, c1);
    t1.intoArray(c, c1 + w);
    s2.intoArray(c, c2);
    t2.intoArray(c, c2 + w);
    s3.intoArray(c, c3);
    t3.intoArray(c, c3 + w);
    s4.intoArray(c, c4);
    t4.intoArray(c, c4 + w);
    s5.intoArray(c, c5);
    t5.intoArray(c, c5 + w);
  }

  private static void one(
      float[] a,
      int aAt,
      int aRow,
      int aStep,
      float[] b,
      int bAt,
      int bLead,
      float[] c,
      int cAt,
      int cLead,
      int depth,
      boolean add) {
    int c1 = cAt + cLead;
    int c2 = c1 + cLead;
    int c3 = c2 + cLead;
    int c4 = c3 + cLead;
    int c5 = c4 + cLead;
    FloatVector s0 = start(c, cAt, add);
    FloatVector s1 = start(c, c1, add);
    FloatVector s2 = start(c, c2, add);
    FloatVector s3 = start(c, c3, add);
    FloatVector s4 = start(c, c4, add);
    FloatVector s5 = start(c, c5, add);
    int p = aAt;
    int q = bAt;
    for (int k = 0; k < depth; k++) {
      FloatVector x = FloatVector.fromArray(SPECIES, b, q);
      s0 = all(a, p).fma(x, s0);
      s1 = all(a, p + aRow).fma(x, s1);
      s2 = all(a, p + 2 * aRow).fma(x, s2);
      s3 = all(a, p + 3 * aRow).fma(x, s3);
      s4 = all(a, p + 4 * aRow).fma(x, s4);
      s5 = all(a, p + 5 * aRow).fma(x, s5);
      p += aStep;
      q += bLead;
    }
    s0.intoArray(c, cAt);
    s1.intoArray(c, c1);
    s2.intoArray(c, c2);
    s3.intoArray(c, c3);
    s4.intoArray(c, c4);
    s5.intoArray(c, c5);
  }
}
