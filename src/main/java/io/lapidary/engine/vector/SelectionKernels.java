package io.lapidary.engine.vector;

import java.nio.ByteBuffer;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/**
 * The k largest of a row as a mask. The k-th is found by its bits: counts by the upper 11, among
 * those alike by the next 11, then by the last 10 (four times 8 for short rows). Where it is 0, as
 * in rows of few positive values, counting the positive ones is enough.
 */
final class SelectionKernels {
  private static final int[] WIDE = {11, 11, 10};
  private static final int[] NARROW = {8, 8, 8, 8};
  private static final int SHORT = 1 << 14;

  private SelectionKernels() {}

  /** Rows of n, each done by one thread; a single one is shared by all. */
  static void topKMask(ByteBuffer x, ByteBuffer y, int rows, int n, int k) {
    if (rows == 1) {
      topKMaskOfRow(x, y, n, k, Workers.count());
      return;
    }
    Workers.run(
        rows,
        6L * n,
        (from, to) -> {
          for (int row = from; row < to; row++) {
            new Row(x, y, row * n, n, k, 1).run();
          }
        });
  }

  /** One row in pieces that threads share. */
  static void topKMaskOfRow(ByteBuffer x, ByteBuffer y, int n, int k, int pieces) {
    new Row(x, y, 0, n, k, pieces).run();
  }

  /** Bits of a float in the order of the numbers, without sign; both zeros are one. */
  private static int key(float value) {
    int bits = Float.floatToRawIntBits(value + 0f);
    return bits ^ (bits >> 31 | 0x80000000);
  }

  private static float value(int key) {
    return Float.intBitsToFloat(key < 0 ? key ^ 0x80000000 : ~key);
  }

  /** One row in pieces. */
  private static final class Row {
    private final ByteBuffer x;
    private final ByteBuffer y;
    private final int start;
    private final int n;
    private final int pieces;
    private final int[] widths;
    private final int[][] counts;
    private int left; // of the entries that share the bits known so far, how many are taken

    Row(ByteBuffer x, ByteBuffer y, int start, int n, int k, int pieces) {
      this.x = x;
      this.y = y;
      this.start = start;
      this.n = n;
      this.pieces = pieces;
      this.widths = n < SHORT ? NARROW : WIDE;
      this.counts = new int[pieces][1 << widths[0]];
      this.left = k;
    }

    private int from(int piece) {
      return (int) ((long) n * piece / pieces);
    }

    private void each(Workers.Range range) {
      if (pieces == 1) {
        range.run(0, 1);
      } else {
        Workers.run(pieces, n / pieces, range);
      }
    }

    void run() {
      if (zeroIsLast()) {
        return;
      }
      int known = 0;
      int bits = 0;
      for (int width : widths) {
        int prefix = known;
        int given = bits;
        int shift = 32 - given - width;
        each(
            (a, b) -> {
              for (int piece = a; piece < b; piece++) {
                count(piece, prefix, given, shift, width);
              }
            });
        known = known << width | descend(1 << width);
        bits += width;
      }
      int kth = known;
      int[] room = new int[pieces]; // entries of each piece that are equal to the k-th
      int last = kth & (1 << widths[widths.length - 1]) - 1;
      for (int piece = 0; piece < pieces; piece++) {
        room[piece] = counts[piece][last];
      }
      mark(value(kth), room);
    }

    /** Does all where the k-th largest is 0. */
    private boolean zeroIsLast() {
      int[] positive = new int[pieces];
      int[] zero = new int[pieces];
      each(
          (a, b) -> {
            for (int piece = a; piece < b; piece++) {
              countSigns(piece, positive, zero);
            }
          });
      int above = Arrays.stream(positive).sum();
      if (above > left || above + Arrays.stream(zero).sum() < left) {
        return false;
      }
      left -= above;
      mark(0, zero);
      return true;
    }

    private void countSigns(int piece, int[] positive, int[] zero) {
      int end = from(piece + 1);
      int above = 0;
      int equal = 0;
      int i = from(piece);
      for (; i + Lanes.WIDTH <= end; i += Lanes.WIDTH) {
        FloatVector values = Lanes.load(x, start + i);
        above += values.compare(VectorOperators.GT, 0).trueCount();
        equal += values.compare(VectorOperators.EQ, 0).trueCount();
      }
      for (; i < end; i++) {
        float value = x.getFloat(start + i << 2);
        above += value > 0 ? 1 : 0;
        equal += value == 0 ? 1 : 0;
      }
      positive[piece] = above;
      zero[piece] = equal;
    }

    /** Marks what is above {@code kth} and, in order, as many equal ones as are left. */
    private void mark(float kth, int[] equal) {
      int[] room = new int[pieces];
      for (int piece = 0; piece < pieces; piece++) {
        room[piece] = Math.min(left, equal[piece]);
        left -= room[piece];
      }
      each(
          (a, b) -> {
            for (int piece = a; piece < b; piece++) {
              mark(from(piece), from(piece + 1), kth, room[piece]);
            }
          });
    }

    private void count(int piece, int prefix, int given, int shift, int width) {
      int[] own = counts[piece];
      Arrays.fill(own, 0, 1 << width, 0);
      int to = start + from(piece + 1);
      int mask = (1 << width) - 1;
      if (given == 0) {
        for (int i = start + from(piece); i < to; i++) {
          own[key(x.getFloat(i << 2)) >>> shift]++;
        }
        return;
      }
      int above = 32 - given;
      for (int i = start + from(piece); i < to; i++) {
        int key = key(x.getFloat(i << 2));
        if (key >>> above == prefix) {
          own[key >>> shift & mask]++;
        }
      }
    }

    /** The bits of the k-th at this level. */
    private int descend(int size) {
      for (int bucket = size - 1; bucket > 0; bucket--) {
        int here = 0;
        for (int[] own : counts) {
          here += own[bucket];
        }
        if (here >= left) {
          return bucket;
        }
        left -= here;
      }
      return 0;
    }

    private void mark(int from, int to, float kth, int room) {
      FloatVector zero = FloatVector.zero(Lanes.SPECIES);
      FloatVector one = FloatVector.broadcast(Lanes.SPECIES, 1);
      int free = room;
      int i = from;
      for (; i + Lanes.WIDTH <= to; i += Lanes.WIDTH) {
        FloatVector values = Lanes.load(x, start + i);
        VectorMask<Float> above = values.compare(VectorOperators.GT, kth);
        Lanes.store(zero.blend(one, above), y, start + i);
        if (free > 0 && values.compare(VectorOperators.EQ, kth).anyTrue()) {
          free = ties(i, i + Lanes.WIDTH, kth, free);
        }
      }
      for (int j = i; j < to; j++) {
        y.putFloat(start + j << 2, x.getFloat(start + j << 2) > kth ? 1 : 0);
      }
      ties(i, to, kth, free);
    }

    private int ties(int from, int to, float kth, int room) {
      int free = room;
      for (int i = from; i < to && free > 0; i++) {
        if (x.getFloat(start + i << 2) == kth) {
          y.putFloat(start + i << 2, 1);
          free--;
        }
      }
      return free;
    }
  }
}
