package io.lapidary.engine.vector;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Set;
import java.util.stream.Stream;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Finds the fused kernel of a region or op, prepared for fixed arrays. */
public final class VectorKernels {
  private static final Set<String> KINDS =
      Set.of(
          "gelu",
          "gelu_bp",
          "gelu_tanh",
          "gelu_tanh_bp",
          "swish",
          "swish_bp",
          "softmax",
          "softmax_bp",
          "layer_norm",
          "layer_norm_bp",
          "layer_norm_weights_bp",
          "cross_entropy",
          "cross_entropy_bp",
          "sum_rows",
          "sum_columns",
          "sum_channels",
          "attention",
          "attention_bp",
          "attention_weights",
          "attention_weights_bp",
          "rotary",
          "rotary_bp",
          "relu_bp",
          "instance_norm",
          "instance_norm_bp",
          "gather",
          "scatter_add",
          "topk_mask");

  private VectorKernels() {}

  /** Whether a region of this kind has a kernel, for FLOAT arrays. */
  public static boolean has(String kind) {
    return KINDS.contains(kind);
  }

  /**
   * The kernel of {@code kind} on these arrays, or null where there is none.
   *
   * @param attributes the numbers of the region
   */
  public static Runnable find(String kind, double[] attributes, INDArray[] in, INDArray[] out) {
    if (kind.equals("attention") || kind.equals("attention_bp")) {
      return attention(kind.equals("attention"), attributes, in, out);
    }
    if (kind.equals("rotary") || kind.equals("rotary_bp")) {
      return rotary(kind.equals("rotary"), in, out[0]);
    }
    boolean usable =
        KINDS.contains(kind)
            && Arrays.stream(in).allMatch(Memory::usable)
            && Arrays.stream(out).allMatch(a -> Memory.usable(a) && a.dataType() == DataType.FLOAT);
    if (!usable) {
      return null;
    }
    ByteBuffer[] x = Arrays.stream(in).map(Memory::of).toArray(ByteBuffer[]::new);
    ByteBuffer[] y = Arrays.stream(out).map(Memory::of).toArray(ByteBuffer[]::new);
    int length = (int) in[0].length();
    int n = in[0].rank() == 0 ? 1 : (int) in[0].size(in[0].rank() - 1);
    int rows = length / n;
    int blocks = (n + Lanes.WIDTH - 1) / Lanes.WIDTH;
    float a = attributes.length > 0 ? (float) attributes[0] : 0;
    boolean b = attributes.length > 1 && attributes[1] != 0;
    return switch (kind) {
      case "gelu" -> flat(length, 16, (f, t) -> ActivationKernels.gelu(x[0], y[0], f, t));
      case "gelu_bp" ->
          flat(length, 20, (f, t) -> ActivationKernels.geluGradient(x[0], x[1], y[0], f, t));
      case "gelu_tanh" -> flat(length, 12, (f, t) -> ActivationKernels.geluTanh(x[0], y[0], f, t));
      case "gelu_tanh_bp" ->
          flat(length, 16, (f, t) -> ActivationKernels.geluTanhGradient(x[0], x[1], y[0], f, t));
      case "swish" -> flat(length, 8, (f, t) -> ActivationKernels.swish(x[0], y[0], a, f, t));
      case "swish_bp" ->
          flat(length, 10, (f, t) -> ActivationKernels.swishGradient(x[0], x[1], y[0], a, f, t));
      case "softmax" ->
          () -> Workers.run(rows, 8L * n, (f, t) -> RowKernels.softmax(x[0], y[0], f, t, n));
      case "softmax_bp" ->
          () ->
              Workers.run(
                  rows, 2L * n, (f, t) -> RowKernels.softmaxGradient(x[0], x[1], y[0], 1, f, t, n));
      case "layer_norm" -> { // inputs x[, gain[, bias]], outputs y[, mean], scale
        ByteBuffer gain = x.length > 1 ? x[1] : null;
        ByteBuffer bias = x.length > 2 ? x[2] : null;
        ByteBuffer mean = b ? y[1] : null;
        ByteBuffer scale = y[y.length - 1];
        yield () ->
            Workers.run(
                rows,
                2L * n,
                (f, t) -> RowKernels.layerNorm(x[0], gain, bias, y[0], mean, scale, a, b, f, t, n));
      }
      case "layer_norm_bp" -> { // inputs x[, mean], scale, up[, gain]
        int next = a != 0 ? 2 : 1;
        ByteBuffer mean = a != 0 ? x[1] : null;
        ByteBuffer gain = x.length > next + 2 ? x[next + 2] : null;
        yield () ->
            Workers.run(
                rows,
                3L * n,
                (f, t) ->
                    RowKernels.layerNormGradient(
                        x[0], mean, x[next], gain, x[next + 1], y[0], f, t, n));
      }
      case "layer_norm_weights_bp" -> { // inputs x[, mean], scale, up
        int next = a != 0 ? 2 : 1;
        ByteBuffer mean = a != 0 ? x[1] : null;
        yield () ->
            Workers.run(
                blocks,
                2L * rows * Lanes.WIDTH,
                (f, t) ->
                    RowKernels.layerNormWeights(
                        x[0],
                        mean,
                        x[next],
                        x[next + 1],
                        y[0],
                        y.length > 1 ? y[1] : null,
                        f,
                        t,
                        rows,
                        n));
      }
      case "cross_entropy" ->
          in[1].dataType() != DataType.INT
              ? null
              : () ->
                  Workers.run(
                      rows,
                      8L * n,
                      (f, t) -> RowKernels.crossEntropy(x[0], x[1], y[0], a, f, t, n));
      case "cross_entropy_bp" ->
          in[1].dataType() != DataType.INT
              ? null
              : () ->
                  Workers.run(
                      rows,
                      8L * n,
                      (f, t) ->
                          RowKernels.crossEntropyGradient(x[0], x[1], x[2], y[0], a, f, t, n));
      case "sum_rows" -> {
        int columns = (int) out[0].length();
        int height = length / columns;
        int pieces = (columns + Lanes.WIDTH - 1) / Lanes.WIDTH;
        yield () ->
            Workers.run(
                pieces,
                (long) height * Lanes.WIDTH,
                (f, t) -> RowKernels.sumRows(x[0], y[0], f, t, height, columns));
      }
      case "sum_columns" -> {
        int height = (int) out[0].length();
        int width = length / height;
        yield () ->
            Workers.run(height, width, (f, t) -> RowKernels.sumColumns(x[0], y[0], f, t, width));
      }
      case "sum_channels" -> {
        int channels = (int) out[0].length();
        int images = (int) in[0].size(0);
        int pixels = length / channels / images;
        yield () ->
            Workers.run(
                channels,
                (long) images * pixels,
                (f, t) -> RowKernels.sumChannels(x[0], y[0], f, t, images, channels, pixels));
      }
      case "attention_weights" -> {
        AttentionKernels.Mask mask = AttentionKernels.mask(attributes, n);
        yield () ->
            Workers.run(
                rows, 8L * n, (f, t) -> AttentionKernels.weights(x[0], y[0], a, mask, f, t));
      }
      case "attention_weights_bp" ->
          () ->
              Workers.run(
                  rows, 2L * n, (f, t) -> RowKernels.softmaxGradient(x[0], x[1], y[0], a, f, t, n));
      case "instance_norm" -> {
        int channels = (int) in[1].length();
        int height = (int) out[1].length();
        int width = length / height;
        yield () ->
            Workers.run(
                height,
                3L * width,
                (f, t) ->
                    ChannelKernels.norm(
                        x[0], x[1], x[2], y[0], y[1], y[2], a, f, t, channels, width));
      }
      case "instance_norm_bp" -> { // inputs x, mean, scale, gain, up
        int channels = (int) in[3].length();
        int images = (int) in[1].length() / channels;
        int width = length / channels / images;
        yield () ->
            Workers.run(
                channels,
                4L * images * width,
                (f, t) ->
                    ChannelKernels.gradient(
                        x[0], x[1], x[2], x[3], x[4], y[0], y[1], y[2], f, t, images, channels,
                        width));
      }
      case "topk_mask" -> () -> SelectionKernels.topKMask(x[0], y[0], rows, n, (int) attributes[0]);
      case "relu_bp" ->
          flat(length, 2, (f, t) -> ActivationKernels.reluGradient(x[0], x[1], y[0], f, t));
      case "gather" ->
          in[1].dataType() != DataType.INT
              ? null
              : gather(x, y[0], (int) in[1].length(), (int) (length / in[0].size(0)));
      case "scatter_add" ->
          in[1].dataType() != DataType.INT
              ? null
              : scatterAdd(
                  x[1],
                  x[2],
                  y[0],
                  (int) in[1].length(),
                  (int) (out[0].length() / out[0].size(0)),
                  (int) out[0].length());
      default -> null;
    };
  }

  /**
   * Inputs q, k, v[, padding], outputs y, top, factor; of the gradient inputs q, k, v, y, top,
   * factor, up[, padding], outputs of q, k, v. Heads may be strided.
   */
  private static Runnable attention(
      boolean forward, double[] attributes, INDArray[] in, INDArray[] out) {
    boolean usable =
        Stream.concat(Arrays.stream(in), Arrays.stream(out))
            .allMatch(a -> a.rank() == 4 ? Heads.usable(a) : Memory.usable(a));
    if (!usable) {
      return null;
    }
    AttentionSizes sizes =
        AttentionSizes.of(
            in[0], in[1], attributes, forward ? FlashAttention.KEYS : FlashAttentionGradient.KEYS);
    Heads[] x =
        Arrays.stream(in).map(a -> a.rank() == 4 ? Heads.of(a) : null).toArray(Heads[]::new);
    Heads[] y = Arrays.stream(out).map(Heads::of).toArray(Heads[]::new);
    int padded = forward ? 3 : 7;
    ByteBuffer padding = in.length > padded ? Memory.of(in[padded]) : null;
    return forward
        ? new FlashAttention(sizes, x[0], x[1], x[2], padding, y[0], y[1].memory(), y[2].memory())
            ::run
        : new FlashAttentionGradient(
                sizes,
                x[0],
                x[1],
                x[2],
                x[3],
                x[4].memory(),
                x[5].memory(),
                x[6],
                padding,
                y[0],
                y[1],
                y[2])
            ::run;
  }

  /**
   * Inputs x [..., T, d], tables [T, R] or [B, 1, T, R]; x may be strided, and so may the result.
   */
  private static Runnable rotary(boolean forward, INDArray[] in, INDArray out) {
    boolean usable =
        Heads.usable(in[0]) && Heads.usable(out) && Memory.usable(in[1]) && Memory.usable(in[2]);
    if (!usable) {
      return null;
    }
    int rank = in[0].rank();
    return new RotaryKernel(
            Heads.of(in[0]),
            Memory.of(in[1]),
            Memory.of(in[2]),
            Heads.of(out),
            rank < 4 ? 1 : (int) in[0].size(0),
            rank < 3 ? 1 : (int) in[0].size(rank - 3),
            (int) in[1].size(-1),
            in[1].rank() == 4 && in[1].size(0) > 1,
            forward)
        ::run;
  }

  private static Runnable flat(int length, long work, Workers.Range range) {
    int chunk = Math.max(Lanes.WIDTH, 4096);
    int chunks = (length + chunk - 1) / chunk;
    return () ->
        Workers.run(
            chunks, work * chunk, (f, t) -> range.run(f * chunk, Math.min(length, t * chunk)));
  }

  private static Runnable gather(ByteBuffer[] x, ByteBuffer y, int count, int width) {
    return () -> {
      for (int i = 0; i < count; i++) {
        y.put(i * width * 4, x[0], x[1].getInt(i << 2) * width * 4, width * 4);
      }
    };
  }

  private static Runnable scatterAdd(
      ByteBuffer ids, ByteBuffer updates, ByteBuffer table, int count, int width, int length) {
    return () -> {
      Lanes.clear(table, 0, length);
      for (int i = 0; i < count; i++) {
        int to = ids.getInt(i << 2) * width;
        int from = i * width;
        int j = 0;
        for (; j + Lanes.WIDTH <= width; j += Lanes.WIDTH) {
          Lanes.store(Lanes.load(table, to + j).add(Lanes.load(updates, from + j)), table, to + j);
        }
        for (; j < width; j++) {
          Lanes.put(table, to + j, Lanes.get(table, to + j) + Lanes.get(updates, from + j));
        }
      }
    };
  }
}
