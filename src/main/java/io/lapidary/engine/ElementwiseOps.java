package io.lapidary.engine;

import io.lapidary.Check;
import java.util.Arrays;
import java.util.function.BinaryOperator;
import java.util.function.Supplier;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ops.impl.shape.Tile;

/** Element-wise arithmetic with broadcasting, comparisons as 0/1 masks, and reductions. */
abstract class ElementwiseOps {
  static final SDVariable[] NONE = new SDVariable[1];
  final Graph graph;
  final SameDiff sd;

  ElementwiseOps(Graph graph) {
    this.graph = graph;
    this.sd = graph.sameDiff();
  }

  final long[] shape(SDVariable x) {
    return graph.shape(x);
  }

  final int rank(SDVariable x) {
    return graph.shape(x).length;
  }

  /** Records one op of one output. */
  final SDVariable add(
      String kind, SDVariable output, long[] shape, GradientRule rule, SDVariable... inputs) {
    return graph.record(kind, inputs, new SDVariable[] {output}, new long[][] {shape}, rule)[0];
  }

  /** Records a region of one output. */
  final SDVariable region(
      String kind,
      Supplier<SDVariable> body,
      java.util.function.Function<SDVariable, GradientRule> rule,
      double[] attributes,
      SDVariable... inputs) {
    return graph
        .region(
            kind,
            inputs,
            attributes,
            () -> new SDVariable[] {body.get()},
            rule == null ? null : outputs -> rule.apply(outputs[0]))[0];
  }

  /** A rule of one input: {@code gradient} maps upstream to the gradient. */
  static GradientRule unary(java.util.function.UnaryOperator<SDVariable> gradient) {
    return (up, wanted) -> new SDVariable[] {gradient.apply(up[0])};
  }

  /** A rule for an op through which no gradient flows. */
  static GradientRule flat(int inputs) {
    return (up, wanted) -> new SDVariable[inputs];
  }

  private SDVariable same(
      String kind,
      SDVariable output,
      SDVariable x,
      java.util.function.UnaryOperator<SDVariable> gradient) {
    return add(kind, output, shape(x), unary(gradient), x);
  }

  // ---- two operands -------------------------------------------------------------------------

  /** a + b, broadcast. */
  public SDVariable add(SDVariable a, SDVariable b) {
    return binary("add", SDVariable::add, a, b, (up, wanted) -> new SDVariable[] {up[0], up[0]});
  }

  /** a − b, broadcast. */
  public SDVariable sub(SDVariable a, SDVariable b) {
    return binary(
        "subtract",
        SDVariable::sub,
        a,
        b,
        (up, wanted) -> new SDVariable[] {up[0], wanted[1] ? neg(up[0]) : null});
  }

  /** a · b, broadcast. */
  public SDVariable mul(SDVariable a, SDVariable b) {
    return binary(
        "multiply",
        SDVariable::mul,
        a,
        b,
        (up, wanted) ->
            new SDVariable[] {wanted[0] ? mul(up[0], b) : null, wanted[1] ? mul(up[0], a) : null});
  }

  /** a / b, broadcast. */
  public SDVariable div(SDVariable a, SDVariable b) {
    SDVariable[] quotient = new SDVariable[1];
    quotient[0] =
        binary(
            "divide",
            SDVariable::div,
            a,
            b,
            (up, wanted) -> {
              SDVariable left = div(up[0], b);
              return new SDVariable[] {left, wanted[1] ? neg(mul(left, quotient[0])) : null};
            });
    return quotient[0];
  }

  /**
   * The larger of a and b, broadcast; where they are equal, the gradient goes to both by halves.
   */
  public SDVariable maximum(SDVariable a, SDVariable b) {
    return extreme(a, b, true);
  }

  /**
   * The smaller of a and b, broadcast; where they are equal, the gradient goes to both by halves.
   */
  public SDVariable minimum(SDVariable a, SDVariable b) {
    return extreme(a, b, false);
  }

  private SDVariable extreme(SDVariable a, SDVariable b, boolean larger) {
    return binary(
        larger ? "maximum" : "minimum",
        larger ? sd::max : sd::min,
        a,
        b,
        (up, wanted) -> {
          SDVariable first =
              mul(
                  add(
                      larger ? greater(a, b) : greater(b, a),
                      larger ? greaterOrEqual(a, b) : greaterOrEqual(b, a)),
                  0.5);
          return new SDVariable[] {
            wanted[0] ? mul(up[0], first) : null, wanted[1] ? mul(up[0], rsub(1, first)) : null
          };
        });
  }

  private SDVariable binary(
      String kind,
      BinaryOperator<SDVariable> factory,
      SDVariable first,
      SDVariable second,
      GradientRule rule) {
    Check.that(
        first.dataType() == second.dataType(),
        "%s of %s (%s) and %s (%s): types differ",
        kind,
        first.name(),
        first.dataType(),
        second.name(),
        second.dataType());
    long[] shape = Shapes.broadcast(shape(first), shape(second));
    SDVariable a = unrepeated(first, second, shape);
    SDVariable b = unrepeated(second, a, shape);
    long[] left = shape(a);
    long[] right = shape(b);
    return add(
        kind,
        factory.apply(a, b),
        shape,
        (up, wanted) -> {
          SDVariable[] full = rule.gradients(up, wanted);
          return new SDVariable[] {
            wanted[0] ? sumTo(full[0], left) : null, wanted[1] ? sumTo(full[1], right) : null
          };
        },
        a,
        b);
  }

  /** What was repeated to make x, where the op repeats it by itself. */
  private SDVariable unrepeated(SDVariable x, SDVariable other, long[] shape) {
    SDVariable source = graph.repeated(x);
    boolean same =
        source != null && Arrays.equals(Shapes.broadcast(shape(source), shape(other)), shape);
    return same ? source : x;
  }

  // ---- operand and number -------------------------------------------------------------------

  /** x + c. */
  public SDVariable add(SDVariable x, double c) {
    return c == 0 ? x : same("add_scalar", x.add(c), x, up -> up);
  }

  /** x · c. */
  public SDVariable mul(SDVariable x, double c) {
    if (c == 1) {
      return x;
    }
    SDVariable source = graph.repeated(x);
    return source != null
        ? broadcastTo(mul(source, c), shape(x))
        : same("mul_scalar", x.mul(c), x, up -> mul(up, c));
  }

  /** x / c. */
  public SDVariable div(SDVariable x, double c) {
    return mul(x, 1 / c);
  }

  /** c − x. */
  public SDVariable rsub(double c, SDVariable x) {
    return add(neg(x), c);
  }

  /** c / x. */
  public SDVariable rdiv(double c, SDVariable x) {
    return mul(reciprocal(x), c);
  }

  /** xᶜ; for a fractional power x must not be negative. */
  public SDVariable pow(SDVariable x, double c) {
    return same("pow_scalar", sd.math().pow(x, c), x, up -> mul(up, mul(pow(x, c - 1), c)));
  }

  // ---- one operand --------------------------------------------------------------------------

  /** The same values under another variable. */
  public SDVariable identity(SDVariable x) {
    return same("identity", sd.identity(x), x, up -> up);
  }

  /** The same values, through which no gradient flows. */
  public SDVariable stopGradient(SDVariable x) {
    return add("identity", sd.identity(x), shape(x), flat(1), x);
  }

  /** −x. */
  public SDVariable neg(SDVariable x) {
    return mul(x, -1);
  }

  /** eˣ. */
  public SDVariable exp(SDVariable x) {
    SDVariable[] y = new SDVariable[1];
    y[0] = same("exp", sd.math().exp(x), x, up -> mul(up, y[0]));
    return y[0];
  }

  /** Natural logarithm. */
  public SDVariable log(SDVariable x) {
    return same("log", sd.math().log(x), x, up -> div(up, x));
  }

  /** ln(1 + x), exact near 0. */
  public SDVariable log1p(SDVariable x) {
    return same("log1p", sd.math().log1p(x), x, up -> div(up, add(x, 1)));
  }

  /** eˣ − 1, exact near 0. */
  public SDVariable expm1(SDVariable x) {
    SDVariable[] y = new SDVariable[1];
    y[0] = same("expm1", sd.math().expm1(x), x, up -> mul(up, add(y[0], 1)));
    return y[0];
  }

  /** Square root; the gradient at 0 is infinite. */
  public SDVariable sqrt(SDVariable x) {
    SDVariable[] y = new SDVariable[1];
    y[0] = same("sqrt", sd.math().sqrt(x), x, up -> mul(div(up, y[0]), 0.5));
    return y[0];
  }

  /** 1/√x. */
  public SDVariable rsqrt(SDVariable x) {
    SDVariable[] y = new SDVariable[1];
    y[0] = same("rsqrt", sd.math().rsqrt(x), x, up -> mul(mul(up, mul(y[0], square(y[0]))), -0.5));
    return y[0];
  }

  /** 1/x. */
  public SDVariable reciprocal(SDVariable x) {
    SDVariable[] y = new SDVariable[1];
    y[0] = same("reciprocal", sd.math().reciprocal(x), x, up -> neg(mul(up, square(y[0]))));
    return y[0];
  }

  /** x². */
  public SDVariable square(SDVariable x) {
    return same("square", sd.math().square(x), x, up -> mul(mul(up, 2), x));
  }

  /** |x|; the gradient at 0 is 0. */
  public SDVariable abs(SDVariable x) {
    return same("abs", sd.math().abs(x), x, up -> mul(up, sign(x)));
  }

  /** −1, 0 or 1; no gradient. */
  public SDVariable sign(SDVariable x) {
    return add("sign", sd.math().sign(x), shape(x), flat(1), x);
  }

  /** Largest whole number not above x; no gradient. */
  public SDVariable floor(SDVariable x) {
    return add("floor", sd.math().floor(x), shape(x), flat(1), x);
  }

  /** Sine of radians. */
  public SDVariable sin(SDVariable x) {
    return same("sin", sd.math().sin(x), x, up -> mul(up, cos(x)));
  }

  /** Cosine of radians. */
  public SDVariable cos(SDVariable x) {
    return same("cos", sd.math().cos(x), x, up -> neg(mul(up, sin(x))));
  }

  /** Hyperbolic tangent. */
  public SDVariable tanh(SDVariable x) {
    SDVariable[] y = new SDVariable[1];
    y[0] = same("tanh", sd.math().tanh(x), x, up -> mul(up, rsub(1, square(y[0]))));
    return y[0];
  }

  /** 1 / (1 + e⁻ˣ). */
  public SDVariable sigmoid(SDVariable x) {
    SDVariable[] y = new SDVariable[1];
    y[0] = same("sigmoid", sd.nn().sigmoid(x), x, up -> mul(up, mul(y[0], rsub(1, y[0]))));
    return y[0];
  }

  /** Gauss error function. */
  public SDVariable erf(SDVariable x) {
    return same(
        "erf",
        sd.math().erf(x),
        x,
        up -> mul(up, mul(exp(neg(square(x))), 2 / Math.sqrt(Math.PI))));
  }

  /** max(x, 0); the gradient at 0 is 0. */
  public SDVariable relu(SDVariable x) {
    return same(
        "relu",
        sd.nn().relu(x, 0.0),
        x,
        up -> region("relu_bp", () -> mul(up, greater(x, 0)), null, new double[0], x, up));
  }

  /** x inside [low, high], the nearer bound outside, where the gradient is 0. */
  public SDVariable clip(SDVariable x, double low, double high) {
    Check.that(low <= high, "clip needs low <= high, got %s and %s", low, high);
    return same(
        "clip",
        sd.clipByValue(x, low, high),
        x,
        up -> mul(up, mul(greaterOrEqual(x, low), greaterOrEqual(neg(x), -high))));
  }

  // ---- masks --------------------------------------------------------------------------------

  /** 1 where a &gt; b, else 0; no gradient. */
  public SDVariable greater(SDVariable a, SDVariable b) {
    return mask("greater", sd.gt(a, b), a, b);
  }

  /** 1 where a ≥ b, else 0; no gradient. */
  public SDVariable greaterOrEqual(SDVariable a, SDVariable b) {
    return mask("greater_equal", sd.gte(a, b), a, b);
  }

  /** 1 where a = b, else 0; no gradient. */
  public SDVariable equal(SDVariable a, SDVariable b) {
    return mask("equals", sd.eq(a, b), a, b);
  }

  /** 1 where x &gt; c, else 0; no gradient. */
  public SDVariable greater(SDVariable x, double c) {
    return greater(x, graph.constant(c));
  }

  /** 1 where x ≥ c, else 0; no gradient. */
  public SDVariable greaterOrEqual(SDVariable x, double c) {
    return greaterOrEqual(x, graph.constant(c));
  }

  private SDVariable mask(String kind, SDVariable bool, SDVariable a, SDVariable b) {
    long[] shape = Shapes.broadcast(shape(a), shape(b));
    return cast(add(kind, bool, shape, flat(2), a, b), graph.type());
  }

  /** The same values in another type; gradients flow between number types of the graph only. */
  public SDVariable cast(SDVariable x, DataType type) {
    if (x.dataType() == type) {
      return x;
    }
    DataType from = x.dataType();
    return add(
        "cast",
        sd.castTo(x, type),
        shape(x),
        (up, wanted) -> new SDVariable[] {from.isFPType() ? cast(up[0], from) : null},
        x);
  }

  /**
   * {@code yes} where {@code mask} is above ½, else {@code no}; all broadcast. Values not chosen
   * may be infinite or NaN.
   */
  public SDVariable where(SDVariable mask, SDVariable yes, SDVariable no) {
    long[] shape = Shapes.broadcast(shape(mask), Shapes.broadcast(shape(yes), shape(no)));
    SDVariable m = broadcastTo(mask, shape);
    SDVariable half = graph.constant(0.5);
    SDVariable condition = add("greater", sd.gt(m, half), shape, flat(2), m, half);
    SDVariable a = broadcastTo(yes, shape);
    SDVariable b = broadcastTo(no, shape);
    return add(
        "where",
        sd.where(a, b, condition),
        shape,
        (up, wanted) -> {
          SDVariable zero = graph.constant(0, shape);
          return new SDVariable[] {
            null, wanted[1] ? where(m, up[0], zero) : null, wanted[2] ? where(m, zero, up[0]) : null
          };
        },
        condition,
        a,
        b);
  }

  // ---- reductions ---------------------------------------------------------------------------

  /** Sum over {@code axes} (all when none is given). */
  public SDVariable sum(SDVariable x, boolean keepDims, int... axes) {
    long[] shape = shape(x);
    int[] reduced = Shapes.axes(shape.length, axes);
    if (reduced.length == 0) {
      return x;
    }
    long[] kept = Shapes.reduce(shape, true, reduced);
    return add(
        "sum",
        sd.sum(x, keepDims, reduced),
        Shapes.reduce(shape, keepDims, reduced),
        unary(up -> broadcastTo(keepDims ? up : reshape(up, kept), shape)),
        x);
  }

  /** Mean over {@code axes} (all when none is given). */
  public SDVariable mean(SDVariable x, boolean keepDims, int... axes) {
    return mul(sum(x, keepDims, axes), 1.0 / reducedLength(x, axes));
  }

  /** Variance over {@code axes}: divided by n, or by n − 1 when {@code unbiased}. */
  public SDVariable variance(SDVariable x, boolean unbiased, boolean keepDims, int... axes) {
    double n = reducedLength(x, axes);
    SDVariable centred = sub(x, mean(x, true, axes));
    return mul(sum(square(centred), keepDims, axes), 1 / (unbiased ? n - 1 : n));
  }

  /** Largest value over {@code axes}; equal maxima share the gradient. */
  public SDVariable max(SDVariable x, boolean keepDims, int... axes) {
    long[] shape = shape(x);
    int[] reduced = Shapes.axes(shape.length, axes);
    long[] kept = Shapes.reduce(shape, true, reduced);
    SDVariable[] y = new SDVariable[1];
    y[0] =
        add(
            "max",
            sd.max(x, keepDims, reduced),
            Shapes.reduce(shape, keepDims, reduced),
            unary(
                up -> {
                  SDVariable best = keepDims ? y[0] : reshape(y[0], kept);
                  SDVariable hit = equal(x, best);
                  SDVariable share =
                      div(keepDims ? up : reshape(up, kept), sum(hit, true, reduced));
                  return mul(hit, share);
                }),
            x);
    return y[0];
  }

  /** Smallest value over {@code axes}; equal minima share the gradient. */
  public SDVariable min(SDVariable x, boolean keepDims, int... axes) {
    return neg(max(neg(x), keepDims, axes));
  }

  /** Index (LONG) of the first largest value along one axis; no gradient. */
  public SDVariable argmax(SDVariable x, int axis) {
    int along = Shapes.axis(axis, rank(x));
    return add(
        "argmax", sd.argmax(x, false, along), Shapes.reduce(shape(x), false, along), flat(1), x);
  }

  private double reducedLength(SDVariable x, int... axes) {
    long[] shape = shape(x);
    double n = 1;
    for (int axis : Shapes.axes(shape.length, axes)) {
      n *= shape[axis];
    }
    return n;
  }

  /** x repeated along axes of size 1 (and new leading axes) up to {@code shape}. */
  public SDVariable broadcastTo(SDVariable x, long... shape) {
    long[] from = shape(x);
    if (Arrays.equals(from, shape)) {
      return x;
    }
    Check.that(
        Arrays.equals(Shapes.broadcast(from, shape), shape),
        "shape %s cannot be broadcast to %s",
        Arrays.toString(from),
        Arrays.toString(shape));
    long[] padded = new long[shape.length];
    Arrays.fill(padded, 1);
    System.arraycopy(from, 0, padded, shape.length - from.length, from.length);
    SDVariable source = Arrays.equals(padded, from) ? x : reshape(x, padded);
    int[] repeats = new int[shape.length];
    Arrays.setAll(repeats, i -> Math.toIntExact(shape[i] / padded[i]));
    SDVariable repeated =
        add(
            "broadcast",
            new Tile(sd, source, repeats).outputVariable(),
            shape.clone(),
            unary(up -> sumTo(up, padded)),
            source);
    graph.repeats(repeated, source);
    return repeated;
  }

  /**
   * The adjoint of {@link #broadcastTo}: sums x over the axes along which {@code shape} was
   * repeated.
   */
  public SDVariable sumTo(SDVariable x, long... shape) {
    long[] from = shape(x);
    if (Arrays.equals(from, shape)) {
      return x;
    }
    int extra = from.length - shape.length;
    int[] axes =
        java.util.stream.IntStream.range(0, from.length)
            .filter(i -> i < extra || (shape[i - extra] == 1 && from[i] != 1))
            .toArray();
    SDVariable summed = axes.length == 0 ? x : sum(x, true, axes);
    return reshape(summed, shape);
  }

  /** x in another shape of the same number of elements; one size may be −1. */
  public abstract SDVariable reshape(SDVariable x, long... shape);
}
