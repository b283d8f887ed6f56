package io.lapidary.data;

import io.lapidary.Check;

/**
 * Which activations a store holds: everything that decides their values and their order.
 *
 * @param model name of the model, for people
 * @param modelSha256 checksum of its configuration and weights
 * @param layer where in the model, such as {@code block 3} or {@code projection}
 * @param tokens which tokens of an example, such as {@code class} or {@code random 2}
 * @param seed of the drawn tokens
 * @param data name of the data set, for people
 * @param dataSha256 checksum of its examples and their order
 * @param examples number of examples
 * @param rowsPerExample activations kept of each example
 * @param width length of an activation
 * @param dtype F32 or F16
 * @param examplesPerShard examples in each file but the last
 */
public record ActivationSpec(
    String model,
    String modelSha256,
    String layer,
    String tokens,
    long seed,
    String data,
    String dataSha256,
    int examples,
    int rowsPerExample,
    int width,
    String dtype,
    int examplesPerShard) {

  /** Checks the fields. */
  public ActivationSpec {
    Check.present("model", model);
    Check.present("modelSha256", modelSha256);
    Check.present("layer", layer);
    Check.present("tokens", tokens);
    Check.present("data", data);
    Check.present("dataSha256", dataSha256);
    Check.positive("examples", examples);
    Check.positive("rowsPerExample", rowsPerExample);
    Check.positive("width", width);
    Check.that(
        "F32".equals(dtype) || "F16".equals(dtype), "dtype must be F32 or F16, got %s", dtype);
    Check.positive("examplesPerShard", examplesPerShard);
  }

  /** Number of files. */
  public int shards() {
    return (int) (((long) examples + examplesPerShard - 1) / examplesPerShard);
  }

  /** The first example of a shard. */
  public int firstExample(int shard) {
    return Math.multiplyExact(shard, examplesPerShard);
  }

  /** Number of examples of a shard. */
  public int examplesOf(int shard) {
    return Math.min(examplesPerShard, examples - firstExample(shard));
  }
}
