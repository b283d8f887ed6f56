package io.lapidary.app.bench;

import io.lapidary.engine.Graph;
import io.lapidary.engine.Init;
import io.lapidary.engine.Ops;
import org.nd4j.autodiff.samediff.SDVariable;

/** Pieces that the transformer workloads share; weights are drawn as PyTorch's layers draw them. */
final class Blocks {
  static final double EPSILON = 1e-5;

  private Blocks() {}

  /**
   * Pre-norm block on x [B, T, D]: attention with separate projections without bias, then a GELU
   * MLP with bias. With {@code rank} above 0, queries and values have low-rank adapters.
   */
  static SDVariable preNorm(
      Graph g, String name, SDVariable x, int heads, int mlp, Ops.AttentionMask mask, int rank) {
    return g.block(x, in -> added(g, name, in, heads, mlp, mask, rank));
  }

  private static SDVariable added(
      Graph g, String name, SDVariable x, int heads, int mlp, Ops.AttentionMask mask, int rank) {
    Ops ops = g.ops();
    long width = g.size(x, -1);
    SDVariable y = layerNorm(g, name + ".l1", x);
    SDVariable q = splitHeads(g, adapted(g, name + ".q", y, width, rank), heads);
    SDVariable k = splitHeads(g, linear(g, name + ".k", y, width, false), heads);
    SDVariable v = splitHeads(g, adapted(g, name + ".v", y, width, rank), heads);
    SDVariable mixed = mergeHeads(g, attention(g, q, k, v, mask));
    SDVariable h = ops.add(x, linear(g, name + ".o", mixed, width, false));
    SDVariable inner = ops.gelu(linear(g, name + ".f1", layerNorm(g, name + ".l2", h), mlp, true));
    return ops.add(h, linear(g, name + ".f2", inner, width, true));
  }

  static SDVariable attention(
      Graph g, SDVariable q, SDVariable k, SDVariable v, Ops.AttentionMask mask) {
    return g.ops().attention(q, k, v, 1 / Math.sqrt(g.size(q, -1)), mask, null);
  }

  /** Projection without bias, plus 2 · (y A) B where {@code rank} is above 0 (Hu et al. 2022). */
  static SDVariable adapted(Graph g, String name, SDVariable y, long width, int rank) {
    SDVariable plain = linear(g, name, y, width, false);
    if (rank == 0) {
      return plain;
    }
    Ops ops = g.ops();
    SDVariable a = g.parameter(name + ".lora_A", Init.normal(0.1), g.size(y, -1), rank);
    SDVariable b = g.parameter(name + ".lora_B", Init.zeros(), rank, width);
    return ops.add(plain, ops.dense(ops.mul(ops.dense(y, a, null), 2), b, null));
  }

  /** x W ᵀ + b with W [out, in]. */
  static SDVariable linear(Graph g, String name, SDVariable x, long out, boolean bias) {
    long in = g.size(x, -1);
    SDVariable w = g.parameter(name + ".weight", Init.fanIn(in), out, in);
    SDVariable b = bias ? g.parameter(name + ".bias", Init.fanIn(in), out) : null;
    return g.ops().linear(x, w, b);
  }

  private static SDVariable layerNorm(Graph g, String name, SDVariable x) {
    long width = g.size(x, -1);
    SDVariable gain = g.parameter(name + ".weight", Init.ones(), width);
    SDVariable bias = g.parameter(name + ".bias", Init.zeros(), width);
    return g.ops().layerNorm(x, gain, bias, EPSILON);
  }

  /** [B, T, H·d] to [B, H, T, d]. */
  static SDVariable splitHeads(Graph g, SDVariable x, int heads) {
    long[] s = g.shape(x);
    return g.ops().permute(g.ops().reshape(x, s[0], s[1], heads, s[2] / heads), 0, 2, 1, 3);
  }

  /** [B, H, T, d] to [B, T, H·d]. */
  static SDVariable mergeHeads(Graph g, SDVariable x) {
    long[] s = g.shape(x);
    return g.ops().reshape(g.ops().permute(x, 0, 2, 1, 3), s[0], s[2], s[1] * s[3]);
  }
}
