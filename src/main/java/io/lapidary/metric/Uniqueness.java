package io.lapidary.metric;

import io.lapidary.Check;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * How much the sets of top rows of two latents overlap, over all pairs of latents: a histogram of
 * the Jaccard index (size of the intersection over size of the union).
 *
 * @param k size of each set
 * @param sharing {@code sharing[c]} is the number of pairs with c rows in common
 */
public record Uniqueness(int k, long[] sharing) {

  /** Makes a copy of the counts. */
  public Uniqueness {
    sharing = sharing.clone();
    Check.that(sharing.length == k + 1, "expected %d counts, got %d", k + 1, sharing.length);
  }

  /** A copy of the counts. */
  @Override
  public long[] sharing() {
    return sharing.clone();
  }

  /** Compares some latents pair by pair, through the rows that they share. */
  public static Uniqueness of(TopActivations top, int... latents) {
    Map<Integer, List<Integer>> owners = new HashMap<>();
    long[] sharing = new long[top.k() + 1];
    int[] common = new int[latents.length];
    for (int i = 0; i < latents.length; i++) {
      Arrays.fill(common, 0, i, 0);
      for (int row : top.indices(latents[i])) {
        List<Integer> before = owners.computeIfAbsent(row, r -> new ArrayList<>());
        for (int other : before) {
          common[other]++;
        }
        before.add(i);
      }
      for (int other = 0; other < i; other++) {
        sharing[common[other]]++;
      }
    }
    return new Uniqueness(top.k(), sharing);
  }

  /** Number of pairs of latents. */
  public long pairs() {
    return Arrays.stream(sharing).sum();
  }

  /** Share of pairs with a Jaccard index above {@code threshold}; NaN without pairs. */
  public double shareAbove(double threshold) {
    long above = 0;
    for (int common = 0; common <= k; common++) {
      if ((double) common / (2 * k - common) > threshold) {
        above += sharing[common];
      }
    }
    return (double) above / pairs();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Uniqueness that && k == that.k && Arrays.equals(sharing, that.sharing);
  }

  @Override
  public int hashCode() {
    return 31 * k + Arrays.hashCode(sharing);
  }

  @Override
  public String toString() {
    return "Uniqueness of " + k + " rows, pairs by rows in common " + Arrays.toString(sharing);
  }
}
