package io.lapidary.layer;

import io.lapidary.Check;
import io.lapidary.engine.Graph;
import io.lapidary.engine.Init;
import io.lapidary.engine.Ops;
import io.lapidary.engine.Overlay;
import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Low-rank adaptation of an affine map (Hu et al. 2022): y = x Wᵀ + b + (α/r) (x Aᵀ) Bᵀ, and of a
 * convolution: a convolution A to r channels with the window of the base, then B, one pixel wide.
 * Parameters as in PEFT files: {@code name.lora_A.weight} [r, in] or [r, in, kH, kW], {@code
 * name.lora_B.weight} [out, r] or [out, r, 1, 1]. A fresh B is zero, so that training starts from
 * the base map.
 *
 * @param rank r
 * @param alpha α
 * @param dropout probability with which inputs of A are dropped in training graphs
 * @param rankStabilised whether the factor is α/√r (Kalajdzievski 2023)
 */
public record Lora(int rank, double alpha, double dropout, boolean rankStabilised) {
  /** Follows the name of a map in the name of its A. */
  public static final String A = ".lora_A.weight";

  /** Follows the name of a map in the name of its B. */
  public static final String B = ".lora_B.weight";

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

  /** Shapes of A and B for a map. */
  public long[][] shapes(Overlay.WeightedMap map) {
    long[] w = map.shape();
    return w.length == 2
        ? new long[][] {{rank, map.fanIn()}, {map.out(), rank}}
        : new long[][] {{rank, w[1], w[2], w[3]}, {w[0], rank, 1, 1}};
  }

  /**
   * The low-rank part alone.
   *
   * @param name of the parameters, before {@link #A} and {@link #B}
   * @param map the map it belongs to
   * @param x input of the map
   * @return shaped as the result of the map
   */
  public SDVariable delta(Graph g, String name, Overlay.WeightedMap map, SDVariable x) {
    Ops ops = g.ops();
    long[][] shapes = shapes(map);
    // PyTorch's kaiming_uniform(a=√5), which PEFT uses, is uniform over ±1/√in
    SDVariable a = g.parameter(name + A, Init.fanIn(map.fanIn()), shapes[0]);
    SDVariable b = g.parameter(name + B, Init.zeros(), shapes[1]);
    SDVariable kept = ops.dropout(x, dropout);
    if (map.layout() == Overlay.Layout.CONVOLUTION) {
      Check.that(map.window().groups() == 1, "%s: no LoRA for grouped convolutions", map.name());
      SDVariable low = ops.mul(ops.conv2d(kept, a, null, map.window()), scale());
      return ops.conv2d(low, b, null, Ops.Window.of(1, 0));
    }
    if (map.layout() == Overlay.Layout.PATCHES) {
      a = ops.reshape(a, rank, map.fanIn());
      b = ops.reshape(b, map.out(), rank);
    }
    return ops.linear(ops.mul(ops.linear(kept, a, null), scale()), b, null);
  }

  /**
   * What merging adds to a weight: (α/r) B A in its layout; the caller closes it.
   *
   * @param shape of the weight: [out, in], [in, out] or [out, in, kH, kW]
   * @param inputMajor whether a weight of two axes is [in, out]
   */
  public INDArray weightDelta(long[] shape, boolean inputMajor, INDArray a, INDArray b) {
    if (shape.length == 2 && inputMajor) {
      return Nd4j.gemm(a, b, true, true).muli(scale());
    }
    INDArray rows = a.reshape(rank, a.length() / rank);
    INDArray columns = b.reshape(b.length() / rank, rank);
    INDArray product = Nd4j.gemm(columns, rows, false, false).muli(scale());
    return shape.length == 2 ? product : product.dup('c').reshape('c', shape);
  }

  /** Names of the adapter's parameters for one map. */
  public static List<String> names(String name) {
    return List.of(name + A, name + B);
  }
}
