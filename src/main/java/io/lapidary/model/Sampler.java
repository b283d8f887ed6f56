package io.lapidary.model;

import java.util.Arrays;
import java.util.Comparator;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/** Chooses the next token from logits, in the order of the Python library. */
final class Sampler {
  private final GenerateOptions options;

  Sampler(GenerateOptions options) {
    this.options = options;
  }

  /**
   * The next token.
   *
   * @param logits of one row; changed
   * @param seen which ids occur before
   */
  int next(float[] logits, boolean[] seen, SplittableRandom random) {
    if (options.repetitionPenalty() != 1) {
      float penalty = (float) options.repetitionPenalty();
      for (int i = 0; i < logits.length; i++) {
        if (seen[i]) {
          logits[i] = logits[i] > 0 ? logits[i] / penalty : logits[i] * penalty;
        }
      }
    }
    return options.temperature() == 0 ? largest(logits) : draw(logits, random);
  }

  private static int largest(float[] logits) {
    int best = 0;
    for (int i = 1; i < logits.length; i++) {
      best = logits[i] > logits[best] ? i : best;
    }
    return best;
  }

  private int draw(float[] logits, SplittableRandom random) {
    double top = logits[largest(logits)];
    double[] weights = new double[logits.length];
    for (int i = 0; i < weights.length; i++) {
      weights[i] = Math.exp((logits[i] - top) / options.temperature());
    }
    int[] order = order(weights);
    double total = 0;
    for (int id : order) {
      total += weights[id];
    }
    int kept = order.length;
    if (options.topP() < 1) {
      double sum = 0;
      for (kept = 0; kept < order.length && sum < options.topP() * total; kept++) {
        sum += weights[order[kept]];
      }
      total = sum;
    }
    double point = random.nextDouble() * total;
    for (int i = 0; i < kept; i++) {
      point -= weights[order[i]];
      if (point < 0) {
        return order[i];
      }
    }
    return order[kept - 1];
  }

  /** Ids that may be drawn; from the likeliest on where the order matters. */
  private int[] order(double[] weights) {
    boolean sorted = options.topK() > 0 || options.topP() < 1;
    if (!sorted) {
      return IntStream.range(0, weights.length).toArray();
    }
    int[] order =
        IntStream.range(0, weights.length)
            .boxed()
            .sorted(Comparator.comparingDouble((Integer i) -> -weights[i]))
            .mapToInt(Integer::intValue)
            .toArray();
    int k = options.topK() == 0 ? order.length : Math.min(options.topK(), order.length);
    return Arrays.copyOf(order, k);
  }
}
