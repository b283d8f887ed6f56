package io.lapidary.engine;

import io.lapidary.engine.vector.Workers;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.openblas.global.openblas;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Many small matrix products, spread over the cores, one BLAS call each. Operands and result may be
 * strided, so that heads need not be copied out of and into their rows; the native op runs them one
 * after the other.
 */
final class BatchedProduct {
  private static final int ROW_MAJOR = 101;
  private static final int PLAIN = 111;
  private static final int TRANSPOSED = 112;

  private BatchedProduct() {}

  /** Whether a node is a product of stacks of FLOAT matrices. */
  static boolean handles(Graph graph, Node node) {
    if (node == null || !node.kind().equals("matmul")) {
      return false;
    }
    SDVariable output = node.outputs().get(0);
    return output.dataType() == DataType.FLOAT
        && graph.shape(output).length > 2
        && Shapes.length(graph.shape(output)) < Integer.MAX_VALUE / 4;
  }

  /**
   * Whether a contiguous array permuted so stays usable: its unit stride among the two last axes;
   * for a result, the last axis must keep it.
   */
  static boolean strideable(double[] permutation, boolean result) {
    int last = permutation.length - 1;
    return permutation.length > 2
        && (permutation[last] == last || (!result && permutation[last - 1] == last));
  }

  /** The prepared product of fixed arrays. */
  static Runnable of(Node node, INDArray a, INDArray b, INDArray c) {
    boolean transposeA = node.attributes()[0] != 0;
    boolean transposeB = node.attributes()[1] != 0;
    int rank = a.rank();
    Operand left = Operand.of(a, transposeA);
    Operand right = Operand.of(b, transposeB);
    if (left == null || right == null || c.stride(rank - 1) != 1 && c.size(rank - 1) != 1) {
      return null;
    }
    int m = (int) c.size(rank - 2);
    int n = (int) c.size(rank - 1);
    int k = (int) (transposeA ? a.size(rank - 2) : a.size(rank - 1));
    int ldc = Math.max(n, (int) c.stride(rank - 2));
    FloatPointer[] x = matrices(a);
    FloatPointer[] y = matrices(b);
    FloatPointer[] z = matrices(c);
    return () ->
        Workers.run(
            z.length,
            2L * m * n * k / 8,
            (from, to) -> {
              for (int i = from; i < to; i++) {
                openblas.cblas_sgemm(
                    ROW_MAJOR,
                    left.transposed ? TRANSPOSED : PLAIN,
                    right.transposed ? TRANSPOSED : PLAIN,
                    m,
                    n,
                    k,
                    1,
                    x[i],
                    left.leading,
                    y[i],
                    right.leading,
                    0,
                    z[i],
                    ldc);
              }
            });
  }

  /** How BLAS reads the two last axes. */
  private record Operand(boolean transposed, int leading) {
    static Operand of(INDArray array, boolean transpose) {
      int rank = array.rank();
      long rows = array.size(rank - 2);
      long columns = array.size(rank - 1);
      if (array.stride(rank - 1) == 1 || columns == 1) {
        return new Operand(transpose, (int) Math.max(columns, array.stride(rank - 2)));
      }
      if (array.stride(rank - 2) == 1 || rows == 1) {
        return new Operand(!transpose, (int) Math.max(rows, array.stride(rank - 1)));
      }
      return null;
    }
  }

  /** Pointers to each matrix of a stack, in row-major order of the leading axes. */
  private static FloatPointer[] matrices(INDArray array) {
    int lead = array.rank() - 2;
    int count = 1;
    for (int i = 0; i < lead; i++) {
      count *= (int) array.size(i);
    }
    FloatPointer start = new FloatPointer(array.data().addressPointer());
    FloatPointer[] pointers = new FloatPointer[count];
    for (int i = 0; i < count; i++) {
      long offset = 0;
      int rest = i;
      for (int axis = lead - 1; axis >= 0; axis--) {
        offset += rest % array.size(axis) * array.stride(axis);
        rest /= (int) array.size(axis);
      }
      pointers[i] = new FloatPointer(start).position(offset);
    }
    return pointers;
  }
}
