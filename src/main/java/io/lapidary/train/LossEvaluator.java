package io.lapidary.train;

import io.lapidary.Check;
import io.lapidary.Seeds;
import io.lapidary.data.BatchIterator;
import io.lapidary.data.BatchSource;
import io.lapidary.engine.Parameters;
import java.util.LinkedHashMap;
import java.util.Map;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Mean losses over the first epoch of a batch source, in inference mode, as {@code prefix/loss}.
 * Examples count equally, whatever the batch sizes.
 */
public final class LossEvaluator implements Evaluator, AutoCloseable {
  private final String prefix;
  private final BatchSource batches;
  private final InputNames inputs;
  private final GraphCache graphs;

  /**
   * An evaluator over the store that is trained.
   *
   * @param prefix of the metric names, such as {@code val}
   * @param lossWeights as in {@link TrainConfig}
   */
  public LossEvaluator(
      String prefix,
      Objective objective,
      Parameters parameters,
      BatchSource batches,
      InputNames inputs,
      Map<String, Double> lossWeights) {
    this.prefix = prefix;
    this.batches = batches;
    this.inputs = inputs;
    this.graphs = new GraphCache(objective, parameters, lossWeights, null, false, () -> "");
  }

  @Override
  public Map<String, Double> evaluate(long step, long epoch) {
    Map<String, Double> sums = new LinkedHashMap<>();
    long examples = 0;
    try (BatchIterator iterator = batches.epoch(0)) {
      while (iterator.hasNext()) {
        Map<String, INDArray> feeds = inputs.feeds(iterator.next());
        TrainGraph graph = graphs.get(feeds);
        graph.run(feeds, new Seeds(0));
        long size = InputNames.examples(feeds);
        graph.losses().forEach((name, v) -> sums.merge(prefix + "/" + name, v * size, Double::sum));
        examples += size;
      }
    }
    Check.that(examples > 0, "the batch source for %s gave no batches", prefix);
    long count = examples;
    sums.replaceAll((name, sum) -> sum / count);
    return sums;
  }

  @Override
  public void close() {
    graphs.close();
  }
}
