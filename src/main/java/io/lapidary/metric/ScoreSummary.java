package io.lapidary.metric;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;

/**
 * The distribution of a score over latents. NaN marks a dead latent, which counts in no statistic.
 *
 * @param total latents looked at
 * @param dead those whose score is NaN
 * @param mean NaN when all are dead
 * @param sd sample standard deviation; NaN with fewer than two scores
 * @param median NaN when all are dead
 * @param ranked indices of the others, best first, ties by index
 */
public record ScoreSummary(
    int total, int dead, double mean, double sd, double median, List<Integer> ranked) {

  /** Copies the list. */
  public ScoreSummary {
    ranked = List.copyOf(ranked);
  }

  /** Over all latents. */
  public static ScoreSummary of(double[] scores) {
    return of(scores, latent -> true);
  }

  /** Over some latents, such as those that are active on enough images. */
  public static ScoreSummary of(double[] scores, IntPredicate included) {
    int[] chosen = IntStream.range(0, scores.length).filter(included).toArray();
    List<Integer> ranked =
        Arrays.stream(chosen)
            .filter(latent -> !Double.isNaN(scores[latent]))
            .boxed()
            .sorted(Comparator.comparingDouble((Integer latent) -> -scores[latent]))
            .toList();
    double[] valid = ranked.stream().mapToDouble(latent -> scores[latent]).toArray();
    return new ScoreSummary(
        chosen.length,
        chosen.length - valid.length,
        valid.length == 0 ? Double.NaN : Statistics.mean(valid),
        valid.length < 2 ? Double.NaN : Statistics.sd(valid),
        valid.length == 0 ? Double.NaN : Statistics.median(valid),
        ranked);
  }

  /** The latents with the highest scores, best first. */
  public List<Integer> best(int count) {
    return ranked.subList(0, Math.min(count, ranked.size()));
  }

  /** The latents with the lowest scores, worst first. */
  public List<Integer> worst(int count) {
    int from = Math.max(0, ranked.size() - count);
    return IntStream.range(from, ranked.size())
        .map(i -> ranked.size() - 1 - (i - from))
        .mapToObj(ranked::get)
        .toList();
  }
}
