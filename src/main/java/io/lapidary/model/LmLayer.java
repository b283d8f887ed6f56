package io.lapidary.model;

import io.lapidary.Check;

/**
 * Sizes of one block of a decoder. Pruned models have different ones in different blocks.
 *
 * @param heads query heads
 * @param keyValueHeads key-value heads; divides {@code heads}
 * @param intermediateSize width inside the perceptron
 * @param window how many positions a query sees, itself included; 0 means all before it
 */
public record LmLayer(int heads, int keyValueHeads, int intermediateSize, int window) {

  /** Checks the fields. */
  public LmLayer {
    Check.positive("num_attention_heads", heads);
    Check.positive("num_key_value_heads", keyValueHeads);
    Check.that(
        heads % keyValueHeads == 0,
        "num_key_value_heads=%d must divide num_attention_heads=%d",
        keyValueHeads,
        heads);
    Check.positive("intermediate_size", intermediateSize);
    Check.notNegative("sliding_window", window);
  }

  /** A block that sees all positions before it. */
  public static LmLayer of(int heads, int keyValueHeads, int intermediateSize) {
    return new LmLayer(heads, keyValueHeads, intermediateSize, 0);
  }
}
