package io.lapidary.engine.stock;

import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/** A plain SameDiff model that is ready for {@code fit}. */
public interface StockModel {
  /** The graph with drawn weights, its loss and its training configuration. */
  SameDiff build(long seed);

  /** One batch for it. */
  MultiDataSet batch(long seed);
}
