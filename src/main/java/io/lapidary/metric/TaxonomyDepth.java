package io.lapidary.metric;

import io.lapidary.Check;
import java.util.Arrays;
import java.util.List;

/**
 * How deep in a taxonomy the top rows of a latent still agree. The depth of a pair of rows is the
 * number of equal leading levels of their paths (their lowest common ancestor).
 *
 * @param mean over all pairs of rows
 * @param modal the most frequent depth; the smaller one of two
 * @param pairs number of pairs
 */
public record TaxonomyDepth(double mean, int modal, int pairs) {

  /** Depth of a latent whose rows, at least two, have these paths from the root. */
  public static TaxonomyDepth of(List<List<String>> paths) {
    Check.that(paths.size() >= 2, "needs at least 2 paths, got %d", paths.size());
    int deepest = paths.stream().mapToInt(List::size).max().orElseThrow();
    int[] counts = new int[deepest + 1];
    for (int i = 0; i < paths.size(); i++) {
      for (int j = 0; j < i; j++) {
        counts[common(paths.get(i), paths.get(j))]++;
      }
    }
    int modal = 0;
    long sum = 0;
    for (int depth = 0; depth <= deepest; depth++) {
      sum += (long) depth * counts[depth];
      modal = counts[depth] > counts[modal] ? depth : modal;
    }
    int pairs = Math.toIntExact((long) paths.size() * (paths.size() - 1) / 2);
    return new TaxonomyDepth((double) sum / pairs, modal, pairs);
  }

  /** Depth of a latent by its top rows; {@code paths} has one path per row of the data set. */
  public static TaxonomyDepth of(TopActivations top, int latent, List<List<String>> paths) {
    return of(Arrays.stream(top.indices(latent)).mapToObj(paths::get).toList());
  }

  /** Number of equal leading levels. */
  public static int common(List<String> a, List<String> b) {
    int depth = 0;
    while (depth < Math.min(a.size(), b.size()) && a.get(depth).equals(b.get(depth))) {
      depth++;
    }
    return depth;
  }

  /** The mean rounded to a whole level, halves to the even one, as the paper reports it. */
  public int rounded() {
    return (int) Math.rint(mean);
  }

  /**
   * Means over the latents of each group of a nested dictionary; latents whose k-th activation is
   * exactly 0 are left out.
   *
   * @param groupSizes latents per group, first group first, all latents in all
   */
  public static List<Group> groups(
      TopActivations top, List<List<String>> paths, int... groupSizes) {
    Check.that(
        Arrays.stream(groupSizes).allMatch(size -> size > 0)
            && Arrays.stream(groupSizes).sum() == top.latents(),
        "group sizes must be above 0 and sum to %d latents, got %s",
        top.latents(),
        Arrays.toString(groupSizes));
    Group[] groups = new Group[groupSizes.length];
    for (int group = 0, from = 0; group < groups.length; from += groupSizes[group++]) {
      int start = from;
      int end = from + groupSizes[group];
      List<TaxonomyDepth> depths =
          Arrays.stream(top.described())
              .filter(latent -> latent >= start && latent < end)
              .mapToObj(latent -> of(top, latent, paths))
              .toList();
      groups[group] = Group.of(groupSizes[group], depths);
    }
    return List.of(groups);
  }

  /**
   * Depths of one group; NaN when no latent is described.
   *
   * @param latents size of the group
   * @param described latents that count
   * @param mean of the unrounded depths
   * @param rounded mean of the rounded depths, the figure of the paper
   * @param modal mean of the modal depths
   */
  public record Group(int latents, int described, double mean, double rounded, double modal) {
    private static Group of(int latents, List<TaxonomyDepth> depths) {
      return new Group(
          latents,
          depths.size(),
          depths.stream().mapToDouble(TaxonomyDepth::mean).average().orElse(Double.NaN),
          depths.stream().mapToDouble(TaxonomyDepth::rounded).average().orElse(Double.NaN),
          depths.stream().mapToDouble(TaxonomyDepth::modal).average().orElse(Double.NaN));
    }
  }
}
