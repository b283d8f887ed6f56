package io.lapidary.engine.vector;

import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Sizes of one attention and how it is cut: queries and keys into blocks of at most {@link #BLOCK},
 * even in size, so that a block of scores stays in the cache.
 *
 * @param groups key-value heads; query head h reads key-value head h / ({@code heads / groups})
 * @param keyLimit largest number of keys in a block
 */
record AttentionSizes(
    int batch,
    int heads,
    int groups,
    int queries,
    int keys,
    int width,
    float scale,
    AttentionKernels.Mask mask,
    int keyLimit) {
  private static final int QUERIES = 96;

  /** From queries [B, H, Tq, d], keys [B, G, Tk, d] and the region's numbers. */
  static AttentionSizes of(INDArray q, INDArray k, double[] attributes, int keyLimit) {
    int keys = (int) k.size(2);
    return new AttentionSizes(
        (int) q.size(0),
        (int) q.size(1),
        (int) k.size(1),
        (int) q.size(2),
        keys,
        (int) q.size(3),
        (float) attributes[0],
        AttentionKernels.mask(attributes, keys),
        keyLimit);
  }

  /** Query heads of one key-value head. */
  int repeat() {
    return heads / groups;
  }

  /** Columns of a packed row. */
  int lead() {
    return Tiles.columns(width);
  }

  /** Queries in a block. */
  int queryBlock() {
    return even(queries, QUERIES);
  }

  /** Keys in a block. */
  int keyBlock() {
    return even(keys, keyLimit);
  }

  int queryBlocks() {
    return (queries + queryBlock() - 1) / queryBlock();
  }

  int keyBlocks() {
    return (keys + keyBlock() - 1) / keyBlock();
  }

  /**
   * Columns of a block of scores: enough for whole vectors, and for whole tiles of keys as rows.
   */
  int scoreLead() {
    return Tiles.columns(Tiles.rows(keyBlock()));
  }

  private static int even(int count, int limit) {
    int blocks = (count + limit - 1) / limit;
    int each = (count + blocks - 1) / blocks;
    return blocks == 1 ? each : Math.min(limit, Tiles.columns(each));
  }
}
