package io.lapidary.layer;

import io.lapidary.Check;
import io.lapidary.engine.Graph;
import io.lapidary.engine.Init;
import io.lapidary.engine.Overlay;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * Affine maps, normalisation, tables and the two-layer perceptron: the layers of one or two ops.
 */
public final class Layers {
  private Layers() {}

  /**
   * Affine map y = x Wᵀ + b, fresh weights Glorot-uniform and bias 0. Shapes: x [..., in], W [out,
   * in], b [out], y [..., out]; parameters {@code name.weight}, {@code name.bias}.
   */
  public static SDVariable linear(Graph g, String name, SDVariable x, long out, boolean bias) {
    return linear(g, name, x, out, bias, Init.xavier(g.size(x, -1), out));
  }

  /** As {@link #linear(Graph, String, SDVariable, long, boolean)} with fresh weights from init. */
  public static SDVariable linear(
      Graph g, String name, SDVariable x, long out, boolean bias, Init init) {
    Check.positive(name + " out", out);
    SDVariable weight = g.parameter(name + ".weight", init, out, g.size(x, -1));
    SDVariable offset = bias ? g.parameter(name + ".bias", Init.zeros(), out) : null;
    Overlay.WeightedMap map = new Overlay.WeightedMap(name, Overlay.Layout.LINEAR, g.shape(weight));
    return g.overlaid(map, x, g.ops().linear(x, weight, offset));
  }

  /**
   * Affine map y = x W + b, as GPT-2 stores it. Shapes: x [..., in], W [in, out], b [out], y [...,
   * out]; parameters {@code name.weight}, {@code name.bias}.
   */
  public static SDVariable inputMajor(
      Graph g, String name, SDVariable x, long out, boolean bias, Init init) {
    SDVariable weight = g.parameter(name + ".weight", init, g.size(x, -1), out);
    SDVariable offset = bias ? g.parameter(name + ".bias", Init.zeros(), out) : null;
    Overlay.WeightedMap map =
        new Overlay.WeightedMap(name, Overlay.Layout.INPUT_MAJOR, g.shape(weight));
    return g.overlaid(map, x, g.ops().dense(x, weight, offset));
  }

  /**
   * Layer norm (x − mean) / √(variance + ε) · gain + bias over the last axis (Ba et al. 2016).
   * Shapes: x and result [..., n]; parameters {@code name.weight} and {@code name.bias} [n].
   */
  public static SDVariable layerNorm(Graph g, String name, SDVariable x, double epsilon) {
    long n = g.size(x, -1);
    SDVariable gain = g.parameter(name + ".weight", Init.ones(), n);
    SDVariable bias = g.parameter(name + ".bias", Init.zeros(), n);
    return g.ops().layerNorm(x, gain, bias, epsilon);
  }

  /**
   * RMS norm x / √(mean(x²) + ε) · gain over the last axis (Zhang and Sennrich 2019). Shapes: x and
   * result [..., n]; parameter {@code name.weight} [n].
   */
  public static SDVariable rmsNorm(Graph g, String name, SDVariable x, double epsilon) {
    SDVariable gain = g.parameter(name + ".weight", Init.ones(), g.size(x, -1));
    return g.ops().rmsNorm(x, gain, epsilon);
  }

  /**
   * Rows of a table: ids [...] of type INT in [0, rows) give [..., width]; parameter {@code
   * name.weight} [rows, width], fresh ones normal with deviation 0.02.
   */
  public static SDVariable embedding(Graph g, String name, SDVariable ids, long rows, long width) {
    return g.ops().embedding(g.parameter(name + ".weight", Init.normal(0.02), rows, width), ids);
  }

  /** As the form with an init; fresh positions are normal with deviation 0.02. */
  public static SDVariable addPositions(Graph g, String name, SDVariable x, long positions) {
    return addPositions(g, name, x, positions, Init.normal(0.02));
  }

  /**
   * Adds the first T rows of a table of positions: x [..., T, n] gives the same shape; parameter
   * {@code name.weight} [positions, n], fresh ones from init.
   *
   * @throws IllegalArgumentException when x is longer than the table
   */
  public static SDVariable addPositions(
      Graph g, String name, SDVariable x, long positions, Init init) {
    long length = g.size(x, -2);
    Check.that(
        length <= positions, "%s: %d tokens, but there are %d positions", name, length, positions);
    SDVariable table = g.parameter(name + ".weight", init, positions, g.size(x, -1));
    return g.ops().add(x, g.ops().slice(table, 0, 0, length));
  }

  /**
   * Two-layer perceptron y = f(x W₁ᵀ + b₁) W₂ᵀ + b₂. Shapes: x [..., in], hidden [..., hidden], y
   * [..., out]; parameters of {@code first} and {@code second} as in {@link #linear}.
   *
   * @param first full name of the first layer, such as {@code mlp.fc1}
   * @param activation as checkpoints name it: {@code gelu}, {@code quick_gelu}, {@code relu}, ...
   */
  public static SDVariable mlp(
      Graph g,
      String first,
      String second,
      SDVariable x,
      long hidden,
      long out,
      String activation) {
    SDVariable h = g.ops().activation(activation, linear(g, first, x, hidden, true));
    return linear(g, second, h, out, true);
  }
}
