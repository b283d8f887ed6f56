package io.lapidary.method.clip;

import java.util.Arrays;

/** What a rank, counted from 1, is worth. */
enum RankScore {
  RECALL_AT_1("recall@1"),
  RECALL_AT_5("recall@5"),
  RECIPROCAL_RANK("mean reciprocal rank");

  private final String label;

  RankScore(String label) {
    this.label = label;
  }

  String label() {
    return label;
  }

  private double of(double rank) {
    return switch (this) {
      case RECALL_AT_1 -> rank <= 1 ? 1 : 0;
      case RECALL_AT_5 -> rank <= 5 ? 1 : 0;
      case RECIPROCAL_RANK -> 1 / rank;
    };
  }

  /** Scores of all queries, [seeds][queries]. */
  double[][] of(double[][] ranks) {
    return Arrays.stream(ranks)
        .map(row -> Arrays.stream(row).map(this::of).toArray())
        .toArray(double[][]::new);
  }

  /** Mean over rows of equal length. */
  static double mean(double[][] values) {
    return Arrays.stream(values)
        .mapToDouble(row -> Arrays.stream(row).average().orElseThrow())
        .average()
        .orElseThrow();
  }
}
