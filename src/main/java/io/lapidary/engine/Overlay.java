package io.lapidary.engine;

import io.lapidary.Check;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * What a graph adds to the results of affine maps and convolutions that are built while it is in
 * force, such as low-rank adapters; see {@link Graph#with}.
 */
@FunctionalInterface
public interface Overlay {

  /**
   * The result of a map with the overlay.
   *
   * @param x input of the map
   * @param y its result without the overlay
   */
  SDVariable add(Graph g, WeightedMap map, SDVariable x, SDVariable y);

  /** How a map uses its weight. */
  enum Layout {
    /** y = x Wᵀ with W [out, in] and x [..., in]. */
    LINEAR,
    /** y = x W with W [in, out] and x [..., in]. */
    INPUT_MAJOR,
    /** Convolution of x [B, in, H, W] with a kernel [out, in, kH, kW]. */
    CONVOLUTION,
    /** A convolution with a kernel [out, in, p, p] of x [..., in p p], patches that lie apart. */
    PATCHES
  }

  /**
   * A map with a weight.
   *
   * @param name full name, without {@code .weight}
   * @param layout how the weight is used
   * @param shape of the weight
   * @param window stride and padding of a convolution; null for others
   */
  record WeightedMap(String name, Layout layout, long[] shape, Ops.Window window) {
    /** Checks the shape. */
    public WeightedMap {
      boolean kernel = layout == Layout.CONVOLUTION || layout == Layout.PATCHES;
      Check.that(shape.length == (kernel ? 4 : 2), "%s: a weight of %d axes", name, shape.length);
      shape = shape.clone();
    }

    /** A map of a layout without window. */
    public WeightedMap(String name, Layout layout, long... shape) {
      this(name, layout, shape, null);
    }

    /** A copy of the shape of the weight. */
    @Override
    public long[] shape() {
      return shape.clone();
    }

    /** Number of outputs. */
    public long out() {
      return shape[layout == Layout.INPUT_MAJOR ? 1 : 0];
    }

    /** Number of inputs that one output is a sum over: in, or in · kH · kW of a kernel. */
    public long fanIn() {
      if (layout == Layout.INPUT_MAJOR) {
        return shape[0];
      }
      return shape.length == 2 ? shape[1] : shape[1] * shape[2] * shape[3];
    }
  }
}
