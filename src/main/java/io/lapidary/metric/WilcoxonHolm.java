package io.lapidary.metric;

import io.lapidary.Check;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Which methods differ: all pairs by two-sided Wilcoxon signed-rank tests with Holm's step-down
 * correction, after Friedman's test, as in critical-difference diagrams (Demšar 2006; Ismail Fawaz
 * et al. 2019).
 *
 * @param ranks the comparison
 * @param p uncorrected p-values [method][method], 1 on the diagonal
 * @param significant whether a pair differs after the correction [method][method]
 * @param order methods by average rank, the best first
 * @param cliques runs of {@code order} without a significant pair, as [first, last] places; only
 *     those of two methods or more that no other contains
 */
public record WilcoxonHolm(
    MethodRanks ranks, double[][] p, boolean[][] significant, int[] order, List<int[]> cliques) {

  /**
   * Tests all pairs.
   *
   * @param level chance of any false finding, such as 0.05; when Friedman's p reaches it, no pair
   *     counts as different
   */
  public static WilcoxonHolm of(MethodRanks ranks, double level) {
    Statistics.requireLevel(level);
    int k = ranks.methods().size();
    List<int[]> pairs = new ArrayList<>();
    double[][] p = new double[k][k];
    for (int a = 0; a < k; a++) {
      p[a][a] = 1;
      for (int b = a + 1; b < k; b++) {
        p[a][b] = PairedTests.wilcoxonRounded(ranks.scores()[a], ranks.scores()[b]);
        p[b][a] = p[a][b];
        pairs.add(new int[] {a, b});
      }
    }
    double[] values = pairs.stream().mapToDouble(pair -> p[pair[0]][pair[1]]).toArray();
    double[] adjusted = PairedTests.holm(values);
    boolean alike = ranks.friedmanP() >= level;
    boolean[][] significant = new boolean[k][k];
    for (int i = 0; i < adjusted.length; i++) {
      int[] pair = pairs.get(i);
      boolean differs = !alike && adjusted[i] < level;
      significant[pair[0]][pair[1]] = differs;
      significant[pair[1]][pair[0]] = differs;
    }
    int[] order = order(ranks.averageRanks());
    return new WilcoxonHolm(ranks, p, significant, order, cliques(order, significant));
  }

  private static int[] order(double[] averages) {
    Integer[] order = new Integer[averages.length];
    Arrays.setAll(order, i -> i);
    Arrays.sort(order, (a, b) -> Double.compare(averages[a], averages[b]));
    return Arrays.stream(order).mapToInt(i -> i).toArray();
  }

  private static List<int[]> cliques(int[] order, boolean[][] significant) {
    List<int[]> cliques = new ArrayList<>();
    int reached = -1;
    for (int first = 0; first < order.length; first++) {
      int last = first;
      while (last + 1 < order.length && alike(order, first, last + 1, significant)) {
        last++;
      }
      if (last > first && last > reached) {
        cliques.add(new int[] {first, last});
        reached = last;
      }
    }
    return cliques;
  }

  private static boolean alike(int[] order, int first, int last, boolean[][] significant) {
    for (int i = first; i < last; i++) {
      if (significant[order[i]][order[last]]) {
        return false;
      }
    }
    return true;
  }

  /** Whether two methods differ. */
  public boolean differ(String a, String b) {
    int first = ranks.methods().indexOf(a);
    int second = ranks.methods().indexOf(b);
    Check.that(first >= 0 && second >= 0, "methods are %s, got %s and %s", ranks.methods(), a, b);
    return significant[first][second];
  }
}
