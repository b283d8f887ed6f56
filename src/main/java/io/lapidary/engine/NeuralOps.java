package io.lapidary.engine;

import io.lapidary.Check;
import java.util.Arrays;
import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.transforms.NthElement;
import org.nd4j.linalg.factory.Nd4j;

/** Activations, normalisation, attention, dropout and selection. */
abstract class NeuralOps extends TensorOps {
  private static final double SQRT_HALF = Math.sqrt(0.5);
  private static final double TANH_SCALE = Math.sqrt(2 / Math.PI);

  NeuralOps(Graph graph) {
    super(graph);
  }

  // ---- activations --------------------------------------------------------------------------

  /** x Φ(x), by the error function. */
  public SDVariable gelu(SDVariable x) {
    return region(
        "gelu",
        () -> mul(mul(x, add(erf(mul(x, SQRT_HALF)), 1)), 0.5),
        y -> unary(up -> geluGradient(x, up)),
        new double[0],
        x);
  }

  private SDVariable geluGradient(SDVariable x, SDVariable up) {
    return region(
        "gelu_bp",
        () -> {
          SDVariable cdf = mul(add(erf(mul(x, SQRT_HALF)), 1), 0.5);
          SDVariable pdf = mul(exp(mul(square(x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
          return mul(up, add(cdf, mul(x, pdf)));
        },
        null,
        new double[0],
        x,
        up);
  }

  /**
   * GELU by tanh: ½x(1 + tanh(√(2/π)(x + 0.044715x³))) ({@code gelu_new}, {@code
   * gelu_pytorch_tanh}).
   */
  public SDVariable geluTanh(SDVariable x) {
    return region(
        "gelu_tanh",
        () -> mul(mul(x, add(tanh(geluTanhArgument(x)), 1)), 0.5),
        y -> unary(up -> geluTanhGradient(x, up)),
        new double[0],
        x);
  }

  private SDVariable geluTanhArgument(SDVariable x) {
    return mul(mul(x, add(mul(square(x), 0.044715), 1)), TANH_SCALE);
  }

  private SDVariable geluTanhGradient(SDVariable x, SDVariable up) {
    return region(
        "gelu_tanh_bp",
        () -> {
          SDVariable t = tanh(geluTanhArgument(x));
          SDVariable inner = mul(add(mul(square(x), 3 * 0.044715), 1), TANH_SCALE);
          SDVariable slope = mul(mul(x, rsub(1, square(t))), inner);
          return mul(up, mul(add(add(t, 1), slope), 0.5));
        },
        null,
        new double[0],
        x,
        up);
  }

  /** x σ(1.702x), CLIP's activation. */
  public SDVariable quickGelu(SDVariable x) {
    return swish(x, 1.702);
  }

  /** x σ(x). */
  public SDVariable silu(SDVariable x) {
    return swish(x, 1);
  }

  private SDVariable swish(SDVariable x, double beta) {
    return region(
        "swish",
        () -> mul(x, sigmoid(mul(x, beta))),
        y -> unary(up -> swishGradient(x, up, beta)),
        new double[] {beta},
        x);
  }

  private SDVariable swishGradient(SDVariable x, SDVariable up, double beta) {
    return region(
        "swish_bp",
        () -> {
          SDVariable s = sigmoid(mul(x, beta));
          SDVariable slope = mul(mul(mul(x, s), rsub(1, s)), beta);
          return mul(up, add(s, slope));
        },
        null,
        new double[] {beta},
        x,
        up);
  }

  /** ln(1 + eˣ), without overflow. */
  public SDVariable softplus(SDVariable x) {
    return add("softplus", softplusForward(x), shape(x), unary(up -> mul(up, sigmoid(x))), x);
  }

  private SDVariable softplusForward(SDVariable x) {
    return sd.nn().softplus(x);
  }

  /** Names that {@link #activation} knows. */
  private static final List<String> ACTIVATIONS =
      List.of(
          "gelu",
          "gelu_new",
          "gelu_pytorch_tanh",
          "gelu_fast",
          "quick_gelu",
          "silu",
          "swish",
          "relu",
          "tanh",
          "sigmoid");

  /**
   * Requires a name that {@link #activation} knows.
   *
   * @param key where the name was given, for the message
   */
  public static void checkActivation(String key, String name) {
    Check.that(
        ACTIVATIONS.contains(Check.present(key, name)),
        "%s must be one of %s, got %s",
        key,
        String.join(", ", ACTIVATIONS),
        name.replaceAll("\\p{Cntrl}", "?"));
  }

  /** The activation that a checkpoint's {@code hidden_act} names. */
  public SDVariable activation(String name, SDVariable x) {
    checkActivation("activation", name);
    return switch (name) {
      case "gelu" -> gelu(x);
      case "gelu_new", "gelu_pytorch_tanh", "gelu_fast" -> geluTanh(x);
      case "quick_gelu" -> quickGelu(x);
      case "silu", "swish" -> silu(x);
      case "relu" -> relu(x);
      case "tanh" -> tanh(x);
      default -> sigmoid(x);
    };
  }

  // ---- softmax ------------------------------------------------------------------------------

  /** Softmax along one axis. */
  public SDVariable softmax(SDVariable x, int axis) {
    int along = Shapes.axis(axis, rank(x));
    if (along != rank(x) - 1) {
      int[] order = swapWithLast(rank(x), along);
      return permute(softmax(permute(x, order), -1), order);
    }
    return region(
        "softmax",
        () -> { // the native op gives NaN for rows far below zero, so rows are shifted first
          SDVariable shifted = sub(x, max(x, true, along));
          return add("softmax", sd.nn().softmax(shifted, along), shape(x), null, shifted);
        },
        y -> unary(up -> softmaxGradient(y, up)),
        new double[0],
        x);
  }

  private SDVariable softmaxGradient(SDVariable y, SDVariable up) {
    return region(
        "softmax_bp",
        () -> {
          SDVariable weighted = mul(up, y);
          return sub(weighted, mul(y, sum(weighted, true, rank(y) - 1)));
        },
        null,
        new double[0],
        y,
        up);
  }

  /** Logarithm of the softmax along one axis. */
  public SDVariable logSoftmax(SDVariable x, int axis) {
    SDVariable shifted = sub(x, stopGradient(max(x, true, axis)));
    return sub(shifted, log(sum(exp(shifted), true, axis)));
  }

  /** ln Σ eˣ over {@code axes}, without overflow. */
  public SDVariable logSumExp(SDVariable x, boolean keepDims, int... axes) {
    SDVariable top = stopGradient(max(x, true, axes));
    SDVariable kept = add(log(sum(exp(sub(x, top)), true, axes)), top);
    return keepDims
        ? kept
        : reshape(kept, Shapes.reduce(shape(x), false, Shapes.axes(rank(x), axes)));
  }

  private static int[] swapWithLast(int rank, int axis) {
    int[] order = Shapes.axes(rank);
    order[axis] = rank - 1;
    order[rank - 1] = axis;
    return order;
  }

  // ---- normalisation ------------------------------------------------------------------------

  /**
   * (x − mean) / √(variance + ε) · gain + bias over the last axis; gain and bias [n] or null (Ba et
   * al. 2016).
   */
  public SDVariable layerNorm(SDVariable x, SDVariable gain, SDVariable bias, double epsilon) {
    return normalize(x, gain, bias, epsilon, true);
  }

  /** x / √(mean(x²) + ε) · gain over the last axis; gain [n] or null (Zhang and Sennrich 2019). */
  public SDVariable rmsNorm(SDVariable x, SDVariable gain, double epsilon) {
    return normalize(x, gain, null, epsilon, false);
  }

  /**
   * Rows of the last axis with mean 0 (when {@code centre}) and mean square 1, times gain, plus
   * bias. The region gives the result, the means (when centred) and the factors 1/√(variance + ε)
   * of the rows.
   */
  private SDVariable normalize(
      SDVariable x, SDVariable gain, SDVariable bias, double epsilon, boolean centre) {
    int last = rank(x) - 1;
    double n = graph.size(x, -1);
    Check.that(
        (gain == null || Arrays.equals(shape(gain), new long[] {(long) n}))
            && (bias == null
                || (gain != null && Arrays.equals(shape(bias), new long[] {(long) n}))),
        "normalisation of %s needs gain and bias of size %s",
        Arrays.toString(shape(x)),
        (long) n);
    SDVariable[] inputs = present(x, gain, bias);
    double[] attributes = {epsilon, centre ? 1 : 0};
    return graph
        .region(
            "layer_norm",
            inputs,
            attributes,
            () -> {
              SDVariable mean = centre ? mul(sum(x, true, last), 1 / n) : null;
              SDVariable c = centre ? sub(x, mean) : x;
              SDVariable scale = rsqrt(add(mul(sum(square(c), true, last), 1 / n), epsilon));
              SDVariable y = mul(c, scale);
              y = gain == null ? y : mul(y, gain);
              y = bias == null ? y : add(y, bias);
              return present(y, mean, scale);
            },
            out -> normalizeRule(x, gain, bias, n, out))[0];
  }

  private GradientRule normalizeRule(
      SDVariable x, SDVariable gain, SDVariable bias, double n, SDVariable[] out) {
    boolean centre = out.length == 3;
    SDVariable mean = centre ? out[1] : null;
    SDVariable scale = out[out.length - 1];
    return (up, wanted) -> {
      SDVariable dx = null;
      SDVariable[] weights = new SDVariable[2];
      if (up[0] != null) {
        dx = wanted[0] ? normalizeGradient(x, mean, scale, gain, up[0], n) : null;
        boolean trained = wanted.length > 1 && (wanted[1] || (wanted.length > 2 && wanted[2]));
        weights = trained ? normalizeWeights(x, mean, scale, up[0], bias != null) : weights;
      }
      // Only second derivatives reach the mean and the scale.
      if (centre && up[1] != null && wanted[0]) {
        SDVariable through = broadcastTo(mul(up[1], 1 / n), shape(x));
        dx = dx == null ? through : add(dx, through);
      }
      if (up[out.length - 1] != null && wanted[0]) {
        SDVariable unit = mul(centre ? sub(x, mean) : x, scale);
        SDVariable through = mul(mul(mul(up[out.length - 1], square(scale)), -1 / n), unit);
        dx = dx == null ? through : add(dx, through);
      }
      SDVariable[] all = {dx, weights[0], weights[1]};
      return Arrays.copyOf(all, wanted.length);
    };
  }

  private SDVariable normalizeGradient(
      SDVariable x, SDVariable mean, SDVariable scale, SDVariable gain, SDVariable up, double n) {
    int last = rank(x) - 1;
    boolean centre = mean != null;
    return region(
        "layer_norm_bp",
        () -> {
          SDVariable unit = mul(centre ? sub(x, mean) : x, scale);
          SDVariable g = gain == null ? up : mul(up, gain);
          SDVariable flat = sub(g, mul(unit, mul(sum(mul(g, unit), true, last), 1 / n)));
          return mul(centre ? sub(flat, mul(sum(g, true, last), 1 / n)) : flat, scale);
        },
        null,
        new double[] {centre ? 1 : 0},
        present(x, mean, scale, up, gain));
  }

  private SDVariable[] normalizeWeights(
      SDVariable x, SDVariable mean, SDVariable scale, SDVariable up, boolean bias) {
    boolean centre = mean != null;
    long[] size = {graph.size(x, -1)};
    SDVariable[] out =
        graph.region(
            "layer_norm_weights_bp",
            present(x, mean, scale, up),
            new double[] {centre ? 1 : 0},
            () -> {
              SDVariable unit = mul(centre ? sub(x, mean) : x, scale);
              SDVariable dGain = sumTo(mul(up, unit), size);
              return present(dGain, bias ? identity(sumTo(up, size)) : null);
            },
            null);
    return Arrays.copyOf(out, 2);
  }

  private static SDVariable[] present(SDVariable... variables) {
    return Arrays.stream(variables).filter(v -> v != null).toArray(SDVariable[]::new);
  }

  /**
   * Normalises groups of channels per example: x [N, C, …], gain and bias [C] or null (Wu and He
   * 2018).
   */
  public SDVariable groupNorm(
      SDVariable x, int groups, SDVariable gain, SDVariable bias, double epsilon) {
    long[] shape = shape(x);
    Check.that(
        groups > 0 && shape[1] % groups == 0,
        "%d channels do not split into %d groups",
        shape[1],
        groups);
    if (groups == shape[1] && gain != null && bias != null) {
      return channelNorm(x, gain, bias, epsilon);
    }
    SDVariable rows = reshape(x, shape[0] * groups, -1);
    SDVariable y = reshape(normalize(rows, null, null, epsilon, true), shape);
    return channelScaled(y, gain, bias);
  }

  /**
   * Instance norm with gain and bias as one region: the result, and mean and factor of each
   * example's channel [N·C, 1].
   */
  private SDVariable channelNorm(SDVariable x, SDVariable gain, SDVariable bias, double epsilon) {
    long[] shape = shape(x);
    long rowCount = shape[0] * shape[1];
    double n = Shapes.length(shape) / (double) rowCount;
    return graph
        .region(
            "instance_norm",
            new SDVariable[] {x, gain, bias},
            new double[] {epsilon},
            () -> {
              SDVariable rows = reshape(x, rowCount, -1);
              SDVariable mean = mul(sum(rows, true, 1), 1 / n);
              SDVariable c = sub(rows, mean);
              SDVariable scale = rsqrt(add(mul(sum(square(c), true, 1), 1 / n), epsilon));
              SDVariable unit = reshape(mul(c, scale), shape);
              SDVariable y = add(mul(unit, perChannel(gain, x)), perChannel(bias, x));
              return new SDVariable[] {y, mean, scale};
            },
            out -> channelNormRule(x, gain, n, out[1], out[2]))[0];
  }

  private GradientRule channelNormRule(
      SDVariable x, SDVariable gain, double n, SDVariable mean, SDVariable scale) {
    long[] shape = shape(x);
    long rowCount = graph.size(mean, 0);
    return (up, wanted) -> {
      SDVariable[] all = new SDVariable[3];
      if (up[0] != null) {
        all = channelNormGradient(x, mean, scale, gain, up[0], n);
      }
      if (up[1] != null && wanted[0]) { // only second derivatives reach mean and scale
        SDVariable rows = broadcastTo(mul(up[1], 1 / n), rowCount, (long) n);
        all[0] = all[0] == null ? reshape(rows, shape) : add(all[0], reshape(rows, shape));
      }
      if (up[2] != null && wanted[0]) {
        SDVariable unit = mul(sub(reshape(x, rowCount, -1), mean), scale);
        SDVariable rows = mul(mul(mul(up[2], square(scale)), -1 / n), unit);
        all[0] = all[0] == null ? reshape(rows, shape) : add(all[0], reshape(rows, shape));
      }
      return all;
    };
  }

  private SDVariable[] channelNormGradient(
      SDVariable x, SDVariable mean, SDVariable scale, SDVariable gain, SDVariable up, double n) {
    long[] shape = shape(x);
    long rowCount = graph.size(mean, 0);
    return graph.region(
        "instance_norm_bp",
        new SDVariable[] {x, mean, scale, gain, up},
        new double[0],
        () -> {
          SDVariable unit = mul(sub(reshape(x, rowCount, -1), mean), scale);
          SDVariable g = reshape(mul(up, perChannel(gain, x)), rowCount, -1);
          SDVariable along = mul(unit, mul(sum(mul(g, unit), true, 1), 1 / n));
          SDVariable flat = sub(sub(g, along), mul(sum(g, true, 1), 1 / n));
          SDVariable dx = reshape(mul(flat, scale), shape);
          SDVariable rows = reshape(up, rowCount, -1);
          SDVariable gains = reshape(sum(mul(rows, unit), false, 1), shape[0], shape[1]);
          SDVariable biases = reshape(sum(rows, false, 1), shape[0], shape[1]);
          return new SDVariable[] {dx, sum(gains, false, 0), sum(biases, false, 0)};
        },
        null);
  }

  /** Normalises every channel of every example: group norm with one channel per group. */
  public SDVariable instanceNorm(SDVariable x, SDVariable gain, SDVariable bias, double epsilon) {
    return groupNorm(x, Math.toIntExact(graph.size(x, 1)), gain, bias, epsilon);
  }

  /**
   * Batch norm over all axes but the channel axis 1 (Ioffe and Szegedy 2015). A training graph
   * normalises by the batch and moves the running statistics (unbiased variance, as PyTorch); other
   * graphs use the running statistics.
   */
  public SDVariable batchNorm(
      SDVariable x,
      SDVariable gain,
      SDVariable bias,
      SDVariable runningMean,
      SDVariable runningVariance,
      double momentum,
      double epsilon) {
    long[] shape = shape(x);
    int[] axes = java.util.stream.IntStream.range(0, shape.length).filter(i -> i != 1).toArray();
    if (!graph.training()) {
      SDVariable scale = rsqrt(add(runningVariance, epsilon));
      SDVariable y = mul(sub(x, perChannel(runningMean, x)), perChannel(scale, x));
      return channelScaled(y, gain, bias);
    }
    double n = Shapes.length(shape) / (double) shape[1];
    SDVariable mean = mean(x, true, axes);
    SDVariable centred = sub(x, mean);
    SDVariable variance = mean(square(centred), true, axes);
    graph.update(runningMean, moved(runningMean, reshape(mean, shape[1]), momentum));
    graph.update(
        runningVariance,
        moved(runningVariance, mul(reshape(variance, shape[1]), n / Math.max(1, n - 1)), momentum));
    return channelScaled(mul(centred, rsqrt(add(variance, epsilon))), gain, bias);
  }

  private SDVariable moved(SDVariable running, SDVariable now, double momentum) {
    return stopGradient(add(mul(running, 1 - momentum), mul(now, momentum)));
  }

  private SDVariable channelScaled(SDVariable y, SDVariable gain, SDVariable bias) {
    SDVariable out = gain == null ? y : mul(y, perChannel(gain, y));
    return bias == null ? out : add(out, perChannel(bias, y));
  }

  /** A vector [C] in the shape that broadcasts over axis 1 of x. */
  final SDVariable perChannel(SDVariable vector, SDVariable x) {
    long[] shape = new long[rank(x)];
    Arrays.fill(shape, 1);
    shape[1] = graph.size(x, 1);
    return reshape(vector, shape);
  }

  /** x / max(‖x‖₂, ε) along one axis: zero rows stay zero, with gradient upstream/ε. */
  public SDVariable l2Normalize(SDVariable x, int axis, double epsilon) {
    SDVariable squares = sum(square(x), true, Shapes.axis(axis, rank(x)));
    SDVariable floor = graph.constant(epsilon * epsilon);
    return mul(x, rsqrt(maximum(squares, floor)));
  }

  // ---- dropout ------------------------------------------------------------------------------

  /**
   * Zeroes entries with probability {@code rate} and divides the others by 1 − rate; the identity
   * outside training.
   */
  public SDVariable dropout(SDVariable x, double rate) {
    Check.that(rate >= 0 && rate < 1, "dropout rate must be in [0, 1), got %s", rate);
    if (!graph.training() || rate == 0) {
      return x;
    }
    SDVariable keep =
        graph.noise("dropout", new Graph.Noise(Graph.Noise.Kind.BERNOULLI, 1 - rate), shape(x));
    return mul(x, mul(keep, 1 / (1 - rate)));
  }

  // ---- selection ----------------------------------------------------------------------------

  /**
   * 1 at the {@code k} largest entries of each row of the last axis, else 0. Of equal entries the
   * first is taken. No gradient flows through the mask; {@code mul(x, topKMask(x, k))} passes it to
   * the kept values.
   */
  public SDVariable topKMask(SDVariable x, int k) {
    long[] shape = shape(x);
    int last = shape.length - 1;
    Check.that(k >= 1 && k <= shape[last], "k must be in [1, %d], got %d", shape[last], k);
    if (k == shape[last]) {
      return graph.constant(1, shape);
    }
    return region(
        "topk_mask",
        () -> {
          SDVariable place = graph.constant(Nd4j.scalar(k - 1));
          SDVariable found = new NthLargest(sd, x, place).outputVariables()[0];
          long[] rows = Arrays.copyOf(shape, last);
          add("nth_element", found, rows, flat(2), x, place);
          SDVariable kth = reshape(found, Shapes.with(shape, last, 1));
          SDVariable above = greater(x, kth);
          SDVariable ties = equal(x, kth);
          SDVariable room = rsub(k, sum(above, true, last));
          SDVariable early = greaterOrEqual(room, cumsum(ties, last));
          return add(above, mul(ties, early));
        },
        y -> flat(1),
        new double[] {k},
        x);
  }

  /**
   * The n-th largest entry (from 0) of each row. M2.1's top-k is no substitute: it leaves out
   * values that it has already.
   */
  private static final class NthLargest extends NthElement {
    NthLargest(SameDiff sd, SDVariable x, SDVariable n) {
      setSameDiff(sd);
      setInstanceId();
      addIArgument(1); // from the largest down
      sd.addArgsFor(new SDVariable[] {x, n}, this);
    }

    @Override
    public List<DataType> calculateOutputDataTypes(List<DataType> inputs) {
      return List.of(inputs.get(0));
    }
  }

  // ---- attention ----------------------------------------------------------------------------

  /** Which keys a query may see. */
  public record AttentionMask(boolean causal, int window) {
    /** Every key. */
    public static final AttentionMask FULL = new AttentionMask(false, 0);

    /** Keys up to the query's position. */
    public static final AttentionMask CAUSAL = new AttentionMask(true, 0);

    /** Keys up to the query's position and less than {@code window} before it; 0 means no limit. */
    public AttentionMask {
      Check.notNegative("window", window);
      Check.that(window == 0 || causal, "a sliding window needs a causal mask");
    }
  }

  /**
   * Scaled dot-product attention: softmax(q kᵀ · scale + mask) v. Shapes: q [B, H, Tq, d], k and v
   * [B, G, Tk, d], result [B, H, Tq, d]. Query head h uses key-value head ⌊h / (H/G)⌋. Queries
   * stand at the last Tq of the Tk positions.
   *
   * @param padding 1 for real keys and 0 for padding, [B, Tk] of the graph's type, or null
   */
  public SDVariable attention(
      SDVariable q,
      SDVariable k,
      SDVariable v,
      double scale,
      AttentionMask mask,
      SDVariable padding) {
    long[] qs = shape(q);
    long[] ks = shape(k);
    Check.that(
        qs.length == 4 && ks.length == 4 && qs[1] % ks[1] == 0,
        "attention needs q [B, H, Tq, d] and k, v [B, G, Tk, d] with G dividing H, got %s and %s",
        Arrays.toString(qs),
        Arrays.toString(ks));
    Check.that(
        !mask.causal() || qs[2] <= ks[2],
        "causal attention needs at most as many queries as keys, got %d and %d",
        qs[2],
        ks[2]);
    double[] attributes = {scale, mask.causal() ? 1 : 0, mask.window(), qs[2]};
    SDVariable[] weights = new SDVariable[1]; // a gradient in plain ops uses them again
    return graph
        .region(
            "attention",
            present(q, k, v, padding),
            attributes,
            () -> {
              long[] grouped = {qs[0], ks[1], qs[1] / ks[1] * qs[2], qs[3]};
              SDVariable scores =
                  reshape(matmul(reshape(q, grouped), k, false, true), qs[0], qs[1], qs[2], ks[2]);
              weights[0] = attentionWeights(scores, scale, mask, padding);
              SDVariable y = reshape(matmul(reshape(weights[0], with(grouped, ks[2])), v), qs);
              SDVariable masked = masked(scores, scale, mask, padding);
              SDVariable top = max(masked, true, 3);
              SDVariable total = sum(exp(sub(masked, top)), true, 3);
              return new SDVariable[] {y, top, reciprocal(total)};
            },
            out ->
                (up, wanted) ->
                    Arrays.copyOf(
                        attentionGradient(
                            new SDVariable[] {q, k, v},
                            out,
                            up[0],
                            padding,
                            weights[0],
                            attributes),
                        wanted.length))[0];
  }

  /** Gradients of q, k and v; none flows into the padding. */
  private SDVariable[] attentionGradient(
      SDVariable[] qkv,
      SDVariable[] out,
      SDVariable up,
      SDVariable padding,
      SDVariable weights,
      double[] attributes) {
    SDVariable q = qkv[0];
    SDVariable k = qkv[1];
    SDVariable v = qkv[2];
    long[] qs = shape(q);
    long[] ks = shape(k);
    return graph.region(
        "attention_bp",
        present(q, k, v, out[0], out[1], out[2], up, padding),
        attributes,
        () -> {
          long[] grouped = {qs[0], ks[1], qs[1] / ks[1] * qs[2], qs[3]};
          long[] table = with(grouped, ks[2]);
          SDVariable rows = reshape(up, grouped);
          SDVariable slopes = reshape(matmul(rows, v, false, true), shape(weights));
          SDVariable ds = reshape(weightsGradient(weights, slopes, attributes[0]), table);
          return new SDVariable[] {
            reshape(matmul(ds, k), qs),
            matmul(ds, reshape(q, grouped), true, false),
            matmul(reshape(weights, table), rows, true, false)
          };
        },
        null);
  }

  private static long[] with(long[] shape, long last) {
    return Shapes.with(shape, shape.length - 1, last);
  }

  /** Softmax of scaled and masked scores [B, H, Tq, Tk] over the keys. */
  private SDVariable attentionWeights(
      SDVariable scores, double scale, AttentionMask mask, SDVariable padding) {
    if (padding != null) {
      return softmax(masked(scores, scale, mask, padding), -1);
    }
    return region(
        "attention_weights",
        () -> softmax(masked(scores, scale, mask, null), -1),
        y -> unary(up -> weightsGradient(y, up, scale)),
        new double[] {scale, mask.causal() ? 1 : 0, mask.window(), graph.size(scores, 2)},
        scores);
  }

  private SDVariable weightsGradient(SDVariable weights, SDVariable up, double scale) {
    return region(
        "attention_weights_bp",
        () -> mul(softmaxGradient(weights, up), scale),
        null,
        new double[] {scale},
        weights,
        up);
  }

  private SDVariable masked(
      SDVariable scores, double scale, AttentionMask mask, SDVariable padding) {
    long[] s = shape(scores);
    SDVariable scaled = mul(scores, scale);
    if (padding != null) {
      scaled = add(scaled, reshape(mul(add(padding, -1), 1e9), s[0], 1, 1, s[3]));
    }
    return mask.causal() ? add(scaled, causalBias(s[2], s[3], mask.window())) : scaled;
  }

  /** Far below what padding adds: a query that sees padding alone attends to it, not ahead. */
  private SDVariable causalBias(long queries, long keys, int window) {
    float[][] bias = new float[Math.toIntExact(queries)][Math.toIntExact(keys)];
    for (int i = 0; i < queries; i++) {
      long position = i + keys - queries;
      for (int j = 0; j < keys; j++) {
        boolean visible = j <= position && (window == 0 || j > position - window);
        bias[i][j] = visible ? 0 : -1e30f;
      }
    }
    return graph.constant(Nd4j.createFromArray(bias).castTo(graph.type()));
  }

  /**
   * Rotary positions in the half-split convention of Hugging Face: x [..., T, d], cos and sin [T,
   * R] with R ≤ d (broadcast over leading axes; R even, angles repeated in both halves); dimensions
   * from R on pass through.
   */
  public SDVariable rotary(SDVariable x, SDVariable cos, SDVariable sin) {
    long d = graph.size(x, -1);
    long r = graph.size(cos, -1);
    Check.that(r <= d && r % 2 == 0, "rotary size must be even and at most %d, got %d", d, r);
    return region(
        "rotary",
        () -> rotated(x, cos, sin),
        y ->
            (up, wanted) -> {
              SDVariable dx = wanted[0] ? rotaryGradient(up[0], cos, sin) : null;
              SDVariable turned = slice(up[0], -1, 0, r);
              return new SDVariable[] {
                dx,
                wanted[1] ? sumTo(mul(turned, slice(x, -1, 0, r)), shape(cos)) : null,
                wanted[2] ? sumTo(mul(turned, quarterTurn(slice(x, -1, 0, r))), shape(sin)) : null
              };
            },
        new double[0],
        x,
        cos,
        sin);
  }

  private SDVariable rotated(SDVariable x, SDVariable cos, SDVariable sin) {
    long d = graph.size(x, -1);
    long r = graph.size(cos, -1);
    SDVariable part = slice(x, -1, 0, r);
    SDVariable y = add(mul(part, cos), mul(quarterTurn(part), sin));
    return r == d ? y : concat(-1, y, slice(x, -1, r, d - r));
  }

  /** (a, b) to (−b, a) over the two halves of the last axis. */
  private SDVariable quarterTurn(SDVariable x) {
    long half = graph.size(x, -1) / 2;
    return concat(-1, neg(slice(x, -1, half, half)), slice(x, -1, 0, half));
  }

  private SDVariable rotaryGradient(SDVariable up, SDVariable cos, SDVariable sin) {
    return region(
        "rotary_bp",
        () -> {
          long d = graph.size(up, -1);
          long r = graph.size(cos, -1);
          SDVariable part = slice(up, -1, 0, r);
          SDVariable back = sub(mul(part, cos), quarterTurn(mul(part, sin)));
          return r == d ? back : concat(-1, back, slice(up, -1, r, d - r));
        },
        null,
        new double[0],
        up,
        cos,
        sin);
  }

  // ---- resizing -----------------------------------------------------------------------------

  /** How {@link #resize} reads between pixels. */
  public enum Interpolation {
    NEAREST,
    BILINEAR
  }

  /**
   * Resizes the two last axes of x [N, C, H, W] by fixed matrices, pixel centres at half positions
   * (PyTorch's align_corners=False).
   */
  public SDVariable resize(SDVariable x, long height, long width, Interpolation interpolation) {
    long[] s = shape(x);
    SDVariable columns = resizeMatrix(s[3], width, interpolation);
    SDVariable wide =
        reshape(matmul(reshape(x, -1, s[3]), columns, false, true), s[0] * s[1], s[2], width);
    SDVariable turned = reshape(permute(wide, 0, 2, 1), -1, s[2]);
    SDVariable rows = resizeMatrix(s[2], height, interpolation);
    SDVariable tall = reshape(matmul(turned, rows, false, true), s[0] * s[1], width, height);
    return reshape(permute(tall, 0, 2, 1), s[0], s[1], height, width);
  }

  private SDVariable resizeMatrix(long from, long to, Interpolation interpolation) {
    double[][] matrix = new double[Math.toIntExact(to)][Math.toIntExact(from)];
    double ratio = (double) from / to;
    for (int i = 0; i < to; i++) {
      if (interpolation == Interpolation.NEAREST) {
        matrix[i][(int) Math.min(from - 1, (long) Math.floor(i * ratio))] = 1;
      } else {
        double centre = Math.max(0, (i + 0.5) * ratio - 0.5);
        int low = (int) Math.min(from - 1, (long) centre);
        int high = (int) Math.min(from - 1, low + 1L);
        matrix[i][low] += 1 - (centre - low);
        matrix[i][high] += centre - low;
      }
    }
    INDArray array = Nd4j.createFromArray(matrix);
    return graph.constant(array.dataType() == graph.type() ? array : array.castTo(graph.type()));
  }

  /** Ids 0 … n−1 as a constant INT vector. */
  public SDVariable range(int n) {
    int[] ids = new int[n];
    Arrays.setAll(ids, i -> i);
    return graph.constant(Nd4j.createFromArray(ids).castTo(DataType.INT));
  }
}
