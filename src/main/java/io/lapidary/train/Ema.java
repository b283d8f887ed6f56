package io.lapidary.train;

import io.lapidary.Check;
import io.lapidary.engine.Parameters;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Moving average of the trained weights. At step t it decays by min(decay, (1 + t) / (10 + t)), so
 * that a short run is not held back by its start.
 */
final class Ema implements AutoCloseable {
  private final double decay;
  private final Parameters parameters;
  private final Map<String, INDArray> averages = new LinkedHashMap<>();
  private final Scratch scratch = new Scratch();

  /** Starts at the present weights. */
  Ema(double decay, Parameters parameters, Collection<String> names) {
    this.decay = decay;
    this.parameters = parameters;
    names.forEach(name -> averages.put(name, parameters.get(name).dup('c')));
  }

  /** Takes in the weights after step {@code step}, from 1. */
  void update(long step) {
    double keep = Math.min(decay, (1.0 + step) / (10.0 + step));
    averages.forEach(
        (name, average) -> {
          INDArray difference = parameters.get(name).subi(average, scratch.like(name, average));
          average.addi(difference.muli(1 - keep));
        });
  }

  /** Exchanges weights and averages; a second call puts them back. */
  void swap() {
    averages.forEach(
        (name, average) -> {
          INDArray live = parameters.get(name);
          INDArray kept = scratch.like(name, live).assign(live);
          live.assign(average);
          average.assign(kept);
        });
  }

  Map<String, INDArray> averages() {
    return Collections.unmodifiableMap(averages);
  }

  void restore(Map<String, INDArray> saved) {
    Check.that(
        saved.keySet().equals(averages.keySet()),
        "saved averages are of other parameters than those trained");
    averages.forEach((name, average) -> average.assign(saved.get(name)));
  }

  @Override
  public void close() {
    averages.values().forEach(INDArray::close);
    averages.clear();
    scratch.close();
  }
}
