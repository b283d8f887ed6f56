package io.lapidary.model;

import io.lapidary.Check;
import io.lapidary.engine.Graph;
import io.lapidary.engine.Init;
import io.lapidary.layer.Layers;
import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * Multi-layer perceptron: affine maps with an activation between them, none after the last.
 * Parameters: {@code layers.N.weight}, {@code layers.N.bias}.
 *
 * @param sizes widths of the outputs of all layers, the last the number of outputs
 * @param activation as checkpoints name it, such as {@code relu}
 */
public record Mlp(List<Integer> sizes, String activation) {

  /** Checks the sizes. */
  public Mlp {
    sizes = List.copyOf(sizes);
    Check.that(!sizes.isEmpty(), "a perceptron needs at least one layer");
    sizes.forEach(size -> Check.positive("size of a layer", size));
    Check.present("activation", activation);
  }

  /** Outputs [B, last size] of inputs [B, ...], which are flattened. */
  public SDVariable apply(Graph g, SDVariable input) {
    SDVariable x = g.ops().reshape(input, g.size(input, 0), -1);
    for (int i = 0; i < sizes.size(); i++) {
      x = i == 0 ? x : g.ops().activation(activation, x);
      Init init = Init.fanIn(g.size(x, -1)); // PyTorch's default
      x = Layers.linear(g, "layers." + i, x, sizes.get(i), true, init);
    }
    return x;
  }
}
