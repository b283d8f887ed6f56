package io.lapidary.model;

import io.lapidary.engine.Graph;
import io.lapidary.engine.Ops;
import java.util.Arrays;
import java.util.Optional;
import org.nd4j.autodiff.samediff.SDVariable;

/** How the states of a text's tokens become one vector (Reimers and Gurevych 2019). */
public enum TextPooling {
  /** The mean over the real tokens. */
  MEAN("mean", "pooling_mode_mean_tokens"),
  /** The state of the first token. */
  FIRST("cls", "pooling_mode_cls_token"),
  /** The largest value over the real tokens, per feature. */
  MAX("max", "pooling_mode_max_tokens"),
  /** The sum over the n real tokens divided by √n. */
  ROOT_MEAN("mean_sqrt_len_tokens", "pooling_mode_mean_sqrt_len_tokens");

  private static final double FAR_BELOW = 1e9;
  private static final double SMALLEST_COUNT = 1e-9;

  private final String mode;
  private final String key;

  TextPooling(String mode, String key) {
    this.mode = mode;
    this.key = key;
  }

  /** The key of the configuration that switches it on. */
  String key() {
    return key;
  }

  /** The pooling that newer configurations call {@code mode}. */
  static Optional<TextPooling> of(String mode) {
    return Arrays.stream(values()).filter(pooling -> pooling.mode.equals(mode)).findFirst();
  }

  /**
   * One vector [B, n] of states [B, T, n].
   *
   * @param mask 1 for real tokens and 0 for padding [B, T] of the graph's type; a text of padding
   *     only has the mean 0
   */
  public SDVariable apply(Graph g, SDVariable states, SDVariable mask) {
    Ops ops = g.ops();
    long[] s = g.shape(states);
    switch (this) {
      case FIRST -> {
        return ops.reshape(ops.slice(states, 1, 0, 1), s[0], s[2]);
      }
      case MAX -> {
        SDVariable lowered = ops.mul(ops.add(mask, -1), FAR_BELOW);
        return ops.max(ops.add(states, ops.reshape(lowered, s[0], s[1], 1)), false, 1);
      }
      default -> {
        SDVariable weights = ops.reshape(mask, s[0], 1, s[1]);
        SDVariable sum = ops.reshape(ops.matmul(weights, states), s[0], s[2]);
        SDVariable count = ops.maximum(ops.sum(mask, true, 1), g.constant(SMALLEST_COUNT));
        return ops.div(sum, this == MEAN ? count : ops.sqrt(count));
      }
    }
  }
}
