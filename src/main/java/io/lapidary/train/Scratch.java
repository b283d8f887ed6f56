package io.lapidary.train;

import java.util.HashMap;
import java.util.Map;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** One piece of memory lent out as an array of any shape; each loan ends with the next. */
final class Scratch implements AutoCloseable {
  private final Map<String, INDArray> views = new HashMap<>();
  private INDArray flat;

  /** An array of the type and shape of {@code model}, c-ordered, with undefined values. */
  INDArray like(String name, INDArray model) {
    if (flat == null || flat.length() < model.length() || flat.dataType() != model.dataType()) {
      close();
      flat = Nd4j.createUninitializedDetached(model.dataType(), Math.max(1, model.length()));
    }
    return views.computeIfAbsent(
        name,
        key ->
            Nd4j.create(
                flat.data(),
                model.shape(),
                Nd4j.getStrides(model.shape(), 'c'),
                0,
                'c',
                model.dataType()));
  }

  @Override
  public void close() {
    views.clear();
    if (flat != null) {
      flat.close();
      flat = null;
    }
  }
}
