package io.lapidary.engine;

import io.lapidary.engine.vector.VectorKernels;
import java.util.Arrays;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.ReduceOp;
import org.nd4j.linalg.factory.Nd4j;

/** The seam between plans and fused kernels: which regions and ops have one, on this machine. */
final class Kernels {
  private static final boolean ENABLED = detect();

  private Kernels() {}

  /**
   * Whether fused kernels run: on the CPU backend, with the Vector API, unless {@code
   * -Dlapidary.kernels=false}.
   */
  static boolean enabled() {
    return ENABLED;
  }

  private static boolean detect() {
    return ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent()
        && !"false".equals(System.getProperty("lapidary.kernels"))
        && !Nd4j.getExecutioner().getClass().getSimpleName().contains("Cuda");
  }

  /**
   * Whether a region can run as one kernel: decided before memory is given out, by types and sizes.
   */
  static boolean has(Graph graph, Node region) {
    if (UnfoldedConvolution.handles(graph, region)) {
      return true;
    }
    return VectorKernels.has(region.kind())
        && shaped(graph, region)
        && Stream.concat(region.inputs().stream(), region.outputs().stream())
            .allMatch(v -> fits(graph, v));
  }

  private static boolean shaped(Graph graph, Node region) {
    return switch (region.kind()) {
      case "attention_bp" -> { // it packs all keys, which few queries do not pay for
        long queries = graph.size(region.inputs().get(0), 2);
        yield queries >= 64 || 8 * queries >= graph.size(region.inputs().get(1), 2);
      }
      case "rotary", "rotary_bp" ->
          turnable(
              graph.shape(region.inputs().get(0)),
              graph.shape(region.inputs().get(1)),
              graph.shape(region.inputs().get(2)));
      default -> true;
    };
  }

  /** Whether tables are [T, R] for x [..., T, d], or [B, 1, T, R] or [1, 1, T, R] for rank 4. */
  private static boolean turnable(long[] x, long[] cos, long[] sin) {
    int rank = x.length;
    boolean shared = cos.length == 2 && rank > 1 && rank < 5;
    boolean perText =
        cos.length == 4 && rank == 4 && cos[1] == 1 && (cos[0] == 1 || cos[0] == x[0]);
    return (shared || perText) && cos[cos.length - 2] == x[rank - 2] && Arrays.equals(cos, sin);
  }

  private static boolean fits(Graph graph, SDVariable v) {
    boolean typed = v.dataType() == DataType.FLOAT || v.dataType() == DataType.INT;
    long length = Shapes.length(graph.shape(v));
    return typed && length > 0 && length < Integer.MAX_VALUE / 4;
  }

  /** The kernel of a region or op on fixed arrays; null where there is none. */
  static Runnable find(Node node, INDArray[] inputs, INDArray[] outputs) {
    String kind = node.kind();
    if (kind.equals("conv2d_weight_bp")) {
      return UnfoldedConvolution.weightGradient(
          node.attributes(), inputs[0], inputs[2], outputs[0]);
    }
    if (node.isRegion()) {
      Runnable kernel = VectorKernels.find(kind, node.attributes(), inputs, outputs);
      if (kernel == null) {
        throw new IllegalStateException("the kernel of " + node + " does not fit its arrays");
      }
      return kernel;
    }
    if (kind.equals("conv2d")) {
      return UnfoldedConvolution.forward(node.attributes(), inputs[0], inputs[1], outputs[0]);
    }
    if (kind.equals("matmul")) {
      boolean batched = outputs[0].rank() > 2 && outputs[0].dataType() == DataType.FLOAT;
      return batched ? BatchedProduct.of(node, inputs[0], inputs[1], outputs[0]) : null;
    }
    if (kind.equals("sum")) {
      String form = sumForm((ReduceOp) node.op(), inputs[0].rank());
      return form == null ? null : VectorKernels.find(form, node.attributes(), inputs, outputs);
    }
    return kind.equals("gather") || kind.equals("scatter_add")
        ? VectorKernels.find(kind, node.attributes(), inputs, outputs)
        : null;
  }

  /** Leading axes summed away, or trailing ones; null for others. */
  private static String sumForm(ReduceOp op, int rank) {
    int[] axes = op.dimensions().toIntVector();
    if (axes.length == 0 || axes[0] == Integer.MAX_VALUE) {
      return null;
    }
    if (IntStream.range(0, axes.length).allMatch(i -> axes[i] == rank - axes.length + i)) {
      return "sum_columns";
    }
    if (rank == 4 && Arrays.equals(axes, new int[] {0, 2, 3})) {
      return "sum_channels";
    }
    return IntStream.range(0, axes.length).allMatch(i -> axes[i] == i) ? "sum_rows" : null;
  }
}
