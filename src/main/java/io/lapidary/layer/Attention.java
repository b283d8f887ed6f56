package io.lapidary.layer;

import io.lapidary.Check;
import io.lapidary.engine.Graph;
import io.lapidary.engine.Init;
import io.lapidary.engine.Ops;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * Multi-head self-attention (Vaswani et al. 2017): softmax(q kᵀ / √d + mask) v per head, d = width
 * / heads, then a linear map.
 *
 * @param heads number of heads; divides the width
 * @param query last part of the name of the query map, such as {@code q_proj}
 * @param key likewise, of the keys
 * @param value likewise, of the values
 * @param out likewise, of the output map
 * @param inputBias whether query, key and value maps have a bias
 * @param outBias whether the output map has a bias
 */
public record Attention(
    int heads,
    String query,
    String key,
    String value,
    String out,
    boolean inputBias,
    boolean outBias) {

  /** Checks the fields. */
  public Attention {
    Check.positive("heads", heads);
  }

  /** The names of CLIP and SigLIP, with biases. */
  public static Attention clip(int heads) {
    return new Attention(heads, "q_proj", "k_proj", "v_proj", "out_proj", true, true);
  }

  /** As the full form below with Glorot-uniform fresh weights. */
  public SDVariable apply(
      Graph g, String name, SDVariable x, Ops.AttentionMask mask, SDVariable padding) {
    long width = g.size(x, -1);
    Init init = Init.xavier(width, width);
    return apply(g, name, x, mask, padding, init, init);
  }

  /** As the full form below without a bias of the scores. */
  public SDVariable apply(
      Graph g,
      String name,
      SDVariable x,
      Ops.AttentionMask mask,
      SDVariable padding,
      Init inputInit,
      Init outInit) {
    return apply(g, name, x, mask, padding, null, inputInit, outInit);
  }

  /**
   * Adds the layer. Shapes: x and result [B, T, width]; parameters {@code name.q_proj.weight}
   * [width, width] and so on.
   *
   * @param padding 1 for real tokens and 0 for padding [B, T] of the graph's type, or null
   * @param scoreBias added to the scaled scores of a full mask, [1, heads, T, T], or null
   * @param inputInit fresh weights of the query, key and value maps
   * @param outInit fresh weights of the output map
   */
  public SDVariable apply(
      Graph g,
      String name,
      SDVariable x,
      Ops.AttentionMask mask,
      SDVariable padding,
      SDVariable scoreBias,
      Init inputInit,
      Init outInit) {
    long[] shape = g.shape(x);
    Check.that(
        shape.length == 3 && shape[2] % heads == 0,
        "%s: attention with %d heads needs x [B, T, width] whose width they divide, got %s",
        name,
        heads,
        java.util.Arrays.toString(shape));
    SDVariable q =
        heads(g, Layers.linear(g, name + "." + query, x, shape[2], inputBias, inputInit));
    SDVariable k = heads(g, Layers.linear(g, name + "." + key, x, shape[2], inputBias, inputInit));
    SDVariable v =
        heads(g, Layers.linear(g, name + "." + value, x, shape[2], inputBias, inputInit));
    double scale = 1 / Math.sqrt((double) shape[2] / heads);
    SDVariable mixed =
        scoreBias == null
            ? g.ops().attention(q, k, v, scale, mask, padding)
            : biased(g, q, k, v, scale, mask, padding, scoreBias);
    SDVariable joined = g.ops().reshape(g.ops().permute(mixed, 0, 2, 1, 3), shape);
    return Layers.linear(g, name + "." + out, joined, shape[2], outBias, outInit);
  }

  private static SDVariable biased(
      Graph g,
      SDVariable q,
      SDVariable k,
      SDVariable v,
      double scale,
      Ops.AttentionMask mask,
      SDVariable padding,
      SDVariable bias) {
    Check.that(mask.equals(Ops.AttentionMask.FULL), "a bias of the scores needs the full mask");
    Ops ops = g.ops();
    SDVariable scores = ops.add(ops.mul(ops.matmul(q, k, false, true), scale), bias);
    if (padding != null) {
      long[] s = g.shape(padding);
      scores = ops.add(scores, ops.reshape(ops.mul(ops.add(padding, -1), 1e9), s[0], 1, 1, s[1]));
    }
    return ops.matmul(ops.softmax(scores, -1), v);
  }

  /** [B, T, width] to [B, heads, T, d]. */
  private SDVariable heads(Graph g, SDVariable x) {
    long[] s = g.shape(x);
    SDVariable split = g.ops().reshape(x, s[0], s[1], heads, s[2] / heads);
    return g.ops().permute(split, 0, 2, 1, 3);
  }
}
