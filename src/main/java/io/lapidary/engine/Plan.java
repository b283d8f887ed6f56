package io.lapidary.engine;

import io.lapidary.Check;
import io.lapidary.Seeds;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * A graph compiled into a fixed list of native calls on memory taken once: dead ops left out,
 * constant parts folded, buffers shared by tenants whose lives do not overlap, reshapes as views,
 * element-wise ops in place. Values are those of {@code sd.output}. Parameters are read from the
 * graph's store at each run. One thread at a time.
 */
public final class Plan implements AutoCloseable {
  private static final Set<String> COPIES = Set.of("reshape", "identity");
  private static final Set<String> IN_PLACE =
      Set.of(
          "add",
          "subtract",
          "multiply",
          "divide",
          "add_scalar",
          "mul_scalar",
          "exp",
          "log",
          "sqrt",
          "rsqrt",
          "square",
          "reciprocal",
          "tanh",
          "sigmoid",
          "relu",
          "abs",
          "sign",
          "erf");

  private final Graph graph;
  private final boolean kernels;
  private final List<Step> steps = new ArrayList<>();
  private final Map<String, INDArray> arrays = new HashMap<>();
  private final Map<String, INDArray> outputs = new LinkedHashMap<>();
  private final Map<String, SDVariable> feeds = new LinkedHashMap<>();
  private final List<String> noise = new ArrayList<>();
  private final Buffers buffers = new Buffers();
  private final List<INDArray> owned = new ArrayList<>();
  private Seeds noiseSeeds = new Seeds(0);
  private long run;

  private record Step(Node node, Runnable call, INDArray[] results, boolean fused) {}

  /**
   * What a plan costs.
   *
   * @param calls native calls per run
   * @param bytes memory of activations
   * @param unsharedBytes the same if every activation had memory of its own
   */
  public record Stats(int calls, long bytes, long unsharedBytes) {}

  private Plan(Graph graph, boolean kernels) {
    this.graph = graph;
    this.kernels = kernels;
  }

  /** Compiles what {@code outputs} need. */
  public static Plan compile(Graph graph, SDVariable... outputs) {
    return compile(graph, Arrays.asList(outputs));
  }

  /** Compiles what {@code outputs} need. */
  public static Plan compile(Graph graph, Collection<SDVariable> outputs) {
    return compile(graph, outputs, Kernels.enabled());
  }

  /** Compiles what {@code outputs} need, with fused kernels or without. */
  static Plan compile(Graph graph, Collection<SDVariable> outputs, boolean kernels) {
    Plan plan = new Plan(graph, kernels);
    plan.build(outputs);
    return plan;
  }

  // ---- compilation --------------------------------------------------------------------------

  private void build(Collection<SDVariable> requested) {
    List<Node> nodes = reachable(requested);
    Set<String> used = new HashSet<>();
    nodes.forEach(n -> n.inputs().forEach(v -> used.add(v.name())));
    requested.forEach(v -> used.add(v.name()));
    bindSources(used);
    List<Node> live = fold(nodes);
    Views views = new Views(graph, live, requested, kernels);
    allocate(live, views, lastUse(live, views, requested));
    for (SDVariable output : requested) {
      outputs.put(output.name(), arrays.get(output.name()));
    }
  }

  /** Ops the outputs depend on, in order; regions with a kernel whole, others as their ops. */
  private List<Node> reachable(Collection<SDVariable> requested) {
    Set<Node> opened = Collections.newSetFromMap(new IdentityHashMap<>());
    while (true) {
      List<Node> flat = new ArrayList<>();
      graph.nodes().forEach(n -> expand(n, opened, flat));
      List<Node> kept = needed(flat, requested);
      if (!openInner(kept, requested, flat, opened)) {
        return kept;
      }
    }
  }

  private static List<Node> needed(List<Node> flat, Collection<SDVariable> requested) {
    Set<String> needed = new HashSet<>();
    requested.forEach(v -> needed.add(v.name()));
    List<Node> kept = new ArrayList<>();
    for (int i = flat.size() - 1; i >= 0; i--) {
      Node node = flat.get(i);
      if (node.outputs().stream().anyMatch(v -> needed.contains(v.name()))) {
        node.inputs().forEach(v -> needed.add(v.name()));
        kept.add(node);
      }
    }
    Collections.reverse(kept);
    return kept;
  }

  /**
   * Opens every whole region one of whose inner results is used outside; says whether there was
   * one.
   */
  private static boolean openInner(
      List<Node> kept, Collection<SDVariable> requested, List<Node> flat, Set<Node> opened) {
    Set<String> used = new HashSet<>();
    kept.forEach(n -> n.inputs().forEach(v -> used.add(v.name())));
    requested.forEach(v -> used.add(v.name()));
    boolean any = false;
    for (Node node : flat) {
      if (node.isRegion()) {
        Set<String> inner = new HashSet<>();
        innerNames(node, inner);
        node.outputs().forEach(v -> inner.remove(v.name()));
        if (inner.stream().anyMatch(used::contains)) {
          any |= opened.add(node);
        }
      }
    }
    return any;
  }

  private static void innerNames(Node node, Set<String> into) {
    for (Node inner : node.inner()) {
      inner.outputs().forEach(v -> into.add(v.name()));
      innerNames(inner, into);
    }
  }

  private void expand(Node node, Set<Node> opened, List<Node> into) {
    if (node.isRegion() && (opened.contains(node) || !kernels || !Kernels.has(graph, node))) {
      node.inner().forEach(n -> expand(n, opened, into));
    } else {
      into.add(node);
    }
  }

  private void bindSources(Set<String> used) {
    for (String name : used) {
      if (graph.isStored(name)) {
        arrays.put(name, graph.array(name));
      } else if (graph.isConstant(name)) {
        arrays.put(name, graph.sameDiff().getVariable(name).getArr());
      }
    }
    for (Map.Entry<String, SDVariable> entry : graph.placeholders().entrySet()) {
      String name = entry.getKey();
      if (!used.contains(name)) {
        continue;
      }
      arrays.put(name, own(entry.getValue().dataType(), graph.shape(entry.getValue())));
      if (graph.noise().containsKey(name)) {
        noise.add(name);
      } else {
        feeds.put(name, entry.getValue());
      }
    }
  }

  private INDArray own(DataType type, long[] shape) {
    INDArray array = Nd4j.createUninitialized(type, shape, 'c');
    owned.add(array);
    return array;
  }

  /** Runs what depends on constants only, now and for good. */
  private List<Node> fold(List<Node> nodes) {
    List<Node> live = new ArrayList<>();
    Set<String> constant = new HashSet<>();
    for (Node node : nodes) {
      boolean foldable =
          node.inputs().stream()
              .allMatch(v -> graph.isConstant(v.name()) || constant.contains(v.name()));
      if (!foldable) {
        live.add(node);
        continue;
      }
      INDArray[] results =
          node.outputs().stream()
              .map(v -> own(v.dataType(), graph.shape(v)))
              .toArray(INDArray[]::new);
      bind(node, results);
      if (COPIES.contains(node.kind())) {
        results[0].assign(arrays.get(node.inputs().get(0).name()).reshape('c', results[0].shape()));
      } else {
        prepare(node, results, kernels ? Kernels.find(node, inputs(node), results) : null).run();
      }
      node.outputs().forEach(v -> constant.add(v.name()));
    }
    return live;
  }

  private INDArray[] inputs(Node node) {
    return node.inputs().stream().map(v -> arrays.get(v.name())).toArray(INDArray[]::new);
  }

  private void bind(Node node, INDArray[] results) {
    for (int i = 0; i < results.length; i++) {
      arrays.put(node.outputs().get(i).name(), results[i]);
    }
  }

  private static Map<String, Integer> lastUse(
      List<Node> nodes, Views views, Collection<SDVariable> requested) {
    Map<String, Integer> last = new HashMap<>();
    for (int i = 0; i < nodes.size(); i++) {
      for (SDVariable output : nodes.get(i).outputs()) {
        last.putIfAbsent(views.root(output.name()), i);
      }
      for (SDVariable input : nodes.get(i).inputs()) {
        last.put(views.root(input.name()), i);
      }
    }
    for (SDVariable output : requested) {
      last.put(views.root(output.name()), Integer.MAX_VALUE);
    }
    return last;
  }

  private void allocate(List<Node> nodes, Views views, Map<String, Integer> lastUse) {
    Map<String, Buffers.Tenant> tenants = new HashMap<>();
    List<Map.Entry<String, Buffers.Tenant>> placed = new ArrayList<>();
    for (int i = 0; i < nodes.size(); i++) {
      Node node = nodes.get(i);
      if (!views.skips(node)) {
        Buffers.Tenant reused = overwritten(node, i, views, lastUse, tenants);
        for (SDVariable output : views.owned(node)) {
          Buffers.Tenant tenant =
              reused != null
                  ? reused
                  : buffers.take(
                      output.dataType(), Math.max(1, Shapes.length(graph.shape(output))), i);
          tenants.put(output.name(), tenant);
          placed.add(Map.entry(output.name(), tenant));
        }
      }
      Set<String> touched = new HashSet<>();
      node.inputs().forEach(v -> touched.add(views.root(v.name())));
      node.outputs().forEach(v -> touched.add(views.root(v.name())));
      for (String root : touched) {
        if (lastUse.get(root) == i && tenants.containsKey(root)) {
          tenants.remove(root).until(i);
        }
      }
    }
    buffers.settle();
    placed.forEach(e -> arrays.put(e.getKey(), view(e.getValue(), e.getKey())));
    views.bind(graph, nodes, arrays);
    for (Node node : nodes) {
      if (!views.skips(node)) {
        INDArray[] results =
            node.outputs().stream().map(v -> arrays.get(v.name())).toArray(INDArray[]::new);
        Runnable fused = kernels ? Kernels.find(node, inputs(node), results) : null;
        steps.add(new Step(node, prepare(node, results, fused), results, fused != null));
      }
    }
  }

  /** An input that dies here and that an element-wise op may overwrite. */
  private Buffers.Tenant overwritten(
      Node node,
      int index,
      Views views,
      Map<String, Integer> lastUse,
      Map<String, Buffers.Tenant> tenants) {
    if (!IN_PLACE.contains(node.kind())) {
      return null;
    }
    SDVariable output = node.outputs().get(0);
    for (SDVariable input : node.inputs()) {
      String root = views.root(input.name());
      if (tenants.containsKey(root)
          && lastUse.get(root) == index
          && input.dataType() == output.dataType()
          && Arrays.equals(graph.shape(input), graph.shape(output))) {
        return tenants.remove(root);
      }
    }
    return null;
  }

  private INDArray view(Buffers.Tenant tenant, String name) {
    long[] shape = graph.shape(graph.variable(name));
    return Nd4j.create(
        tenant.buffer(), shape, Nd4j.getStrides(shape, 'c'), 0, 'c', tenant.buffer().dataType());
  }

  /** The call of a node, after a check of the ids it reads by. */
  private Runnable prepare(Node node, INDArray[] results, Runnable fused) {
    INDArray[] inputs = inputs(node);
    Runnable call = fused != null ? fused : NativeCalls.of(node, inputs, results);
    return switch (node.kind()) {
      case "gather", "scatter_add" ->
          checked(node.inputs().get(1), inputs[1], inputs[0].size(0), call);
      case "cross_entropy" -> checked(node.inputs().get(1), inputs[1], inputs[0].size(1), call);
      case "onehot" ->
          checked(node.inputs().get(0), inputs[0], results[0].size(results[0].rank() - 1), call);
      default -> call;
    };
  }

  private static Runnable checked(SDVariable ids, INDArray array, long bound, Runnable call) {
    return () -> {
      long length = array.length();
      for (long i = 0; i < length; i++) {
        long id = array.data().getLong(i);
        if (id < 0 || id >= bound) {
          throw new IndexOutOfBoundsException(
              String.format("%s[%d] is %d, but ids must be in [0, %d)", ids.name(), i, id, bound));
        }
      }
      call.run();
    };
  }

  // ---- running ------------------------------------------------------------------------------

  /**
   * Runs once and returns the outputs by name. They are views of the plan's memory, valid until the
   * next run.
   *
   * @param values one array per input, of its shape
   * @throws IllegalArgumentException when an input is missing or has another shape
   * @throws IndexOutOfBoundsException naming the first id outside its table
   */
  public Map<String, INDArray> run(Map<String, INDArray> values) {
    feed(values);
    drawNoise();
    for (Step step : steps) {
      step.call.run();
    }
    return outputs;
  }

  /** Runs once without inputs. */
  public Map<String, INDArray> run() {
    return run(Map.of());
  }

  /** The plan's own array of an input: filling it before a run saves a copy. */
  public INDArray input(String name) {
    Check.that(
        feeds.containsKey(name), "the plan has no input %s; it has %s", name, feeds.keySet());
    return arrays.get(name);
  }

  /**
   * The random numbers of the last run, by placeholder: what {@code sd.output} must be fed to
   * repeat it.
   */
  public Map<String, INDArray> noise() {
    Map<String, INDArray> drawn = new LinkedHashMap<>();
    noise.forEach(name -> drawn.put(name, arrays.get(name)));
    return drawn;
  }

  /** The output of the last run by variable. */
  public INDArray output(SDVariable variable) {
    return outputs.get(variable.name());
  }

  /**
   * Sets where the random numbers of the next runs come from: run r after this call uses {@code
   * seeds.at(r)}.
   */
  public void seed(Seeds seeds) {
    noiseSeeds = seeds;
    run = 0;
  }

  /**
   * Runs op by op and names the first whose result holds NaN or an infinity; null when none does.
   */
  public String firstNonFinite(Map<String, INDArray> values) {
    feed(values);
    for (Step step : steps) {
      step.call.run();
      for (INDArray result : step.results) {
        if (result.dataType().isFPType() && !Double.isFinite(result.sumNumber().doubleValue())) {
          return step.node.toString();
        }
      }
    }
    return null;
  }

  /**
   * Time of one call, averaged over the rounds of {@link #profile}.
   *
   * @param kind op or region
   * @param result name of the first result
   * @param microseconds mean time of one run
   * @param bytes size of the results
   * @param fused whether a fused kernel ran
   */
  public record CallTime(
      String kind, String result, double microseconds, long bytes, boolean fused) {}

  /** Runs {@code rounds} times and times every call. */
  public List<CallTime> profile(Map<String, INDArray> values, int rounds) {
    Check.positive("rounds", rounds);
    long[] nanos = new long[steps.size()];
    for (int round = 0; round < rounds; round++) {
      feed(values);
      drawNoise();
      for (int i = 0; i < nanos.length; i++) {
        long start = System.nanoTime();
        steps.get(i).call.run();
        nanos[i] += System.nanoTime() - start;
      }
    }
    List<CallTime> times = new ArrayList<>();
    for (int i = 0; i < nanos.length; i++) {
      Step step = steps.get(i);
      long bytes =
          Arrays.stream(step.results).mapToLong(r -> r.length() * r.dataType().width()).sum();
      times.add(
          new CallTime(
              step.node.kind(),
              step.node.outputs().get(0).name(),
              nanos[i] / 1e3 / rounds,
              bytes,
              step.fused));
    }
    return times;
  }

  /** What the plan costs. */
  public Stats stats() {
    return new Stats(steps.size(), buffers.bytes(), buffers.requestedBytes());
  }

  private void feed(Map<String, INDArray> values) {
    for (Map.Entry<String, SDVariable> entry : feeds.entrySet()) {
      String name = entry.getKey();
      INDArray own = arrays.get(name);
      INDArray value = values.get(name);
      Check.that(value != null, "input %s is missing; the plan needs %s", name, feeds.keySet());
      if (value == own) {
        continue;
      }
      Check.that(
          Arrays.equals(value.shape(), own.shape()),
          "input %s must have shape %s, got %s",
          name,
          Arrays.toString(own.shape()),
          Arrays.toString(value.shape()));
      own.assign(value);
    }
  }

  private void drawNoise() {
    Seeds seeds = noiseSeeds.at(run++);
    for (int i = 0; i < noise.size(); i++) {
      Graph.Noise kind = graph.noise().get(noise.get(i));
      NoiseFill.fill(arrays.get(noise.get(i)), kind, seeds.at(i));
    }
  }

  @Override
  public void close() {
    buffers.close();
    for (INDArray array : owned) {
      if (array.closeable()) {
        array.close();
      }
    }
  }
}
