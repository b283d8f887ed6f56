package io.lapidary.layer;

import io.lapidary.Check;
import io.lapidary.engine.Graph;
import io.lapidary.engine.Init;
import io.lapidary.engine.Ops;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * Pre-norm transformer block of CLIP: h = x + attention(norm₁(x)), y = h + mlp(norm₂(h)). Parameter
 * names: {@code layer_norm1}, {@code self_attn.{q,k,v,out}_proj}, {@code layer_norm2}, {@code
 * mlp.fc1}, {@code mlp.fc2}.
 *
 * @param heads attention heads; divides the width
 * @param hidden width inside the perceptron
 * @param activation as checkpoints name it, such as {@code quick_gelu}
 * @param epsilon of the layer norms
 * @param depth number of blocks stacked; fresh weights that write to the residual stream are
 *     smaller by √(2 depth)
 */
public record EncoderBlock(int heads, int hidden, String activation, double epsilon, int depth) {

  /** Checks the fields. */
  public EncoderBlock {
    Check.positive("heads", heads);
    Check.positive("hidden", hidden);
    Check.present("activation", activation);
    Check.positive("epsilon", epsilon);
    Check.positive("depth", depth);
  }

  /**
   * Adds the block. Shapes: x and result [B, T, width].
   *
   * @param padding 1 for real tokens and 0 for padding [B, T] of the graph's type, or null
   */
  public SDVariable apply(
      Graph g, String name, SDVariable x, Ops.AttentionMask mask, SDVariable padding) {
    long width = g.size(x, -1);
    double residual = 1 / Math.sqrt(2.0 * depth);
    Init in = Init.normal(1 / Math.sqrt(width) * residual);
    Init out = Init.normal(1 / Math.sqrt(width));
    Attention attention = Attention.clip(heads);
    SDVariable n1 = Layers.layerNorm(g, name + ".layer_norm1", x, epsilon);
    SDVariable mixed = attention.apply(g, name + ".self_attn", n1, mask, padding, in, out);
    SDVariable h = g.ops().add(x, mixed);
    SDVariable n2 = Layers.layerNorm(g, name + ".layer_norm2", h, epsilon);
    SDVariable wide =
        Layers.linear(
            g, name + ".mlp.fc1", n2, hidden, true, Init.normal(1 / Math.sqrt(2.0 * width)));
    SDVariable acted = g.ops().activation(activation, wide);
    return g.ops().add(h, Layers.linear(g, name + ".mlp.fc2", acted, width, true, in));
  }
}
