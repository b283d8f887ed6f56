package io.lapidary.io;

import io.lapidary.InputException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import onnx.Onnx;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * The weights inside an ONNX file; its graph is not run. Exporters keep the names of most weights,
 * but store the matrix of an affine map transposed under a made-up name. Where such a matrix is
 * multiplied and a {@code ….bias} is added to the product, it is given back as {@code ….weight} in
 * the layout [out, in] of the model it came from.
 */
public final class OnnxWeights {
  private static final String BIAS = ".bias";

  private OnnxWeights() {}

  /**
   * All FLOAT weights by name; the caller closes them.
   *
   * @param where the file, for messages
   * @throws InputException when the stream is no ONNX file or a weight is stored outside of it
   */
  public static Map<String, INDArray> read(InputStream in, String where) {
    Onnx.GraphProto graph;
    try {
      graph = Onnx.ModelProto.parseFrom(in).getGraph();
    } catch (IOException e) {
      throw new InputException(
          String.format("%s: not a readable ONNX file (%s)", where, Texts.line(e.getMessage())), e);
    }
    Map<String, String> affine = affineNames(graph);
    Map<String, INDArray> weights = new LinkedHashMap<>();
    for (Onnx.TensorProto tensor : graph.getInitializerList()) {
      if (tensor.getDataType() != Onnx.TensorProto.DataType.FLOAT.getNumber()) {
        continue; // position counters and shapes
      }
      INDArray array = read(tensor, where);
      String name = affine.get(tensor.getName());
      if (name == null) {
        weights.put(tensor.getName(), array);
      } else {
        weights.put(name, array.transpose().dup('c'));
        array.close();
      }
    }
    return weights;
  }

  /** The names of matrices that a MatMul uses before a bias is added, by initializer. */
  private static Map<String, String> affineNames(Onnx.GraphProto graph) {
    Map<String, String> matrixOf = new HashMap<>(); // by the product's name
    graph.getNodeList().stream()
        .filter(node -> node.getOpType().equals("MatMul") && node.getInputCount() == 2)
        .forEach(node -> matrixOf.put(node.getOutput(0), node.getInput(1)));
    Map<String, String> names = new HashMap<>();
    for (Onnx.NodeProto node : graph.getNodeList()) {
      if (!node.getOpType().equals("Add") || node.getInputCount() != 2) {
        continue;
      }
      for (int side = 0; side < 2; side++) {
        String bias = node.getInput(side);
        String matrix = matrixOf.get(node.getInput(1 - side));
        if (matrix != null && bias.endsWith(BIAS)) {
          names.put(matrix, bias.substring(0, bias.length() - BIAS.length()) + ".weight");
        }
      }
    }
    return names;
  }

  private static INDArray read(Onnx.TensorProto tensor, String where) {
    long[] shape = tensor.getDimsList().stream().mapToLong(Long::longValue).toArray();
    long count = 1;
    for (long size : shape) {
      count *= size;
    }
    float[] values = new float[Math.toIntExact(count)];
    if (tensor.getRawData().size() == count * Float.BYTES) {
      tensor
          .getRawData()
          .asReadOnlyByteBuffer()
          .order(ByteOrder.LITTLE_ENDIAN)
          .asFloatBuffer()
          .get(values);
    } else if (tensor.getFloatDataCount() == count) {
      for (int i = 0; i < values.length; i++) {
        values[i] = tensor.getFloatData(i);
      }
    } else {
      throw InputException.of(
          "%s: tensor %s %s does not hold its %d values; weights in a second file are not read",
          where, Texts.quote(tensor.getName()), Texts.shape(shape), count);
    }
    return Nd4j.createFromArray(values).reshape('c', shape);
  }
}
