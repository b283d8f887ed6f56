package io.lapidary.train;

import java.util.LinkedHashMap;
import java.util.Map;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Sum of the gradients of several batches, each times its number of examples. */
final class GradientSum implements AutoCloseable {
  private final Map<String, INDArray> sums = new LinkedHashMap<>();
  private final Scratch scratch = new Scratch();

  /** Sets or adds {@code examples} times each gradient. */
  void add(Map<String, INDArray> gradients, long examples, boolean first) {
    gradients.forEach(
        (name, gradient) -> {
          INDArray sum = sums.get(name);
          if (sum == null) {
            sums.put(name, gradient.dup('c').muli(examples));
          } else if (first) {
            gradient.muli(examples, sum);
          } else {
            sum.addi(gradient.muli(examples, scratch.like(name, gradient)));
          }
        });
  }

  /** The sums by parameter. */
  Map<String, INDArray> sums() {
    return sums;
  }

  /** Euclidean norm over all values of all arrays; not finite when one of them is not. */
  static double norm(Map<String, INDArray> arrays) {
    double squares = 0;
    for (INDArray array : arrays.values()) {
      // the dot product of BLAS is more than ten times as fast as the library's own norm
      INDArray flat = array.reshape(array.length());
      squares += Nd4j.getBlasWrapper().dot(flat, flat);
    }
    return Math.sqrt(squares);
  }

  @Override
  public void close() {
    sums.values().forEach(INDArray::close);
    sums.clear();
    scratch.close();
  }
}
