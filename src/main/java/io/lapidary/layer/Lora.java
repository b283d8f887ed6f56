package io.lapidary.layer;

import io.lapidary.Check;
import io.lapidary.engine.Graph;
import io.lapidary.engine.Init;
import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * Low-rank adaptation of a linear map (Hu et al. 2022): y = x Wᵀ + b + (α/r) (x Aᵀ) Bᵀ. Parameters
 * as in PEFT files: {@code name.lora_A.weight} [r, in], {@code name.lora_B.weight} [out, r]. A
 * fresh B is zero, so that training starts from the base map.
 *
 * @param rank r
 * @param alpha α
 * @param dropout probability with which inputs of A are dropped in training graphs
 * @param rankStabilised whether the factor is α/√r (Kalajdzievski 2023)
 */
public record Lora(int rank, double alpha, double dropout, boolean rankStabilised) {

  /** Checks the fields. */
  public Lora {
    Check.positive("rank", rank);
    Check.that(dropout >= 0 && dropout < 1, "dropout must be in [0, 1), got %s", dropout);
  }

  /** Without dropout, factor α/r. */
  public static Lora of(int rank, double alpha) {
    return new Lora(rank, alpha, 0, false);
  }

  /** The factor of the low-rank part. */
  public double scale() {
    return alpha / (rankStabilised ? Math.sqrt(rank) : rank);
  }

  /**
   * The base map of {@link Layers#linear} with this adapter. Shapes: x [..., in], result [...,
   * out]. The base is frozen by asking for gradients of {@link #names} only.
   */
  public SDVariable linear(Graph g, String name, SDVariable x, long out, boolean bias) {
    SDVariable base = Layers.linear(g, name, x, out, bias);
    return g.ops().add(base, delta(g, name, x, out));
  }

  /** The low-rank part alone: (α/r) (x Aᵀ) Bᵀ. Shapes: x [..., in], result [..., out]. */
  public SDVariable delta(Graph g, String name, SDVariable x, long out) {
    long in = g.size(x, -1);
    // PyTorch's kaiming_uniform(a=√5), which PEFT uses, is uniform over ±1/√in
    SDVariable a = g.parameter(name + ".lora_A.weight", Init.fanIn(in), rank, in);
    SDVariable b = g.parameter(name + ".lora_B.weight", Init.zeros(), out, rank);
    SDVariable low = g.ops().linear(g.ops().dropout(x, dropout), a, null);
    return g.ops().linear(g.ops().mul(low, scale()), b, null);
  }

  /** Names of the adapter's parameters for one map. */
  public static List<String> names(String name) {
    return List.of(name + ".lora_A.weight", name + ".lora_B.weight");
  }
}
