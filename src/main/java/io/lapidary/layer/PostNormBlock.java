package io.lapidary.layer;

import io.lapidary.Check;
import io.lapidary.engine.Graph;
import io.lapidary.engine.Init;
import io.lapidary.engine.Ops;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * Post-norm transformer block of BERT (Devlin et al. 2019): h = norm₁(x + attention(x)), y =
 * norm₂(h + mlp(h)), all maps with biases.
 *
 * @param names parameter names; {@code norm1} and {@code norm2} follow their branch, no layer scale
 * @param heads attention heads; divides the width
 * @param hidden width inside the perceptron
 * @param activation as checkpoints name it
 * @param epsilon of the layer norms
 */
public record PostNormBlock(
    EncoderBlock.Names names, int heads, int hidden, String activation, double epsilon) {

  /** Checks the fields. */
  public PostNormBlock {
    Check.present("names", names);
    Check.positive("heads", heads);
    Check.positive("hidden", hidden);
    Check.present("activation", activation);
    Check.positive("epsilon", epsilon);
  }

  /**
   * Adds the block. Shapes: x and result [B, T, width].
   *
   * @param padding 1 for real tokens and 0 for padding [B, T] of the graph's type, or null
   * @param scoreBias added to the scaled attention scores, [1, heads, T, T], or null
   */
  public SDVariable apply(
      Graph g, String name, SDVariable x, SDVariable padding, SDVariable scoreBias) {
    return g.block(x, in -> added(g, name, in, padding, scoreBias));
  }

  private SDVariable added(
      Graph g, String name, SDVariable x, SDVariable padding, SDVariable scoreBias) {
    String at = name + ".";
    long width = g.size(x, -1);
    Init init = Init.normal(0.02); // BERT's
    Attention attention =
        new Attention(heads, names.query(), names.key(), names.value(), names.out(), true, true);
    SDVariable mixed =
        attention.apply(g, name, x, Ops.AttentionMask.FULL, padding, scoreBias, init, init);
    SDVariable h = Layers.layerNorm(g, at + names.norm1(), g.ops().add(x, mixed), epsilon);
    SDVariable wide = Layers.linear(g, at + names.first(), h, hidden, true, init);
    SDVariable acted = g.ops().activation(activation, wide);
    SDVariable narrow = Layers.linear(g, at + names.second(), acted, width, true, init);
    return Layers.layerNorm(g, at + names.norm2(), g.ops().add(h, narrow), epsilon);
  }
}
