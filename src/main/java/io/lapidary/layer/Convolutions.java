package io.lapidary.layer;

import io.lapidary.Check;
import io.lapidary.engine.Graph;
import io.lapidary.engine.Init;
import io.lapidary.engine.Ops;
import io.lapidary.engine.Overlay;
import org.nd4j.autodiff.samediff.SDVariable;

/** Convolutions with their parameters, and the block of the small ConvNets. */
public final class Convolutions {
  private Convolutions() {}

  /**
   * Convolution. Shapes: x [B, C, H, W], {@code name.weight} [out, C, k, k], {@code name.bias}
   * [out], result [B, out, H', W']. Fresh weights are uniform over ±1/√(C k²), PyTorch's default.
   */
  public static SDVariable conv2d(
      Graph g,
      String name,
      SDVariable x,
      long out,
      int kernel,
      int stride,
      int padding,
      boolean bias) {
    Check.positive("kernel", kernel);
    long in = g.size(x, 1);
    Init init = Init.fanIn(in * kernel * kernel);
    SDVariable weight = g.parameter(name + ".weight", init, out, in, kernel, kernel);
    SDVariable offset = bias ? g.parameter(name + ".bias", init, out) : null;
    Ops.Window window = Ops.Window.of(stride, padding);
    Overlay.WeightedMap map =
        new Overlay.WeightedMap(name, Overlay.Layout.CONVOLUTION, g.shape(weight), window);
    return g.overlaid(map, x, g.ops().conv2d(x, weight, offset, window));
  }

  /**
   * Convolution without bias, padded to keep the size at stride 1, and batch norm: {@code
   * name.convolution} and {@code name.normalization}. Shapes: x [B, C, H, W], result [B, out,
   * ⌈H/stride⌉, ⌈W/stride⌉] for odd kernels.
   */
  public static SDVariable normed(
      Graph g, String name, SDVariable x, long out, int kernel, int stride) {
    SDVariable y = conv2d(g, name + ".convolution", x, out, kernel, stride, kernel / 2, false);
    return batchNorm(g, name + ".normalization", y, 0.1, 1e-5);
  }

  /**
   * Batch norm: x [B, C, H, W], {@code name.weight} and {@code name.bias} [C], and the statistics
   * {@code name.running_mean} and {@code name.running_var} [C], which training graphs move by
   * {@code momentum}.
   */
  public static SDVariable batchNorm(
      Graph g, String name, SDVariable x, double momentum, double epsilon) {
    long channels = g.size(x, 1);
    return g.ops()
        .batchNorm(
            x,
            g.parameter(name + ".weight", Init.ones(), channels),
            g.parameter(name + ".bias", Init.zeros(), channels),
            g.buffer(name + ".running_mean", Init.zeros(), channels),
            g.buffer(name + ".running_var", Init.ones(), channels),
            momentum,
            epsilon);
  }

  /**
   * Instance norm with a gain and a bias per channel: x [B, C, H, W], {@code name.weight} and
   * {@code name.bias} [C].
   */
  public static SDVariable instanceNorm(Graph g, String name, SDVariable x, double epsilon) {
    long channels = g.size(x, 1);
    SDVariable gain = g.parameter(name + ".weight", Init.ones(), channels);
    SDVariable bias = g.parameter(name + ".bias", Init.zeros(), channels);
    return g.ops().instanceNorm(x, gain, bias, epsilon);
  }

  /**
   * Convolution 3x3, instance norm, ReLU, average pooling 2x2, the block of Gidaris and Komodakis
   * (2018) as data set distillation uses it. Shapes: x [B, C, H, W], result [B, width, ⌊H/2⌋,
   * ⌊W/2⌋].
   *
   * @param conv name of the convolution
   * @param norm name of the norm
   */
  public static SDVariable block(Graph g, String conv, String norm, SDVariable x, long width) {
    SDVariable y = conv2d(g, conv, x, width, 3, 1, 1, true);
    SDVariable active = g.ops().relu(instanceNorm(g, norm, y, 1e-5));
    return g.ops().averagePool(active, 2, 2, 0);
  }
}
