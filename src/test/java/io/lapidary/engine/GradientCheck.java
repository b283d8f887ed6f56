package io.lapidary.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.BiFunction;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Central differences in DOUBLE against {@link Gradients}, under a scaled and masked upstream
 * gradient.
 */
public final class GradientCheck {
  private GradientCheck() {}

  /** Inputs of a case: fresh parameters with drawn values, all checked. */
  public static final class Inputs {
    public final Graph graph;
    public final SplittableRandom random;

    Inputs(Graph graph, SplittableRandom random) {
      this.graph = graph;
      this.random = random;
    }

    /** Values in ±1. */
    public SDVariable any(long... shape) {
      return between(-1, 1, shape);
    }

    /** Values in [low, high). */
    public SDVariable between(double low, double high, long... shape) {
      String name = "x" + graph.parameters().size();
      return graph.parameter(
          name,
          (s, r) -> {
            double[] v = new double[Math.toIntExact(Shapes.length(s))];
            for (int i = 0; i < v.length; i++) {
              v[i] = low + (high - low) * random.nextDouble();
            }
            return v;
          },
          shape);
    }

    /** Values far from each other and from 0, for ops with kinks: no two within 0.02. */
    public SDVariable distinct(long... shape) {
      String name = "x" + graph.parameters().size();
      return graph.parameter(
          name,
          (s, r) -> {
            int n = Math.toIntExact(Shapes.length(s));
            double[] v = new double[n];
            for (int i = 0; i < n; i++) {
              v[i] = (i - n / 2 + 0.5) * 0.05;
            }
            for (int i = n - 1; i > 0; i--) {
              int j = random.nextInt(i + 1);
              double t = v[i];
              v[i] = v[j];
              v[j] = t;
            }
            return v;
          },
          shape);
    }

    /** Constant ids in [0, bound). */
    public SDVariable ids(int bound, long... shape) {
      int[] v = new int[Math.toIntExact(Shapes.length(shape))];
      for (int i = 0; i < v.length; i++) {
        v[i] = random.nextInt(bound);
      }
      return graph.constant(Nd4j.createFromArray(v).reshape('c', shape));
    }

    public int size(int low, int high) {
      return low + random.nextInt(high - low + 1);
    }

    public Ops ops() {
      return graph.ops();
    }
  }

  /** Largest relative error over all inputs of one random case. */
  public static double relativeError(
      long seed, boolean training, BiFunction<Inputs, Ops, SDVariable> function) {
    Parameters store = new Parameters(DataType.DOUBLE, seed);
    Graph graph = new Graph(store, training);
    Inputs inputs = new Inputs(graph, new SplittableRandom(seed));
    Ops ops = graph.ops();
    SDVariable y = function.apply(inputs, ops);
    SplittableRandom random = new SplittableRandom(seed + 1);
    INDArray upstream = Nd4j.create(DataType.DOUBLE, graph.shape(y));
    for (long i = 0; i < upstream.length(); i++) { // scaled, and a third of it masked
      upstream.putScalar(i, random.nextInt(3) == 0 ? 0 : 3 * random.nextDouble() - 1);
    }
    SDVariable loss = ops.mul(ops.sum(ops.mul(y, graph.constant(upstream)), false), 0.7);
    List<SDVariable> wrt = graph.parameters();
    List<SDVariable> gradients = Gradients.of(graph, loss, wrt);
    Map<String, INDArray> analytic = new LinkedHashMap<>();
    try (Plan plan = Plan.compile(graph, gradients)) {
      plan.seed(new io.lapidary.Seeds(seed));
      Map<String, INDArray> out = plan.run();
      for (int i = 0; i < wrt.size(); i++) {
        analytic.put(wrt.get(i).name(), out.get(gradients.get(i).name()).dup());
      }
    }
    double worst = 0;
    try (Plan forward = Plan.compile(graph, loss)) {
      for (SDVariable v : wrt) {
        worst =
            Math.max(
                worst, compare(store.get(v.name()), analytic.get(v.name()), forward, loss, seed));
      }
    }
    return worst;
  }

  private static double compare(
      INDArray x, INDArray gradient, Plan forward, SDVariable loss, long seed) {
    assertThat(gradient.shape()).isEqualTo(x.shape());
    double step = 1e-5;
    double difference = 0;
    double size = 1e-8;
    for (long i = 0; i < x.length(); i++) {
      double value = x.getDouble(i);
      x.putScalar(i, value + step);
      double up = value(forward, loss, seed);
      x.putScalar(i, value - step);
      double down = value(forward, loss, seed);
      x.putScalar(i, value);
      double numeric = (up - down) / (2 * step);
      difference = Math.max(difference, Math.abs(numeric - gradient.getDouble(i)));
      size = Math.max(size, Math.max(Math.abs(numeric), Math.abs(gradient.getDouble(i))));
    }
    return difference / Math.max(size, 1e-3);
  }

  private static double value(Plan forward, SDVariable loss, long seed) {
    forward.seed(new io.lapidary.Seeds(seed));
    return forward.run().get(loss.name()).getDouble(0);
  }
}
