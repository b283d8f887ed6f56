package io.lapidary.engine;

import java.util.Arrays;
import org.nd4j.autodiff.functions.DifferentialFunction;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.CustomOp;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.api.ops.Op;
import org.nd4j.linalg.api.ops.OpContext;
import org.nd4j.linalg.api.ops.ReduceOp;
import org.nd4j.linalg.api.ops.ScalarOp;
import org.nd4j.linalg.api.ops.TransformOp;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Turns a graph op into a call on fixed arrays: everything that can be prepared is prepared once.
 */
final class NativeCalls {
  private NativeCalls() {}

  static Runnable of(Node node, INDArray[] inputs, INDArray[] outputs) {
    DifferentialFunction op = node.op();
    if (op instanceof ReduceOp reduce) {
      return reduction(reduce, inputs[0], outputs[0]);
    }
    if (op instanceof CustomOp custom) {
      return custom(
          custom.opName(),
          inputs,
          outputs,
          custom.iArgs(),
          custom.tArgs(),
          custom.bArgs(),
          custom.dArgs() == null ? new org.nd4j.linalg.api.buffer.DataType[0] : custom.dArgs());
    }
    if (op instanceof ScalarOp || op instanceof TransformOp) {
      return legacy(node, (Op) op, inputs[0], outputs[0]);
    }
    throw new UnsupportedOperationException("no native call is known for " + node);
  }

  private static Runnable reduction(ReduceOp op, INDArray input, INDArray output) {
    int[] axes = op.dimensions().toIntVector();
    long[] iArgs = Arrays.stream(axes).asLongStream().toArray();
    return custom(
        op.opName(),
        new INDArray[] {input},
        new INDArray[] {output},
        iArgs,
        new double[0],
        new boolean[] {op.isKeepDims()},
        new org.nd4j.linalg.api.buffer.DataType[0]);
  }

  private static Runnable custom(
      String name,
      INDArray[] inputs,
      INDArray[] outputs,
      long[] iArgs,
      double[] tArgs,
      boolean[] bArgs,
      org.nd4j.linalg.api.buffer.DataType[] dArgs) {
    DynamicCustomOp op = DynamicCustomOp.builder(name).build();
    OpContext context = Nd4j.getExecutioner().buildContext();
    for (int i = 0; i < inputs.length; i++) {
      context.setInputArray(i, inputs[i]);
    }
    for (int i = 0; i < outputs.length; i++) {
      context.setOutputArray(i, outputs[i]);
    }
    context.setIArguments(iArgs);
    context.setTArguments(tArgs);
    context.setBArguments(bArgs);
    context.setDArguments(dArgs);
    return () -> Nd4j.getExecutioner().exec(op, context);
  }

  private static Runnable legacy(Node node, Op template, INDArray input, INDArray output) {
    try {
      Op op = template.getClass().getDeclaredConstructor().newInstance();
      op.setX(input);
      op.setZ(output);
      if (template instanceof ScalarOp scalar) {
        ((ScalarOp) op).setScalar(scalar.scalar());
      }
      Object[] extra = template.extraArgs();
      if (extra != null && extra.length > 0) {
        op.setExtraArgs(extra);
      }
      return () -> Nd4j.getExecutioner().exec(op);
    } catch (ReflectiveOperationException e) {
      throw new UnsupportedOperationException("no native call is known for " + node, e);
    }
  }
}
