package io.lapidary.engine;

import io.lapidary.Check;
import org.nd4j.autodiff.samediff.SDVariable;

/** Ops of sparse dictionaries: selections over a batch, jumps with a width, unit rows. */
abstract class SparseOps extends ConvOps {
  SparseOps(Graph graph) {
    super(graph);
  }

  /**
   * 1 at the {@code k} largest entries of the whole array, else 0. Of equal entries the first in
   * row-major order is taken. No gradient flows through the mask.
   */
  public SDVariable batchTopKMask(SDVariable x, long k) {
    long[] shape = shape(x);
    long length = Shapes.length(shape);
    Check.that(k >= 1 && k <= length, "k must be in [1, %d], got %d", length, k);
    return reshape(topKMask(reshape(x, 1, length), Math.toIntExact(k)), shape);
  }

  /**
   * JumpReLU of Rajamanoharan et al. (2024): z where z &gt; threshold, else 0. The derivative with
   * respect to the threshold is the pseudo-derivative −(θ/w)·1[|z − θ| &lt; w/2].
   *
   * @param z values [..., F]
   * @param threshold θ, of a shape that broadcasts to z
   * @param bandwidth w, above 0
   */
  public SDVariable jumpRelu(SDVariable z, SDVariable threshold, double bandwidth) {
    Check.positive("bandwidth", bandwidth);
    return region(
        "jump_relu",
        () -> mul(z, greater(z, threshold)),
        y ->
            (up, wanted) -> {
              SDVariable dz = wanted[0] ? mul(up[0], greater(z, threshold)) : null;
              SDVariable height = mul(threshold, -1 / bandwidth);
              SDVariable near = mul(up[0], within(z, threshold, bandwidth));
              SDVariable dt = wanted[1] ? sumTo(mul(near, height), shape(threshold)) : null;
              return new SDVariable[] {dz, dt};
            },
        new double[] {bandwidth},
        z,
        threshold);
  }

  /**
   * 1 where x &gt; threshold, else 0. The pseudo-derivative with respect to the threshold is
   * −(1/w)·1[|x − θ| &lt; w/2]; none flows to x.
   */
  public SDVariable stepAbove(SDVariable x, SDVariable threshold, double bandwidth) {
    Check.positive("bandwidth", bandwidth);
    return region(
        "step_above",
        () -> greater(x, threshold),
        y ->
            (up, wanted) -> {
              SDVariable near = mul(up[0], within(x, threshold, bandwidth));
              SDVariable dt = wanted[1] ? sumTo(mul(near, -1 / bandwidth), shape(threshold)) : null;
              return new SDVariable[] {null, dt};
            },
        new double[] {bandwidth},
        x,
        threshold);
  }

  private SDVariable within(SDVariable x, SDVariable centre, double width) {
    return rsub(1, greaterOrEqual(abs(sub(x, centre)), width / 2));
  }

  /**
   * The rows of w [N, d] unchanged, whose gradient loses its part along each row: g − (g·ŵ)ŵ with ŵ
   * = w/(‖w‖ + 1e-6). Steps along it keep the norms of the rows to first order.
   */
  public SDVariable tangentRows(SDVariable w) {
    return region(
        "tangent_rows",
        () -> identity(w),
        y ->
            unary(
                up -> {
                  SDVariable norm = add(sqrt(sum(square(w), true, 1)), 1e-6);
                  SDVariable unit = div(w, norm);
                  return sub(up, mul(sum(mul(up, unit), true, 1), unit));
                }),
        new double[0],
        w);
  }
}
