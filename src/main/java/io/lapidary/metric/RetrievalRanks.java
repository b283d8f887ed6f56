package io.lapidary.metric;

import io.lapidary.Check;
import java.util.Arrays;
import java.util.function.IntPredicate;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Where the first right answer of each query stands when a gallery is sorted by similarity, highest
 * first. A query may have several right answers; the first one counts.
 *
 * <p>Equal similarities are counted <em>against</em> the query: wrong answers of the same
 * similarity stand before the right one, so an encoder that maps everything to one point scores
 * like the worst, not like a perfect one. {@link #fairRanks} gives the expectation over a random
 * order of ties instead.
 */
public final class RetrievalRanks {
  private final int gallery;
  private int[] above = new int[64];
  private int[] tiedWrong = new int[64];
  private int[] tiedRight = new int[64];
  private int queries;

  /** No queries yet, over a gallery of this size. */
  public RetrievalRanks(int gallery) {
    Check.positive("gallery", gallery);
    this.gallery = gallery;
  }

  /**
   * Ranks from a whole matrix.
   *
   * @param similarities [queries, gallery]
   * @param correct the right gallery index of each query
   */
  public static RetrievalRanks of(INDArray similarities, int... correct) {
    RetrievalRanks ranks = sized(similarities, correct.length, "correct indices");
    for (int q = 0; q < correct.length; q++) {
      int right = correct[q];
      Check.that(
          right >= 0 && right < ranks.gallery,
          "correct index of query %d must be in [0, %d), got %d",
          q,
          ranks.gallery,
          right);
      ranks.add(similarities.getRow(q).toDoubleVector(), g -> g == right);
    }
    return ranks;
  }

  /**
   * Ranks from a whole matrix where every gallery item of the query's label is right.
   *
   * @param similarities [queries, gallery]
   */
  public static RetrievalRanks byLabel(
      INDArray similarities, int[] queryLabels, int[] galleryLabels) {
    RetrievalRanks ranks = sized(similarities, queryLabels.length, "query labels");
    Check.that(
        galleryLabels.length == ranks.gallery,
        "similarities have %d columns, got %d gallery labels",
        ranks.gallery,
        galleryLabels.length);
    for (int q = 0; q < queryLabels.length; q++) {
      int label = queryLabels[q];
      ranks.add(similarities.getRow(q).toDoubleVector(), g -> galleryLabels[g] == label);
    }
    return ranks;
  }

  private static RetrievalRanks sized(INDArray similarities, int queries, String what) {
    Check.that(
        similarities.rank() == 2 && similarities.size(0) == queries,
        "similarities must be [%d, gallery] for %d %s, got %s",
        queries,
        queries,
        what,
        Arrays.toString(similarities.shape()));
    return new RetrievalRanks((int) similarities.size(1));
  }

  /**
   * Adds a query.
   *
   * @param similarities one per gallery item, none NaN
   * @param right which gallery items are right answers, at least one
   */
  public void add(double[] similarities, IntPredicate right) {
    Check.that(
        similarities.length == gallery,
        "query %d has %d similarities for a gallery of %d",
        queries,
        similarities.length,
        gallery);
    double best = Double.NaN;
    for (int g = 0; g < gallery; g++) {
      Check.that(
          !Double.isNaN(similarities[g]), "similarity of query %d to item %d is NaN", queries, g);
      if (right.test(g) && !(similarities[g] <= best)) {
        best = similarities[g];
      }
    }
    Check.that(!Double.isNaN(best), "query %d has no right answer in the gallery", queries);
    if (queries == above.length) {
      above = Arrays.copyOf(above, 2 * queries);
      tiedWrong = Arrays.copyOf(tiedWrong, 2 * queries);
      tiedRight = Arrays.copyOf(tiedRight, 2 * queries);
    }
    for (int g = 0; g < gallery; g++) {
      if (similarities[g] > best) {
        above[queries]++;
      } else if (similarities[g] == best) {
        (right.test(g) ? tiedRight : tiedWrong)[queries]++;
      }
    }
    queries++;
  }

  /** Number of queries so far. */
  public int queries() {
    return queries;
  }

  /** The rank of each query's first right answer, from 1, ties against the query. */
  public double[] ranks() {
    double[] ranks = new double[queries];
    Arrays.setAll(ranks, q -> above[q] + tiedWrong[q] + 1.0);
    return ranks;
  }

  /** The expected rank of each query's first right answer when ties fall in random order. */
  public double[] fairRanks() {
    double[] ranks = new double[queries];
    Arrays.setAll(
        ranks, q -> above[q] + (tiedWrong[q] + tiedRight[q] + 1.0) / (tiedRight[q] + 1.0));
    return ranks;
  }

  /** Share of queries with a right answer among the first k. */
  public MetricValue recallAt(int k) {
    Check.positive("k", k);
    return value("recall@" + k, Arrays.stream(ranks()).map(r -> r <= k ? 1 : 0).toArray());
  }

  /** For each query 1 when a right answer is among the first k, else 0: for paired tests. */
  public double[] hitsAt(int k) {
    Check.positive("k", k);
    return Arrays.stream(ranks()).map(r -> r <= k ? 1 : 0).toArray();
  }

  /** Mean of 1 / rank. */
  public MetricValue meanReciprocalRank() {
    return value("mean reciprocal rank", Arrays.stream(ranks()).map(r -> 1 / r).toArray());
  }

  /** Median of the ranks, from 1. */
  public MetricValue medianRank() {
    return MetricValue.of(
        "median rank", queries == 0 ? Double.NaN : Statistics.median(ranks()), queries);
  }

  private MetricValue value(String name, double[] perQuery) {
    return MetricValue.of(name, queries == 0 ? Double.NaN : Statistics.mean(perQuery), queries);
  }
}
