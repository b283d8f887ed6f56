package io.lapidary.engine;

import io.lapidary.engine.vector.Workers;
import java.nio.FloatBuffer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.openblas.global.openblas;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The weight gradient of a convolution: per image, upstream [O, P] times the image's patches [P,
 * C·kH·kW], summed over images.
 */
final class ConvWeightGradient implements Runnable {
  private static final int ROW_MAJOR = 101;
  private static final int PLAIN = 111;
  private static final int TRANSPOSED = 112;
  private static final int PARTS =
      2; // a fixed number of partial sums, so that results do not depend on threads

  private final int images;
  private final int channels;
  private final int height;
  private final int width;
  private final int kernelHeight;
  private final int kernelWidth;
  private final int outputs;
  private final int outHeight;
  private final int outWidth;
  private final int stride;
  private final int padding;
  private final FloatPointer up;
  private final FloatBuffer pixels;
  private final FloatPointer[] sums = new FloatPointer[PARTS];
  private final FloatPointer[] patches = new FloatPointer[PARTS];
  private final FloatPointer result;

  private ConvWeightGradient(double[] attributes, INDArray x, INDArray gradient, INDArray weight) {
    images = (int) x.size(0);
    channels = (int) x.size(1);
    height = (int) x.size(2);
    width = (int) x.size(3);
    outputs = (int) weight.size(0);
    kernelHeight = (int) weight.size(2);
    kernelWidth = (int) weight.size(3);
    outHeight = (int) gradient.size(2);
    outWidth = (int) gradient.size(3);
    stride = (int) attributes[0];
    padding = (int) attributes[1];
    up = pointer(gradient);
    pixels = pointer(x).asByteBuffer().asFloatBuffer();
    result = pointer(weight);
    sums[0] = result;
    for (int part = 0; part < PARTS; part++) {
      patches[part] = new FloatPointer((long) patchSize() * area());
      if (part > 0) {
        sums[part] = new FloatPointer((long) outputs * patchSize());
      }
    }
  }

  /** Whether the region can run so. */
  static boolean handles(Graph graph, Node region) {
    return region.kind().equals("conv2d_weight_bp")
        && region.outputs().get(0).dataType() == DataType.FLOAT
        && Shapes.length(graph.shape(region.inputs().get(0))) < Integer.MAX_VALUE / 4
        && Shapes.length(graph.shape(region.inputs().get(2))) < Integer.MAX_VALUE / 4;
  }

  /** The prepared gradient of fixed arrays. */
  static Runnable of(double[] attributes, INDArray x, INDArray gradient, INDArray weight) {
    return new ConvWeightGradient(attributes, x, gradient, weight);
  }

  private static FloatPointer pointer(INDArray array) {
    return new FloatPointer(array.data().addressPointer())
        .capacity(array.length())
        .limit(array.length());
  }

  private int patchSize() {
    return channels * kernelHeight * kernelWidth;
  }

  private int area() {
    return outHeight * outWidth;
  }

  @Override
  public void run() {
    Workers.run(
        PARTS,
        (long) images * outputs * patchSize() * area() / PARTS,
        (from, to) -> {
          for (int part = from; part < to; part++) {
            sum(part, images * part / PARTS, images * (part + 1) / PARTS);
          }
        });
    int length = outputs * patchSize();
    for (int part = 1; part < PARTS; part++) {
      openblas.cblas_saxpy(length, 1, sums[part], 1, result, 1);
    }
  }

  private void sum(int part, int from, int to) {
    FloatBuffer columns = patches[part].asByteBuffer().asFloatBuffer();
    if (from == to) {
      sums[part].asByteBuffer().asFloatBuffer().put(new float[outputs * patchSize()]);
    }
    for (int image = from; image < to; image++) {
      unfold(image, columns);
      openblas.cblas_sgemm(
          ROW_MAJOR,
          PLAIN,
          TRANSPOSED,
          outputs,
          patchSize(),
          area(),
          1,
          new FloatPointer(up).position((long) image * outputs * area()),
          area(),
          patches[part],
          area(),
          image == from ? 0 : 1,
          sums[part],
          patchSize());
    }
  }

  /** Patches of one image, [C·kH·kW, P]. */
  private void unfold(int image, FloatBuffer columns) {
    float[] line = new float[outWidth];
    float[] row = new float[width];
    int at = 0;
    for (int c = 0; c < channels; c++) {
      for (int ky = 0; ky < kernelHeight; ky++) {
        for (int kx = 0; kx < kernelWidth; kx++) {
          for (int y = 0; y < outHeight; y++) {
            int source = y * stride + ky - padding;
            if (source < 0 || source >= height) {
              java.util.Arrays.fill(line, 0);
            } else {
              pixels.get(((image * channels + c) * height + source) * width, row);
              for (int x = 0; x < outWidth; x++) {
                int column = x * stride + kx - padding;
                line[x] = column < 0 || column >= width ? 0 : row[column];
              }
            }
            columns.put(at, line);
            at += outWidth;
          }
        }
      }
    }
  }
}
