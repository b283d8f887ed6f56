package io.lapidary.layer;

import io.lapidary.Check;
import io.lapidary.engine.Graph;
import io.lapidary.engine.Init;
import io.lapidary.engine.Ops;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * Pre-norm transformer block of vision and CLIP encoders: h = x + s₁ attention(norm₁(x)), y = h +
 * s₂ mlp(norm₂(h)), where the gains s of layer scale (Touvron et al. 2021) are optional.
 *
 * @param names parameter names
 * @param heads attention heads; divides the width
 * @param hidden width inside the perceptron
 * @param activation as checkpoints name it, such as {@code quick_gelu}
 * @param epsilon of the layer norms
 * @param depth number of blocks stacked; fresh weights that write to the residual stream are
 *     smaller by √(2 depth)
 * @param inputBias whether query, key and value maps have a bias
 * @param gated whether the perceptron is f(a) · b, with a and b the halves of the first map's 2
 *     hidden outputs (SwiGLU, Shazeer 2020)
 */
public record EncoderBlock(
    Names names,
    int heads,
    int hidden,
    String activation,
    double epsilon,
    int depth,
    boolean inputBias,
    boolean gated) {

  /**
   * Names of the parameters of one block, as they follow the name of the block.
   *
   * @param norm1 first norm
   * @param query query map
   * @param key key map
   * @param value value map
   * @param out output map of the attention
   * @param norm2 second norm
   * @param first first map of the perceptron
   * @param second second map of the perceptron
   * @param scale1 gain [width] of the attention branch, or null
   * @param scale2 gain [width] of the perceptron branch, or null
   */
  public record Names(
      String norm1,
      String query,
      String key,
      String value,
      String out,
      String norm2,
      String first,
      String second,
      String scale1,
      String scale2) {

    /** CLIP and SigLIP. */
    public static Names clip() {
      return new Names(
          "layer_norm1",
          "self_attn.q_proj",
          "self_attn.k_proj",
          "self_attn.v_proj",
          "self_attn.out_proj",
          "layer_norm2",
          "mlp.fc1",
          "mlp.fc2",
          null,
          null);
    }
  }

  /** Checks the fields. */
  public EncoderBlock {
    Check.present("names", names);
    Check.positive("heads", heads);
    Check.positive("hidden", hidden);
    Check.present("activation", activation);
    Check.positive("epsilon", epsilon);
    Check.positive("depth", depth);
  }

  /** The block of CLIP: biases, no layer scale, plain perceptron. */
  public EncoderBlock(int heads, int hidden, String activation, double epsilon, int depth) {
    this(Names.clip(), heads, hidden, activation, epsilon, depth, true, false);
  }

  /**
   * Adds the block. Shapes: x and result [B, T, width].
   *
   * @param padding 1 for real tokens and 0 for padding [B, T] of the graph's type, or null
   */
  public SDVariable apply(
      Graph g, String name, SDVariable x, Ops.AttentionMask mask, SDVariable padding) {
    return g.block(x, in -> added(g, name, in, mask, padding));
  }

  private SDVariable added(
      Graph g, String name, SDVariable x, Ops.AttentionMask mask, SDVariable padding) {
    long width = g.size(x, -1);
    double residual = 1 / Math.sqrt(2.0 * depth);
    Init in = Init.normal(1 / Math.sqrt(width) * residual);
    Init out = Init.normal(1 / Math.sqrt(width));
    Attention attention =
        new Attention(heads, names.query, names.key, names.value, names.out, inputBias, true);
    SDVariable n1 = Layers.layerNorm(g, name + "." + names.norm1, x, epsilon);
    SDVariable mixed = attention.apply(g, name, n1, mask, padding, in, out);
    SDVariable h = g.ops().add(x, scaled(g, name, names.scale1, mixed));
    SDVariable n2 = Layers.layerNorm(g, name + "." + names.norm2, h, epsilon);
    Init wideInit = Init.normal(1 / Math.sqrt(2.0 * width));
    SDVariable wide =
        Layers.linear(
            g, name + "." + names.first, n2, gated ? 2L * hidden : hidden, true, wideInit);
    SDVariable narrow =
        Layers.linear(g, name + "." + names.second, acted(g, wide), width, true, in);
    return g.ops().add(h, scaled(g, name, names.scale2, narrow));
  }

  private SDVariable acted(Graph g, SDVariable wide) {
    if (!gated) {
      return g.ops().activation(activation, wide);
    }
    int last = g.shape(wide).length - 1;
    SDVariable[] halves = g.ops().split(wide, last, hidden, hidden);
    return g.ops().mul(g.ops().activation(activation, halves[0]), halves[1]);
  }

  private static SDVariable scaled(Graph g, String name, String scale, SDVariable branch) {
    if (scale == null) {
      return branch;
    }
    long width = g.size(branch, -1);
    return g.ops().mul(branch, g.parameter(name + "." + scale, Init.ones(), width));
  }
}
