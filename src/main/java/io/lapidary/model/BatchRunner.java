package io.lapidary.model;

import io.lapidary.Check;
import io.lapidary.engine.Graph;
import io.lapidary.engine.Parameters;
import io.lapidary.engine.Plan;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * Runs inference graphs over any number of examples: in pieces of bounded size, with the plans of
 * the shapes used last kept. Calls from several threads run one after the other.
 */
final class BatchRunner implements AutoCloseable {
  private static final String INPUT = "input";

  private final Parameters parameters;
  private final int largestBatch;
  private final int capacity;
  private final Map<String, Prepared> prepared = new LinkedHashMap<>(16, 0.75f, true);

  private record Prepared(Plan plan, List<SDVariable> outputs) {}

  /**
   * A runner over live parameters.
   *
   * @param largestBatch larger inputs are cut into pieces of this size
   * @param capacity how many plans to keep
   */
  BatchRunner(Parameters parameters, int largestBatch, int capacity) {
    this.parameters = parameters;
    this.largestBatch = largestBatch;
    this.capacity = capacity;
  }

  /** An input of a graph and its values, examples along axis 0. */
  record Input(DataType type, INDArray values) {
    private long count() {
      return values.rank() == 0 || values.isEmpty() ? 0 : values.size(0);
    }
  }

  /** As the form below for one input. */
  List<INDArray> run(
      String task,
      DataType type,
      INDArray values,
      BiFunction<Graph, SDVariable, List<SDVariable>> build) {
    return run(
        task, List.of(new Input(type, values)), (g, inputs) -> build.apply(g, inputs.get(0)));
  }

  /**
   * Runs what {@code build} adds, whose outputs have the examples along axis 0.
   *
   * @param task names the graph; the same task always builds the same graph
   * @param inputs with the same number of examples
   * @return one array per output; the caller closes them
   */
  synchronized List<INDArray> run(
      String task,
      List<Input> inputs,
      BiFunction<Graph, List<SDVariable>, List<SDVariable>> build) {
    long count = inputs.get(0).count();
    for (Input input : inputs) {
      Check.that(
          count > 0 && input.count() == count,
          "at least one example is needed, the same number of all inputs; got shape %s",
          Arrays.toString(input.values.shape()));
    }
    long size = Math.min(count, largestBatch);
    Prepared p = prepare(task, inputs, size, build);
    List<List<INDArray>> pieces = new ArrayList<>();
    p.outputs.forEach(o -> pieces.add(new ArrayList<>()));
    for (long from = 0; from < count; from += size) {
      long here = Math.min(size, count - from);
      Map<String, INDArray> feeds = new LinkedHashMap<>();
      for (int i = 0; i < inputs.size(); i++) {
        INDArray target = p.plan.input(INPUT + i);
        if (here < size) {
          target.assign(0);
        }
        INDArray values = inputs.get(i).values;
        first(target, here).assign(values.get(NDArrayIndex.interval(from, from + here)));
        feeds.put(INPUT + i, target);
      }
      p.plan.run(feeds);
      for (int i = 0; i < p.outputs.size(); i++) {
        pieces.get(i).add(first(p.plan.output(p.outputs.get(i)), here).dup('c'));
      }
    }
    return pieces.stream().map(BatchRunner::join).toList();
  }

  private Prepared prepare(
      String task,
      List<Input> inputs,
      long size,
      BiFunction<Graph, List<SDVariable>, List<SDVariable>> build) {
    List<long[]> shapes = new ArrayList<>();
    StringBuilder key = new StringBuilder(task);
    for (Input input : inputs) {
      long[] shape = input.values.shape().clone();
      shape[0] = size;
      shapes.add(shape);
      key.append(Arrays.toString(shape));
    }
    Prepared known = prepared.get(key.toString());
    if (known != null) {
      return known;
    }
    Graph g = new Graph(parameters, false);
    List<SDVariable> placeholders = new ArrayList<>();
    for (int i = 0; i < inputs.size(); i++) {
      placeholders.add(g.placeholder(INPUT + i, inputs.get(i).type, shapes.get(i)));
    }
    List<SDVariable> outputs = build.apply(g, placeholders);
    while (prepared.size() >= capacity) {
      Iterator<Prepared> eldest = prepared.values().iterator();
      eldest.next().plan.close();
      eldest.remove();
    }
    Prepared made = new Prepared(Plan.compile(g, outputs), outputs);
    prepared.put(key.toString(), made);
    return made;
  }

  private static INDArray first(INDArray array, long rows) {
    return rows == array.size(0) ? array : array.get(NDArrayIndex.interval(0, rows));
  }

  private static INDArray join(List<INDArray> parts) {
    if (parts.size() == 1) {
      return parts.get(0);
    }
    INDArray all = Nd4j.concat(0, parts.toArray(INDArray[]::new));
    parts.forEach(INDArray::close);
    return all;
  }

  @Override
  public synchronized void close() {
    prepared.values().forEach(p -> p.plan.close());
    prepared.clear();
  }
}
