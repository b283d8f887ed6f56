package io.lapidary.engine;

import io.lapidary.Check;
import java.util.Arrays;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ops.impl.scatter.ScatterAdd;
import org.nd4j.linalg.factory.Nd4j;

/** Shapes, slices, tables and matrix products. */
abstract class TensorOps extends ElementwiseOps {
  private static final int LARGEST_TRIANGLE = 512;

  TensorOps(Graph graph) {
    super(graph);
  }

  @Override
  public SDVariable reshape(SDVariable x, long... shape) {
    long[] from = shape(x);
    long[] to = Shapes.infer(Shapes.length(from), shape);
    if (Arrays.equals(from, to)) {
      return x;
    }
    return add("reshape", sd.reshape(x, to), to, unary(up -> reshape(up, from)), x);
  }

  /** Axes in another order: axis i of the result is axis {@code permutation[i]} of x. */
  public SDVariable permute(SDVariable x, int... permutation) {
    long[] shape = shape(x);
    Check.that(
        Arrays.equals(Shapes.axes(shape.length, permutation.clone()), Shapes.axes(shape.length))
            && permutation.length == shape.length,
        "%s is no permutation of %d axes",
        Arrays.toString(permutation),
        shape.length);
    SDVariable[] output = {sd.permute(x, permutation)};
    return graph
        .record(
            "permute",
            new SDVariable[] {x},
            output,
            new long[][] {Shapes.permute(shape, permutation)},
            unary(up -> permute(up, Shapes.inverse(permutation))),
            Arrays.stream(permutation).asDoubleStream().toArray())[0];
  }

  /** The two last axes exchanged. */
  public SDVariable transpose(SDVariable x) {
    int[] order = Shapes.axes(rank(x));
    int last = order.length - 1;
    order[last] = last - 1;
    order[last - 1] = last;
    return permute(x, order);
  }

  /** Joins along one axis. */
  public SDVariable concat(int axis, SDVariable... parts) {
    Check.that(parts.length > 0, "concat needs at least one part");
    if (parts.length == 1) {
      return parts[0];
    }
    long[] shape = shape(parts[0]);
    int along = Shapes.axis(axis, shape.length);
    long[] sizes = new long[parts.length];
    for (int i = 0; i < parts.length; i++) {
      long[] part = shape(parts[i]);
      sizes[i] = part[along];
      Check.that(
          Arrays.equals(Shapes.with(part, along, 0), Shapes.with(shape, along, 0)),
          "concat along axis %d: shapes %s and %s differ elsewhere",
          along,
          Arrays.toString(shape),
          Arrays.toString(part));
    }
    return add(
        "concat",
        sd.concat(along, parts),
        Shapes.with(shape, along, Arrays.stream(sizes).sum()),
        (up, wanted) -> {
          SDVariable[] out = new SDVariable[parts.length];
          long from = 0;
          for (int i = 0; i < parts.length; i++) {
            out[i] = wanted[i] ? slice(up[0], along, from, sizes[i]) : null;
            from += sizes[i];
          }
          return out;
        },
        parts);
  }

  /** Joins along a new axis. */
  public SDVariable stack(int axis, SDVariable... parts) {
    long[] shape = shape(parts[0]);
    int along = Shapes.axis(axis, shape.length + 1);
    long[] expanded = new long[shape.length + 1];
    for (int i = 0; i < expanded.length; i++) {
      expanded[i] = i == along ? 1 : shape[i < along ? i : i - 1];
    }
    SDVariable[] rows =
        Arrays.stream(parts).map(p -> reshape(p, expanded)).toArray(SDVariable[]::new);
    return concat(along, rows);
  }

  /** Pieces of the given sizes along one axis. */
  public SDVariable[] split(SDVariable x, int axis, long... sizes) {
    Check.that(
        Arrays.stream(sizes).sum() == graph.size(x, axis),
        "sizes %s do not add up to axis %d of %s",
        Arrays.toString(sizes),
        axis,
        Arrays.toString(shape(x)));
    SDVariable[] out = new SDVariable[sizes.length];
    long from = 0;
    for (int i = 0; i < sizes.length; i++) {
      out[i] = slice(x, axis, from, sizes[i]);
      from += sizes[i];
    }
    return out;
  }

  /** {@code size} entries from {@code begin} along one axis. */
  public SDVariable slice(SDVariable x, int axis, long begin, long size) {
    long[] shape = shape(x);
    int along = Shapes.axis(axis, shape.length);
    Check.that(
        begin >= 0 && size > 0 && begin + size <= shape[along],
        "slice [%d, %d) is outside axis %d of %s",
        begin,
        begin + size,
        along,
        Arrays.toString(shape));
    if (size == shape[along]) {
      return x;
    }
    int[] from = new int[shape.length];
    int[] sizes = Arrays.stream(shape).mapToInt(Math::toIntExact).toArray();
    from[along] = Math.toIntExact(begin);
    sizes[along] = Math.toIntExact(size);
    return add(
        "slice",
        sd.slice(x, from, sizes),
        Shapes.with(shape, along, size),
        unary(up -> pad(up, along, begin, shape[along] - begin - size)),
        x);
  }

  /** Zeros before and after along one axis. */
  public SDVariable pad(SDVariable x, int axis, long before, long after) {
    long[] shape = shape(x);
    int along = Shapes.axis(axis, shape.length);
    Check.that(
        before >= 0 && after >= 0, "padding must not be negative, got %d and %d", before, after);
    if (before == 0 && after == 0) {
      return x;
    }
    int[][] amounts = new int[shape.length][2];
    amounts[along] = new int[] {Math.toIntExact(before), Math.toIntExact(after)};
    SDVariable padding = graph.constant(Nd4j.createFromArray(amounts));
    return add(
        "pad",
        sd.nn().pad(x, padding, 0),
        Shapes.with(shape, along, shape[along] + before + after),
        (up, wanted) ->
            new SDVariable[] {wanted[0] ? slice(up[0], along, before, shape[along]) : null, null},
        x,
        padding);
  }

  /** x repeated {@code times} along one axis: a b a b. */
  public SDVariable tile(SDVariable x, int axis, int times) {
    Check.positive("times", times);
    SDVariable[] parts = new SDVariable[times];
    Arrays.fill(parts, x);
    return concat(axis, parts);
  }

  /** The entries along one axis in reverse order. */
  public SDVariable reverse(SDVariable x, int axis) {
    int along = Shapes.axis(axis, rank(x));
    return add("reverse", sd.reverse(x, along), shape(x), unary(up -> reverse(up, along)), x);
  }

  /** Running sum along one axis, the entry itself included. */
  public SDVariable cumsum(SDVariable x, int axis) {
    int last = rank(x) - 1;
    int along = Shapes.axis(axis, last + 1);
    int[] order = Shapes.axes(last + 1);
    order[along] = last;
    order[last] = along;
    SDVariable moved = along == last ? x : permute(x, order);
    long[] shape = shape(moved);
    int n = Math.toIntExact(shape[last]);
    SDVariable summed = reshape(runningSums(reshape(moved, -1, n)), shape);
    return along == last ? summed : permute(summed, order);
  }

  /**
   * Running sums of rows [R, n] by a product with a triangle of ones; long rows in blocks of about
   * √n, so that the triangle stays small.
   */
  private SDVariable runningSums(SDVariable x) {
    long rows = graph.size(x, 0);
    int n = Math.toIntExact(graph.size(x, 1));
    if (n <= LARGEST_TRIANGLE) {
      return matmul(x, triangle(n));
    }
    int block = Math.min(LARGEST_TRIANGLE, (int) Math.ceil(Math.sqrt(n)));
    int blocks = (n + block - 1) / block;
    long missing = (long) blocks * block - n;
    SDVariable padded = missing == 0 ? x : pad(x, 1, 0, missing);
    SDVariable inside = matmul(reshape(padded, rows * blocks, block), triangle(block));
    SDVariable totals = reshape(slice(inside, 1, block - 1, 1), rows, blocks);
    SDVariable before = sub(runningSums(totals), totals);
    SDVariable all = add(reshape(inside, rows, blocks, block), reshape(before, rows, blocks, 1));
    SDVariable flat = reshape(all, rows, (long) blocks * block);
    return missing == 0 ? flat : slice(flat, 1, 0, n);
  }

  private SDVariable triangle(int n) {
    float[][] upper = new float[n][n];
    for (int i = 0; i < n; i++) {
      Arrays.fill(upper[i], i, n, 1);
    }
    return graph.constant(Nd4j.createFromArray(upper).castTo(graph.type()));
  }

  // ---- tables -------------------------------------------------------------------------------

  /**
   * Rows of a table: [V, …] and ids of any shape give [ids…, …]. A {@link Plan} checks that ids are
   * in [0, V) before it reads; the gradient adds up the rows of equal ids.
   */
  public SDVariable embedding(SDVariable table, SDVariable ids) {
    requireInteger(ids);
    long[] tableShape = shape(table);
    long[] idShape = shape(ids);
    long[] shape = Arrays.copyOf(idShape, idShape.length + tableShape.length - 1);
    System.arraycopy(tableShape, 1, shape, idShape.length, tableShape.length - 1);
    return add(
        "gather",
        sd.gather(table, ids, 0),
        shape,
        (up, wanted) ->
            new SDVariable[] {wanted[0] ? scatterAdd(up[0], ids, tableShape) : null, null},
        table,
        ids);
  }

  /**
   * A zero table of {@code tableShape} to whose rows the updates [ids…, …] are added; the adjoint
   * of {@link #embedding}.
   */
  public SDVariable scatterAdd(SDVariable updates, SDVariable ids, long... tableShape) {
    requireInteger(ids);
    SDVariable zeros = graph.constant(0, tableShape);
    SDVariable flatIds = reshape(ids, -1);
    long[] rows = tableShape.clone();
    rows[0] = Shapes.length(shape(ids));
    SDVariable flat = reshape(updates, rows);
    return add(
        "scatter_add",
        new LockedScatterAdd(sd, zeros, flatIds, flat).outputVariable(),
        tableShape.clone(),
        (up, wanted) -> new SDVariable[] {null, null, wanted[2] ? embedding(up[0], flatIds) : null},
        zeros,
        flatIds,
        flat);
  }

  /** Scatter-add that asks for locking: without it, threads race for rows of equal ids. */
  private static final class LockedScatterAdd extends ScatterAdd {
    LockedScatterAdd(SameDiff sd, SDVariable table, SDVariable ids, SDVariable updates) {
      super(sd, table, ids, updates);
      addBArgument(true);
    }
  }

  /**
   * 1 at the position of each id along a new last axis of size {@code depth}, else 0; no gradient.
   */
  public SDVariable oneHot(SDVariable ids, long depth) {
    requireInteger(ids);
    long[] idShape = shape(ids);
    long[] shape = Arrays.copyOf(idShape, idShape.length + 1);
    shape[idShape.length] = depth;
    return add(
        "onehot",
        sd.oneHot(ids, Math.toIntExact(depth), idShape.length, 1, 0, graph.type()),
        shape,
        flat(1),
        ids);
  }

  private static void requireInteger(SDVariable ids) {
    DataType type = ids.dataType();
    Check.that(
        type == DataType.INT || type == DataType.LONG,
        "ids must be INT or LONG, %s is %s",
        ids.name(),
        type);
  }

  // ---- products -----------------------------------------------------------------------------

  /** Matrix product over the two last axes; leading axes, up to two, must agree. */
  public SDVariable matmul(SDVariable a, SDVariable b) {
    return matmul(a, b, false, false);
  }

  /**
   * Matrix product over the two last axes with either operand transposed; leading axes, up to two,
   * must agree.
   */
  public SDVariable matmul(SDVariable a, SDVariable b, boolean transposeA, boolean transposeB) {
    long[] left = shape(a);
    long[] right = shape(b);
    int r = left.length;
    Check.that(
        r == right.length
            && r >= 2
            && r <= 4
            && Arrays.equals(Arrays.copyOf(left, r - 2), Arrays.copyOf(right, r - 2)),
        "matmul needs equal ranks of 2 to 4 and equal leading sizes, got %s and %s",
        Arrays.toString(left),
        Arrays.toString(right));
    long inner = left[transposeA ? r - 2 : r - 1];
    Check.that(
        inner == right[transposeB ? r - 1 : r - 2],
        "matmul of %s%s and %s%s: inner sizes differ",
        Arrays.toString(left),
        transposeA ? "ᵀ" : "",
        Arrays.toString(right),
        transposeB ? "ᵀ" : "");
    long[] shape = left.clone();
    shape[r - 2] = left[transposeA ? r - 1 : r - 2];
    shape[r - 1] = right[transposeB ? r - 2 : r - 1];
    return graph
        .record(
            "matmul",
            new SDVariable[] {a, b},
            new SDVariable[] {sd.mmul(a, b, transposeA, transposeB, false)},
            new long[][] {shape},
            (up, wanted) -> {
              SDVariable g = up[0];
              SDVariable da = null;
              SDVariable db = null;
              if (wanted[0]) {
                da = transposeA ? matmul(b, g, transposeB, true) : matmul(g, b, false, !transposeB);
              }
              if (wanted[1]) {
                db = transposeB ? matmul(g, a, true, transposeA) : matmul(a, g, !transposeA, false);
              }
              return new SDVariable[] {da, db};
            },
            transposeA ? 1 : 0,
            transposeB ? 1 : 0)[0];
  }

  /**
   * Affine map over the last axis: y = x Wᵀ + b. Shapes: x [..., in], weight [out, in] as in
   * PyTorch checkpoints, bias [out] or null, y [..., out].
   */
  public SDVariable linear(SDVariable x, SDVariable weight, SDVariable bias) {
    return affine(x, weight, bias, true);
  }

  /** Affine map over the last axis with a weight [in, out] (GPT-2's Conv1D): y = x W + b. */
  public SDVariable dense(SDVariable x, SDVariable weight, SDVariable bias) {
    return affine(x, weight, bias, false);
  }

  private SDVariable affine(SDVariable x, SDVariable weight, SDVariable bias, boolean transposed) {
    long[] shape = shape(x);
    SDVariable rows = reshape(x, -1, shape[shape.length - 1]);
    SDVariable y = matmul(rows, weight, false, transposed);
    if (bias != null) {
      y = add(y, bias);
    }
    return reshape(y, Shapes.with(shape, shape.length - 1, graph.size(y, -1)));
  }
}
