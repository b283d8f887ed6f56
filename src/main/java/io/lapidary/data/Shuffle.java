package io.lapidary.data;

import io.lapidary.Seeds;
import java.util.SplittableRandom;

/** Seeded orders: the same seeds give the same order on every machine. */
public final class Shuffle {
  private Shuffle() {}

  /** A random order of 0 … n-1. */
  public static int[] order(int n, Seeds seeds) {
    int[] order = new int[n];
    for (int i = 0; i < n; i++) {
      order[i] = i;
    }
    inPlace(order, seeds);
    return order;
  }

  /** Shuffles {@code values} (Fisher-Yates). */
  public static void inPlace(int[] values, Seeds seeds) {
    SplittableRandom random = seeds.random();
    for (int i = values.length - 1; i > 0; i--) {
      int j = random.nextInt(i + 1);
      int kept = values[i];
      values[i] = values[j];
      values[j] = kept;
    }
  }
}
