package io.lapidary.method.tivit;

import io.lapidary.Check;
import io.lapidary.Seeds;
import io.lapidary.data.Shuffle;
import java.util.Arrays;

/**
 * The part of the training cases that a probe learns from and the part held out to choose a layer:
 * the first fifth of one shuffle, not stratified, as the authors do. Sets of fewer than five cases
 * hold out one; a single case is both.
 *
 * @param fitted places of the cases learned from
 * @param held places of the cases held out
 */
record ProbeSplit(int[] fitted, int[] held) {
  private static final double SHARE = 0.2;

  static ProbeSplit of(int cases, Seeds seeds) {
    Check.positive("cases", cases);
    int[] order = Shuffle.order(cases, seeds);
    if (cases == 1) {
      return new ProbeSplit(order, order);
    }
    int held = Math.max(1, (int) Math.floor(SHARE * cases));
    return new ProbeSplit(
        Arrays.copyOfRange(order, held, cases), Arrays.copyOfRange(order, 0, held));
  }

  static float[][] rows(float[][] all, int[] places) {
    return Arrays.stream(places).mapToObj(i -> all[i]).toArray(float[][]::new);
  }

  static int[] labels(int[] all, int[] places) {
    return Arrays.stream(places).map(i -> all[i]).toArray();
  }
}
