package io.lapidary.layer;

import io.lapidary.Check;
import io.lapidary.engine.Graph;
import io.lapidary.engine.Init;
import io.lapidary.engine.Ops;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * Pooling by a learned query that attends to all tokens, followed by a perceptron with a residual
 * (Zhai et al. 2023). Parameters: {@code probe} [1, 1, width], {@code attention.in_proj_weight} [3
 * width, width] with the rows of queries, keys and values, {@code attention.out_proj}, {@code
 * layernorm}, {@code mlp.fc1}, {@code mlp.fc2}.
 *
 * @param heads attention heads; divides the width
 * @param hidden width inside the perceptron
 * @param activation as checkpoints name it
 * @param epsilon of the layer norm
 */
public record AttentionPooling(int heads, int hidden, String activation, double epsilon) {

  /** Checks the fields. */
  public AttentionPooling {
    Check.positive("heads", heads);
    Check.positive("hidden", hidden);
    Check.present("activation", activation);
    Check.positive("epsilon", epsilon);
  }

  /** Adds the layer: tokens [B, T, width] give [B, width]. */
  public SDVariable apply(Graph g, String name, SDVariable tokens) {
    Ops ops = g.ops();
    long[] s = g.shape(tokens);
    long width = s[2];
    SDVariable probe = g.parameter(name + ".probe", Init.normal(0.02), 1, 1, width);
    String in = name + ".attention.in_proj_";
    SDVariable weight = g.parameter(in + "weight", Init.xavier(width, width), 3 * width, width);
    SDVariable bias = g.parameter(in + "bias", Init.zeros(), 3 * width);
    SDVariable[] weights = ops.split(weight, 0, width, width, width);
    SDVariable[] biases = ops.split(bias, 0, width, width, width);
    SDVariable query = ops.linear(ops.broadcastTo(probe, s[0], 1, width), weights[0], biases[0]);
    SDVariable mixed =
        ops.attention(
            heads(g, query),
            heads(g, ops.linear(tokens, weights[1], biases[1])),
            heads(g, ops.linear(tokens, weights[2], biases[2])),
            1 / Math.sqrt((double) width / heads),
            Ops.AttentionMask.FULL,
            null);
    SDVariable joined = ops.reshape(mixed, s[0], width); // one query: heads lie side by side
    SDVariable x = Layers.linear(g, name + ".attention.out_proj", joined, width, true);
    SDVariable normed = Layers.layerNorm(g, name + ".layernorm", x, epsilon);
    return ops.add(
        x, Layers.mlp(g, name + ".mlp.fc1", name + ".mlp.fc2", normed, hidden, width, activation));
  }

  /** [B, T, width] to [B, heads, T, d]. */
  private SDVariable heads(Graph g, SDVariable x) {
    long[] s = g.shape(x);
    return g.ops().permute(g.ops().reshape(x, s[0], s[1], heads, s[2] / heads), 0, 2, 1, 3);
  }
}
