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
final class UnfoldedConvolution {
  private static final int ROW_MAJOR = 101;
  private static final int PLAIN = 111;
  private static final int TRANSPOSED = 112;
  private static final int PARTS =
      2; // a fixed number of partial sums, so that results do not depend on threads
  private static final int LARGEST_PATCH = 64;

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
  private final FloatBuffer pixels;
  private final FloatPointer images2d;
  private final FloatPointer weights;
  private final FloatPointer[] patches = new FloatPointer[PARTS];

  private UnfoldedConvolution(double[] attributes, INDArray x, INDArray mapped, INDArray weight) {
    images = (int) x.size(0);
    channels = (int) x.size(1);
    height = (int) x.size(2);
    width = (int) x.size(3);
    outputs = (int) weight.size(0);
    kernelHeight = (int) weight.size(2);
    kernelWidth = (int) weight.size(3);
    outHeight = (int) mapped.size(2);
    outWidth = (int) mapped.size(3);
    stride = (int) attributes[0];
    padding = (int) attributes[1];
    pixels = pointer(x).asByteBuffer().asFloatBuffer();
    images2d = pointer(mapped);
    weights = pointer(weight);
    for (int part = 0; part < PARTS; part++) {
      patches[part] = new FloatPointer((long) patchSize() * area());
    }
  }

  /** Whether the region of a weight gradient can run so. */
  static boolean handles(Graph graph, Node region) {
    return region.kind().equals("conv2d_weight_bp")
        && region.outputs().get(0).dataType() == DataType.FLOAT
        && Shapes.length(graph.shape(region.inputs().get(0))) < Integer.MAX_VALUE / 4
        && Shapes.length(graph.shape(region.inputs().get(2))) < Integer.MAX_VALUE / 4;
  }

  /** The prepared convolution of fixed arrays, or null where the native op is better. */
  static Runnable forward(double[] attributes, INDArray x, INDArray weight, INDArray y) {
    boolean few = weight.length() / weight.size(0) <= LARGEST_PATCH;
    boolean fits =
        x.dataType() == DataType.FLOAT
            && y.length() < Integer.MAX_VALUE / 4
            && x.length() < Integer.MAX_VALUE / 4;
    return few && fits ? new UnfoldedConvolution(attributes, x, y, weight)::convolve : null;
  }

  /** The prepared weight gradient of fixed arrays. */
  static Runnable weightGradient(
      double[] attributes, INDArray x, INDArray gradient, INDArray weight) {
    UnfoldedConvolution c = new UnfoldedConvolution(attributes, x, gradient, weight);
    FloatPointer[] sums = new FloatPointer[PARTS];
    for (int part = 0; part < PARTS; part++) {
      sums[part] = part == 0 ? c.weights : new FloatPointer((long) c.outputs * c.patchSize());
    }
    return () -> c.sumGradients(sums);
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

  private long work() {
    return (long) images * outputs * patchSize() * area() / PARTS;
  }

  private FloatPointer image(int index) {
    return new FloatPointer(images2d).position((long) index * outputs * area());
  }

  private void convolve() {
    Workers.run(
        PARTS,
        work(),
        (from, to) -> {
          for (int part = from; part < to; part++) {
            FloatBuffer columns = patches[part].asByteBuffer().asFloatBuffer();
            for (int i = images * part / PARTS; i < images * (part + 1) / PARTS; i++) {
              unfold(i, columns);
              openblas.cblas_sgemm(
                  ROW_MAJOR,
                  PLAIN,
                  PLAIN,
                  outputs,
                  area(),
                  patchSize(),
                  1,
                  weights,
                  patchSize(),
                  patches[part],
                  area(),
                  0,
                  image(i),
                  area());
            }
          }
        });
  }

  private void sumGradients(FloatPointer[] sums) {
    Workers.run(
        PARTS,
        work(),
        (from, to) -> {
          for (int part = from; part < to; part++) {
            sum(sums[part], patches[part], images * part / PARTS, images * (part + 1) / PARTS);
          }
        });
    for (int part = 1; part < PARTS; part++) {
      openblas.cblas_saxpy(outputs * patchSize(), 1, sums[part], 1, sums[0], 1);
    }
  }

  private void sum(FloatPointer into, FloatPointer unfolded, int from, int to) {
    FloatBuffer columns = unfolded.asByteBuffer().asFloatBuffer();
    if (from == to) {
      into.asByteBuffer().asFloatBuffer().put(new float[outputs * patchSize()]);
    }
    for (int i = from; i < to; i++) {
      unfold(i, columns);
      openblas.cblas_sgemm(
          ROW_MAJOR,
          PLAIN,
          TRANSPOSED,
          outputs,
          patchSize(),
          area(),
          1,
          image(i),
          area(),
          unfolded,
          area(),
          i == from ? 0 : 1,
          into,
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
