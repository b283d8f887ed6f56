package io.lapidary.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.lapidary.engine.GradientCheck.Inputs;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Every op of the vocabulary against central differences, over random shapes and axes; and the plan
 * against SameDiff itself.
 */
class OpsGradientTest {
  private static final int SEEDS = 3;
  private static final Map<String, BiFunction<Inputs, Ops, SDVariable>> CASES =
      new LinkedHashMap<>();

  private static void op(String name, BiFunction<Inputs, Ops, SDVariable> function) {
    CASES.put(name, function);
  }

  private static long[] shape(Inputs in, int rank) {
    long[] shape = new long[rank];
    for (int i = 0; i < rank; i++) {
      shape[i] = in.size(1, 4);
    }
    return shape;
  }

  private static long[] anyShape(Inputs in) {
    return shape(in, in.size(1, 4));
  }

  /** A shape that broadcasts to {@code shape}: leading axes dropped, some sizes 1. */
  private static long[] narrower(Inputs in, long[] shape) {
    int drop = in.size(0, shape.length - 1);
    long[] out = new long[shape.length - drop];
    for (int i = 0; i < out.length; i++) {
      out[i] = in.random.nextBoolean() ? 1 : shape[i + drop];
    }
    return out;
  }

  private static int axis(Inputs in, int rank) {
    return in.size(-rank, rank - 1);
  }

  private static int[] someAxes(Inputs in, int rank) {
    int[] axes =
        java.util.stream.IntStream.range(0, rank).filter(i -> in.random.nextBoolean()).toArray();
    return axes.length == 0 ? new int[] {-1} : axes;
  }

  private interface Binary {
    SDVariable apply(Ops ops, SDVariable a, SDVariable b);
  }

  private static void binary(String name, double low, double high, Binary function) {
    op(
        name,
        (in, o) -> {
          long[] s = anyShape(in);
          SDVariable full = in.between(low, high, s);
          return function.apply(o, full, in.between(low, high, narrower(in, s)));
        });
    op(
        name + " (left broadcast)",
        (in, o) -> {
          long[] s = anyShape(in);
          SDVariable small = in.between(low, high, narrower(in, s));
          return function.apply(o, small, in.between(low, high, s));
        });
    op(
        name + " (same operand)",
        (in, o) -> {
          SDVariable x = in.between(low, high, anyShape(in));
          return function.apply(o, x, x);
        });
  }

  private interface Unary {
    SDVariable apply(Ops ops, SDVariable x);
  }

  private static void unary(String name, double low, double high, Unary function) {
    op(name, (in, o) -> function.apply(o, in.between(low, high, anyShape(in))));
  }

  private static void kinked(String name, Unary function) {
    op(name, (in, o) -> function.apply(o, in.distinct(anyShape(in))));
  }

  static {
    binary("add", -1, 1, Ops::add);
    binary("sub", -1, 1, Ops::sub);
    binary("mul", -1, 1, Ops::mul);
    binary("div", 0.5, 2, Ops::div);
    op(
        "maximum",
        (in, o) -> {
          long[] s = anyShape(in);
          return o.maximum(in.distinct(s), o.add(in.distinct(narrower(in, s)), 0.013));
        });
    op(
        "minimum",
        (in, o) -> {
          long[] s = anyShape(in);
          return o.minimum(in.distinct(narrower(in, s)), o.add(in.distinct(s), 0.013));
        });
    unary("add number", -1, 1, (o, x) -> o.add(x, 1.5));
    unary("mul number", -1, 1, (o, x) -> o.mul(x, -2.5));
    unary("rsub", -1, 1, (o, x) -> o.rsub(3, x));
    unary("rdiv", 0.5, 2, (o, x) -> o.rdiv(3, x));
    unary("pow", 0.5, 2, (o, x) -> o.pow(x, 2.3));
    unary("identity", -1, 1, Ops::identity);
    unary("neg", -1, 1, Ops::neg);
    unary("exp", -1, 1, Ops::exp);
    unary("log", 0.5, 2, Ops::log);
    unary("log1p", -0.5, 2, Ops::log1p);
    unary("expm1", -1, 1, Ops::expm1);
    unary("sqrt", 0.5, 2, Ops::sqrt);
    unary("rsqrt", 0.5, 2, Ops::rsqrt);
    unary("reciprocal", 0.5, 2, Ops::reciprocal);
    unary("square", -1, 1, Ops::square);
    kinked("abs", Ops::abs);
    unary("sin", -2, 2, Ops::sin);
    unary("cos", -2, 2, Ops::cos);
    unary("tanh", -2, 2, Ops::tanh);
    unary("sigmoid", -3, 3, Ops::sigmoid);
    unary("erf", -2, 2, Ops::erf);
    kinked("relu", Ops::relu);
    kinked("clip", (o, x) -> o.clip(x, -0.31, 0.41));
    unary("gelu", -3, 3, Ops::gelu);
    unary("geluTanh", -3, 3, Ops::geluTanh);
    unary("quickGelu", -3, 3, Ops::quickGelu);
    unary("silu", -3, 3, Ops::silu);
    unary("softplus", -4, 4, Ops::softplus);
    op(
        "where",
        (in, o) -> {
          long[] s = anyShape(in);
          SDVariable mask = o.greater(in.distinct(s), 0);
          return o.where(mask, in.any(narrower(in, s)), in.any(s));
        });
    op(
        "sum",
        (in, o) -> {
          long[] s = anyShape(in);
          return o.sum(in.any(s), in.random.nextBoolean(), someAxes(in, s.length));
        });
    op("mean of all", (in, o) -> o.mean(in.any(anyShape(in)), false));
    op(
        "mean",
        (in, o) -> {
          long[] s = anyShape(in);
          return o.mean(in.any(s), in.random.nextBoolean(), someAxes(in, s.length));
        });
    op(
        "variance",
        (in, o) -> {
          long[] s = {in.size(2, 4), in.size(2, 4), in.size(2, 4)};
          return o.variance(
              in.any(s), in.random.nextBoolean(), in.random.nextBoolean(), someAxes(in, 3));
        });
    op(
        "max",
        (in, o) -> {
          long[] s = anyShape(in);
          return o.max(in.distinct(s), in.random.nextBoolean(), someAxes(in, s.length));
        });
    op(
        "min",
        (in, o) -> {
          long[] s = anyShape(in);
          return o.min(in.distinct(s), in.random.nextBoolean(), someAxes(in, s.length));
        });
    op(
        "broadcastTo",
        (in, o) -> {
          long[] s = anyShape(in);
          return o.broadcastTo(in.any(narrower(in, s)), s);
        });
    op(
        "sumTo",
        (in, o) -> {
          long[] s = anyShape(in);
          return o.sumTo(in.any(s), narrower(in, s));
        });
    op("reshape", (in, o) -> o.reshape(in.any(2, 3, in.size(1, 4)), -1, 6));
    op("permute", (in, o) -> o.permute(in.any(shape(in, 4)), 2, 0, 3, 1));
    op("transpose", (in, o) -> o.transpose(in.any(shape(in, in.size(2, 4)))));
    op(
        "concat",
        (in, o) -> {
          long[] s = anyShape(in);
          int axis = axis(in, s.length);
          int along = Shapes.axis(axis, s.length);
          SDVariable a = in.any(s);
          return o.concat(axis, a, in.any(Shapes.with(s, along, in.size(1, 3))), a);
        });
    op(
        "stack",
        (in, o) -> {
          long[] s = shape(in, in.size(1, 3));
          return o.stack(axis(in, s.length + 1), in.any(s), in.any(s));
        });
    op(
        "split",
        (in, o) -> {
          SDVariable[] parts = o.split(in.any(3, 6, 2), 1, 1, 3, 2);
          return o.concat(1, parts[2], o.square(parts[0]), parts[1]);
        });
    op(
        "slice",
        (in, o) -> {
          long[] s = {in.size(2, 4), in.size(2, 4), in.size(2, 4)};
          int axis = axis(in, 3);
          return o.slice(in.any(s), axis, 1, s[Shapes.axis(axis, 3)] - 1);
        });
    op(
        "pad",
        (in, o) -> {
          long[] s = anyShape(in);
          return o.pad(in.any(s), axis(in, s.length), in.size(0, 2), in.size(1, 2));
        });
    op(
        "tile",
        (in, o) -> {
          long[] s = anyShape(in);
          return o.tile(in.any(s), axis(in, s.length), 3);
        });
    op(
        "reverse",
        (in, o) -> {
          long[] s = anyShape(in);
          return o.reverse(in.any(s), axis(in, s.length));
        });
    op(
        "cumsum",
        (in, o) -> {
          long[] s = anyShape(in);
          return o.cumsum(in.any(s), axis(in, s.length));
        });
    op("embedding", (in, o) -> o.embedding(in.any(5, 3), in.ids(5, shape(in, in.size(1, 3)))));
    op("embedding of a vector table", (in, o) -> o.embedding(in.any(5), in.ids(5, 7)));
    op(
        "scatterAdd",
        (in, o) -> {
          SDVariable ids = in.ids(4, 2, 3);
          return o.scatterAdd(in.any(2, 3, 2), ids, 4, 2);
        });
    for (int rank = 2; rank <= 4; rank++) {
      int r = rank;
      for (int flags = 0; flags < 4; flags++) {
        boolean ta = (flags & 1) != 0;
        boolean tb = (flags & 2) != 0;
        op(
            "matmul rank " + r + (ta ? " transposed left" : "") + (tb ? " transposed right" : ""),
            (in, o) -> {
              long[] lead = shape(in, r - 2);
              long m = in.size(1, 4);
              long k = in.size(1, 4);
              long n = in.size(1, 4);
              long[] a = java.util.Arrays.copyOf(lead, r);
              long[] b = java.util.Arrays.copyOf(lead, r);
              a[r - 2] = ta ? k : m;
              a[r - 1] = ta ? m : k;
              b[r - 2] = tb ? n : k;
              b[r - 1] = tb ? k : n;
              return o.matmul(in.any(a), in.any(b), ta, tb);
            });
      }
    }
    op("linear", (in, o) -> o.linear(in.any(2, 3, 4), in.any(5, 4), in.any(5)));
    op("linear without bias", (in, o) -> o.linear(in.any(3, 4), in.any(5, 4), null));
    op("dense", (in, o) -> o.dense(in.any(2, 3, 4), in.any(4, 5), in.any(5)));
    op(
        "softmax",
        (in, o) -> {
          long[] s = anyShape(in);
          return o.softmax(in.any(s), axis(in, s.length));
        });
    op(
        "logSoftmax",
        (in, o) -> {
          long[] s = anyShape(in);
          return o.logSoftmax(in.any(s), axis(in, s.length));
        });
    op(
        "logSumExp",
        (in, o) -> {
          long[] s = anyShape(in);
          return o.logSumExp(in.any(s), in.random.nextBoolean(), someAxes(in, s.length));
        });
    op("layerNorm", (in, o) -> o.layerNorm(in.any(2, 3, 5), in.any(5), in.any(5), 1e-5));
    op("layerNorm without gain", (in, o) -> o.layerNorm(in.any(3, 4), null, null, 1e-5));
    op("rmsNorm", (in, o) -> o.rmsNorm(in.any(2, 3, 5), in.any(5), 1e-6));
    op("groupNorm", (in, o) -> o.groupNorm(in.any(2, 6, 3, 2), 3, in.any(6), in.any(6), 1e-5));
    op("instanceNorm", (in, o) -> o.instanceNorm(in.any(2, 3, 4, 3), in.any(3), in.any(3), 1e-5));
    op(
        "batchNorm in training",
        (in, o) -> {
          SDVariable mean = in.graph.buffer("mean", Init.zeros(), 3);
          SDVariable variance = in.graph.buffer("variance", Init.ones(), 3);
          return o.batchNorm(in.any(4, 3, 2, 2), in.any(3), in.any(3), mean, variance, 0.1, 1e-5);
        });
    op(
        "l2Normalize",
        (in, o) -> {
          long[] s = {in.size(2, 4), in.size(2, 4)};
          return o.l2Normalize(in.any(s), axis(in, 2), 1e-8);
        });
    op("dropout", (in, o) -> o.dropout(in.any(4, 5), 0.4));
    op(
        "top-k with straight-through gradient",
        (in, o) -> {
          SDVariable x = in.distinct(3, 7);
          return o.mul(x, o.topKMask(x, in.size(1, 7)));
        });
    op(
        "largest of a batch with straight-through gradient",
        (in, o) -> {
          SDVariable x = in.distinct(3, 7);
          return o.mul(x, o.batchTopKMask(x, in.size(1, 21)));
        });
    op("long cumsum", (in, o) -> o.cumsum(in.any(2, in.size(513, 530)), 1));
    op(
        "attention",
        (in, o) ->
            o.attention(
                in.any(2, 2, 3, 4),
                in.any(2, 2, 5, 4),
                in.any(2, 2, 5, 4),
                0.5,
                NeuralOps.AttentionMask.FULL,
                null));
    op(
        "attention, causal and grouped",
        (in, o) ->
            o.attention(
                in.any(2, 4, 3, 2),
                in.any(2, 2, 3, 2),
                in.any(2, 2, 3, 2),
                0.7,
                NeuralOps.AttentionMask.CAUSAL,
                null));
    op(
        "attention, window and padding",
        (in, o) -> {
          SDVariable padding =
              in.graph.constant(
                  Nd4j.createFromArray(new double[][] {{1, 1, 1, 1}, {1, 1, 1, 0}})
                      .castTo(in.graph.type()));
          return o.attention(
              in.any(2, 2, 4, 2),
              in.any(2, 1, 4, 2),
              in.any(2, 1, 4, 2),
              0.7,
              new NeuralOps.AttentionMask(true, 2),
              padding);
        });
    op(
        "rotary",
        (in, o) -> {
          SDVariable x = in.any(2, 2, 3, 6);
          return o.rotary(x, in.any(3, 4), in.any(3, 4));
        });
    op(
        "conv2d",
        (in, o) ->
            o.conv2d(
                in.any(2, 3, 6, 5),
                in.any(4, 3, 3, 2),
                in.any(4),
                new ConvOps.Window(in.size(1, 2), in.size(0, 1), 1, 1)));
    op(
        "conv2d dilated",
        (in, o) ->
            o.conv2d(in.any(1, 2, 7, 7), in.any(3, 2, 3, 3), null, new ConvOps.Window(1, 2, 2, 1)));
    op(
        "conv2d 1x1",
        (in, o) ->
            o.conv2d(
                in.any(2, 3, 4, 4), in.any(2, 3, 1, 1), null, ConvOps.Window.of(in.size(1, 2), 0)));
    op(
        "conv2d grouped",
        (in, o) ->
            o.conv2d(
                in.any(2, 4, 4, 4), in.any(6, 2, 3, 3), in.any(6), new ConvOps.Window(1, 1, 1, 2)));
    op(
        "conv2d depthwise",
        (in, o) ->
            o.conv2d(in.any(2, 3, 4, 4), in.any(3, 1, 3, 3), null, new ConvOps.Window(1, 1, 1, 3)));
    op(
        "convTranspose2d",
        (in, o) -> {
          int stride = in.size(1, 2);
          return o.convTranspose2d(
              in.any(2, 3, 3, 4),
              in.any(3, 2, 3, 3),
              in.any(2),
              ConvOps.Window.of(stride, in.size(0, 1)),
              stride - 1);
        });
    op("averagePool", (in, o) -> o.averagePool(in.any(2, 2, 6, 4), 2, 2, 0));
    op("averagePool padded", (in, o) -> o.averagePool(in.any(2, 2, 5, 5), 3, in.size(1, 2), 1));
    op("maxPool", (in, o) -> o.maxPool(in.distinct(2, 2, 6, 4), 2, 2, 0));
    op("maxPool padded", (in, o) -> o.maxPool(in.distinct(1, 2, 5, 5), 3, 2, 1));
    op("globalAveragePool", (in, o) -> o.globalAveragePool(in.any(2, 3, 4, 5)));
    op("upsample", (in, o) -> o.upsample(in.any(2, 3, 2, 3), 2));
    op(
        "resize bilinear",
        (in, o) -> o.resize(in.any(2, 3, 4, 5), 7, 3, NeuralOps.Interpolation.BILINEAR));
    op(
        "resize nearest",
        (in, o) -> o.resize(in.any(1, 2, 4, 5), 8, 3, NeuralOps.Interpolation.NEAREST));
    op("crossEntropy", (in, o) -> o.crossEntropy(in.any(6, 4), in.ids(4, 6)));
    op(
        "crossEntropy smoothed, ignoring",
        (in, o) -> {
          SDVariable ids = in.graph.constant(Nd4j.createFromArray(1, -100, 3, 0, -100));
          return o.crossEntropy(
              in.any(5, 4), ids, 0.1, -100, Ops.Reduction.values()[in.size(0, 2)]);
        });
    op(
        "crossEntropySoft",
        (in, o) ->
            o.crossEntropySoft(in.any(5, 4), o.softmax(in.any(5, 4), 1), Ops.Reduction.NONE));
    op(
        "binaryCrossEntropy",
        (in, o) ->
            o.binaryCrossEntropy(
                in.between(-3, 3, 5, 4), in.between(0, 1, 5, 4), Ops.Reduction.MEAN));
    op("klDivergence", (in, o) -> o.klDivergence(in.any(5, 4), in.any(5, 4), Ops.Reduction.NONE));
    op("squaredError", (in, o) -> o.squaredError(in.any(5, 4), in.any(4), Ops.Reduction.SUM));
    op("cosineSimilarity", (in, o) -> o.cosineSimilarity(in.any(5, 4), in.any(5, 4)));
    op(
        "infoNce",
        (in, o) ->
            o.infoNce(
                o.l2Normalize(in.any(5, 4), 1, 1e-8),
                o.l2Normalize(in.any(5, 4), 1, 1e-8),
                in.between(1, 3)));
  }

  static Stream<Arguments> cases() {
    return CASES.entrySet().stream().map(e -> Arguments.of(e.getKey(), e.getValue()));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("cases")
  void gradientMatchesCentralDifferences(
      String name, BiFunction<Inputs, Ops, SDVariable> function) {
    for (long seed = 1; seed <= SEEDS; seed++) {
      double error;
      try {
        error = GradientCheck.relativeError(seed, true, function);
      } catch (RuntimeException e) {
        throw new AssertionError(name + ", seed " + seed + ": " + e, e);
      }
      assertThat(error).as("%s, seed %d", name, seed).isLessThan(1e-5);
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("cases")
  void planEqualsSameDiff(String name, BiFunction<Inputs, Ops, SDVariable> function) {
    for (DataType type : new DataType[] {DataType.FLOAT, DataType.DOUBLE}) {
      Graph graph = new Graph(new Parameters(type, 5), true);
      Inputs inputs = new Inputs(graph, new java.util.SplittableRandom(5));
      SDVariable y = function.apply(inputs, graph.ops());
      SDVariable loss = graph.ops().sum(y, false);
      List<SDVariable> outputs = new ArrayList<>(Gradients.of(graph, loss, graph.parameters()));
      outputs.add(y);
      try (Plan plan = Plan.compile(graph, outputs)) {
        plan.run();
        Map<String, INDArray> actual = plan.run();
        String[] names = outputs.stream().map(SDVariable::name).distinct().toArray(String[]::new);
        Map<String, INDArray> expected = graph.sameDiff().output(plan.noise(), names);
        for (String output : names) {
          INDArray e = expected.get(output);
          INDArray a = actual.get(output);
          assertThat(a.shape()).as("%s of %s", output, name).isEqualTo(e.shape());
          double tolerance =
              (type == DataType.FLOAT ? 1e-5 : 1e-12) * Math.max(1, e.amaxNumber().doubleValue());
          assertThat(a.sub(e).amaxNumber().doubleValue())
              .as("%s of %s in %s", output, name, type)
              .isLessThanOrEqualTo(tolerance);
        }
      }
    }
  }
}
