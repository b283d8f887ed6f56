package io.lapidary.engine;

import io.lapidary.Check;
import java.util.Arrays;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.enums.WeightsFormat;
import org.nd4j.linalg.api.ops.impl.layers.convolution.Conv2DDerivative;
import org.nd4j.linalg.api.ops.impl.layers.convolution.Pooling2D;
import org.nd4j.linalg.api.ops.impl.layers.convolution.Pooling2DDerivative;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Conv2DConfig;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.PaddingMode;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Pooling2DConfig;

/**
 * Convolution and pooling over images [N, C, H, W], weights [out, in, kH, kW] as in PyTorch
 * checkpoints.
 */
abstract class ConvOps extends NeuralOps {
  ConvOps(Graph graph) {
    super(graph);
  }

  /**
   * Window geometry: stride, symmetric zero padding, dilation and channel groups, the same for both
   * axes.
   */
  public record Window(int stride, int padding, int dilation, int groups) {
    public Window {
      Check.positive("stride", stride);
      Check.notNegative("padding", padding);
      Check.positive("dilation", dilation);
      Check.positive("groups", groups);
    }

    /** Undilated, one group. */
    public static Window of(int stride, int padding) {
      return new Window(stride, padding, 1, 1);
    }

    long output(long input, long kernel) {
      return (input + 2L * padding - dilation * (kernel - 1) - 1) / stride + 1;
    }
  }

  /**
   * Convolution: x [N, C, H, W], weight [O, C/groups, kH, kW], bias [O] or null, result [N, O, H',
   * W'].
   */
  public SDVariable conv2d(SDVariable x, SDVariable weight, SDVariable bias, Window window) {
    long[] xs = shape(x);
    long[] ws = shape(weight);
    Check.that(
        xs.length == 4
            && ws.length == 4
            && xs[1] == ws[1] * window.groups()
            && ws[0] % window.groups() == 0,
        "conv2d needs x [N, C, H, W] and weight [O, C/groups, kH, kW], got %s and %s with %d groups",
        Arrays.toString(xs),
        Arrays.toString(ws),
        window.groups());
    Check.that(
        window.output(xs[2], ws[2]) > 0 && window.output(xs[3], ws[3]) > 0,
        "a %dx%d kernel does not fit into %dx%d pixels",
        ws[2],
        ws[3],
        xs[2],
        xs[3]);
    if (window.dilation()
        > 1) { // oneDNN refuses some dilated shapes: zeros between the taps do the same
      Window undilated = new Window(window.stride(), window.padding(), 1, window.groups());
      return conv2d(x, spread(weight, window.dilation()), bias, undilated);
    }
    SDVariable y;
    if (window.groups() == 1) {
      y = plainConv(x, weight, window);
    } else {
      int groups = window.groups();
      Window single = new Window(window.stride(), window.padding(), window.dilation(), 1);
      SDVariable[] parts = new SDVariable[groups];
      for (int i = 0; i < groups; i++) {
        long in = ws[1];
        long out = ws[0] / groups;
        parts[i] = plainConv(slice(x, 1, i * in, in), slice(weight, 0, i * out, out), single);
      }
      y = concat(1, parts);
    }
    return bias == null ? y : add(y, perChannel(bias, y));
  }

  /** A kernel with {@code dilation} − 1 zeros between its taps. */
  private SDVariable spread(SDVariable weight, int dilation) {
    long[] s = shape(weight);
    SDVariable cells = reshape(weight, s[0] * s[1], s[2], 1, s[3], 1);
    SDVariable padded = pad(pad(cells, 2, 0, dilation - 1), 4, 0, dilation - 1);
    SDVariable wide = reshape(padded, s[0], s[1], s[2] * dilation, s[3] * dilation);
    return slice(slice(wide, 2, 0, dilation * (s[2] - 1) + 1), 3, 0, dilation * (s[3] - 1) + 1);
  }

  private SDVariable plainConv(SDVariable x, SDVariable weight, Window window) {
    long[] xs = shape(x);
    long[] ws = shape(weight);
    long[] shape = {xs[0], ws[0], window.output(xs[2], ws[2]), window.output(xs[3], ws[3])};
    return graph
        .record(
            "conv2d",
            new SDVariable[] {x, weight},
            new SDVariable[] {sd.cnn().conv2d(x, weight, config(ws, window))},
            new long[][] {shape},
            (up, wanted) -> {
              if (!wanted[0]) {
                return new SDVariable[] {null, convWeightGradient(x, weight, up[0], window)};
              }
              SDVariable[] both = convGradient(x, weight, up[0], window);
              return new SDVariable[] {wanted[0] ? both[0] : null, wanted[1] ? both[1] : null};
            },
            window.stride(),
            window.padding())[0];
  }

  /**
   * Both gradients of a convolution, D(w, g) for its input and W(x, g) for its weight. As ⟨g,
   * conv(x, w)⟩ is linear in each of x, w, g, the three maps are closed under differentiation.
   */
  private SDVariable[] convGradient(SDVariable x, SDVariable weight, SDVariable up, Window window) {
    SDVariable[] outputs =
        new Conv2DDerivative(sd, new SDVariable[] {x, weight, up}, config(shape(weight), window))
            .outputVariables();
    return graph.record(
        "conv2d_bp",
        new SDVariable[] {x, weight, up},
        outputs,
        new long[][] {shape(x), shape(weight)},
        (second, wanted) -> {
          SDVariable u = second[0];
          SDVariable v = second[1];
          SDVariable dx = null;
          SDVariable dw = null;
          SDVariable dg = null;
          if (v != null && wanted[0]) {
            dx = convGradient(x, v, up, window)[0];
          }
          if (u != null && wanted[1]) {
            dw = convGradient(u, weight, up, window)[1];
          }
          if (wanted[2]) {
            SDVariable left = u == null ? null : plainConv(u, weight, window);
            SDVariable right = v == null ? null : plainConv(x, v, window);
            dg = left == null ? right : right == null ? left : add(left, right);
          }
          return new SDVariable[] {dx, dw, dg};
        });
  }

  /**
   * W(x, g) alone, for a first layer: the native op computes both gradients, and few input channels
   * slowly.
   */
  private SDVariable convWeightGradient(
      SDVariable x, SDVariable weight, SDVariable up, Window window) {
    return region(
        "conv2d_weight_bp",
        () -> convGradient(x, weight, up, window)[1],
        y ->
            (second, wanted) ->
                new SDVariable[] {
                  wanted[0] ? convGradient(x, second[0], up, window)[0] : null,
                  null,
                  wanted[2] ? plainConv(x, second[0], window) : null
                },
        new double[] {window.stride(), window.padding()},
        x,
        weight,
        up);
  }

  private static Conv2DConfig config(long[] weight, Window window) {
    return Conv2DConfig.builder()
        .kH(weight[2])
        .kW(weight[3])
        .sH(window.stride())
        .sW(window.stride())
        .pH(window.padding())
        .pW(window.padding())
        .dH(window.dilation())
        .dW(window.dilation())
        .paddingMode(PaddingMode.VALID)
        .dataFormat(Conv2DConfig.NCHW)
        .weightsFormat(WeightsFormat.OIYX)
        .build();
  }

  /**
   * Transposed convolution, the adjoint of {@link #conv2d}: x [N, C, H, W], weight [C, O, kH, kW],
   * result [N, O, H', W'] with H' = (H − 1) · stride − 2 · padding + dilation (kH − 1) + 1 +
   * outputPadding.
   */
  public SDVariable convTranspose2d(
      SDVariable x, SDVariable weight, SDVariable bias, Window window, int outputPadding) {
    Check.that(
        window.groups() == 1, "a transposed convolution has one group, got %d", window.groups());
    Check.that(
        outputPadding >= 0 && outputPadding < window.stride(),
        "outputPadding must be in [0, stride), got %d",
        outputPadding);
    long[] xs = shape(x);
    long[] ws = shape(weight);
    Check.that(
        xs.length == 4 && ws.length == 4 && xs[1] == ws[0],
        "convTranspose2d needs x [N, C, H, W] and weight [C, O, kH, kW], got %s and %s",
        Arrays.toString(xs),
        Arrays.toString(ws));
    SDVariable shapeOnly =
        graph.constant(
            0,
            xs[0],
            ws[1],
            transposed(xs[2], ws[2], window) + outputPadding,
            transposed(xs[3], ws[3], window) + outputPadding);
    SDVariable y = convGradient(shapeOnly, weight, x, window)[0];
    return bias == null ? y : add(y, perChannel(bias, y));
  }

  private static long transposed(long input, long kernel, Window window) {
    return (input - 1) * window.stride()
        - 2L * window.padding()
        + window.dilation() * (kernel - 1)
        + 1;
  }

  /** Mean over windows of {@code kernel}² pixels; padded zeros count, as in PyTorch. */
  public SDVariable averagePool(SDVariable x, int kernel, int stride, int padding) {
    SDVariable padded = pad(pad(x, 2, padding, padding), 3, padding, padding);
    return pool(padded, kernel, stride, 0, Pooling2D.Pooling2DType.AVG);
  }

  /**
   * Largest value of windows of {@code kernel}² pixels. Its gradient cannot be differentiated
   * again.
   */
  public SDVariable maxPool(SDVariable x, int kernel, int stride, int padding) {
    return pool(x, kernel, stride, padding, Pooling2D.Pooling2DType.MAX);
  }

  private SDVariable pool(
      SDVariable x, int kernel, int stride, int padding, Pooling2D.Pooling2DType type) {
    Check.positive("kernel", kernel);
    Check.that(
        2 * padding <= kernel,
        "padding must be at most half the kernel, got %d for %d",
        padding,
        kernel);
    Window window = Window.of(stride, padding);
    long[] s = shape(x);
    long[] shape = {s[0], s[1], window.output(s[2], kernel), window.output(s[3], kernel)};
    boolean average = type == Pooling2D.Pooling2DType.AVG;
    Pooling2DConfig config = poolConfig(kernel, window, type);
    return add(
        average ? "avgpool2d" : "maxpool2d",
        average ? sd.cnn().avgPooling2d(x, config) : sd.cnn().maxPooling2d(x, config),
        shape,
        (up, wanted) ->
            new SDVariable[] {
              add(
                  average ? "avgpool2d_bp" : "maxpool2d_bp",
                  new Pooling2DDerivative(
                          sd, new SDVariable[] {x, up[0]}, poolConfig(kernel, window, type))
                      .outputVariable(),
                  s,
                  (second, wanted2) -> {
                    if (!average) {
                      throw new UnsupportedOperationException(
                          "maxPool has no second derivative; use averagePool where gradients are differentiated again");
                    }
                    return new SDVariable[] {null, pool(second[0], kernel, stride, padding, type)};
                  },
                  x,
                  up[0])
            },
        x);
  }

  private static Pooling2DConfig poolConfig(
      int kernel, Window window, Pooling2D.Pooling2DType type) {
    return Pooling2DConfig.builder()
        .kH(kernel)
        .kW(kernel)
        .sH(window.stride())
        .sW(window.stride())
        .pH(window.padding())
        .pW(window.padding())
        .type(type)
        .divisor(Pooling2D.Divisor.INCLUDE_PADDING)
        .paddingMode(PaddingMode.VALID)
        .isNHWC(false)
        .build();
  }

  /** Mean over the two last axes: x [N, C, H, W], result [N, C]. */
  public SDVariable globalAveragePool(SDVariable x) {
    return mean(x, false, 2, 3);
  }

  /** Each pixel repeated {@code factor} times along both image axes. */
  public SDVariable upsample(SDVariable x, int factor) {
    long[] s = shape(x);
    SDVariable cells = reshape(x, s[0] * s[1] * s[2], 1, s[3], 1);
    SDVariable repeated = broadcastTo(cells, s[0] * s[1] * s[2], factor, s[3], factor);
    return reshape(repeated, s[0], s[1], s[2] * factor, s[3] * factor);
  }
}
