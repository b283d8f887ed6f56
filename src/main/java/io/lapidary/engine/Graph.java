package io.lapidary.engine;

import io.lapidary.Check;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Deque;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.nd4j.autodiff.functions.DifferentialFunction;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.array.SingleThreadArrayHolder;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * A SameDiff graph under construction, for concrete shapes. It knows every shape and keeps its ops
 * in order, with their gradient rules, so that {@link Gradients} and {@link Plan} need not ask
 * SameDiff. Ops are added through {@link #ops()} only; the SameDiff graph itself stays ordinary and
 * can be saved, printed and run.
 */
public final class Graph {
  private final SameDiff sameDiff = empty();
  private final Parameters parameters;
  private final boolean training;
  private final Ops ops = new Ops(this);
  private final Map<String, long[]> shapes = new HashMap<>();
  private final Map<String, SDVariable> trainable = new LinkedHashMap<>();
  private final Map<String, SDVariable> buffers = new LinkedHashMap<>();
  private final Map<String, SDVariable> placeholders = new LinkedHashMap<>();
  private final Map<String, Noise> noise = new LinkedHashMap<>();
  private final Map<String, SDVariable> updates = new LinkedHashMap<>();
  private final Map<String, SDVariable> constants = new LinkedHashMap<>();
  private final List<Node> nodes = new ArrayList<>();
  private final Deque<List<Node>> open = new ArrayDeque<>();
  private final Map<String, SDVariable> repeats = new HashMap<>();
  private final Deque<Overlay> overlays = new ArrayDeque<>();
  private final Map<String, INDArray> arrays = new HashMap<>();
  private final Map<Parameters, Guest> hosted = new IdentityHashMap<>();
  private final Deque<Guest> guests = new ArrayDeque<>();
  private final Deque<Editing> editing = new ArrayDeque<>();
  private int unnamed;
  private boolean recomputing;
  private Recomputation block;

  /** Another store whose arrays stand in this graph under a prefix. */
  private record Guest(Parameters store, String prefix) {}

  /** Edits in force, and the points met since. */
  private record Editing(ActivationEdits edits, Set<String> met) {}

  /** A placeholder that a {@link Plan} fills with fresh random numbers at each run. */
  record Noise(Kind kind, double parameter) {
    enum Kind {
      BERNOULLI,
      NORMAL,
      UNIFORM
    }
  }

  /**
   * An empty graph over the arrays of {@code parameters}, whose type is that of its numbers.
   *
   * @param training whether dropout drops and batch norm uses the statistics of the batch
   */
  public Graph(Parameters parameters, boolean training) {
    this.parameters = parameters;
    this.training = training;
    open.push(nodes);
  }

  /** A graph that holds arrays themselves: SameDiff's own holders keep a copy of each besides. */
  private static SameDiff empty() {
    SameDiff graph = SameDiff.create();
    graph.setArrayHolders(new SingleThreadArrayHolder(), new SingleThreadArrayHolder(), false);
    return graph;
  }

  /** The op vocabulary. */
  public Ops ops() {
    return ops;
  }

  /** The underlying SameDiff graph. Do not add ops to it directly. */
  public SameDiff sameDiff() {
    return sameDiff;
  }

  /** Whether the graph was made for training. */
  public boolean training() {
    return training;
  }

  /** Type of the graph's numbers: FLOAT, or DOUBLE for gradient checks. */
  public DataType type() {
    return parameters.type();
  }

  /** The store whose arrays this graph uses. */
  public Parameters store() {
    return parameters;
  }

  /** Concrete shape of a variable of this graph. */
  public long[] shape(SDVariable variable) {
    long[] shape = shapes.get(variable.name());
    Check.that(shape != null, "variable %s is not of this graph", variable.name());
    return shape.clone();
  }

  /** Size of one axis; a negative axis counts from the back. */
  public long size(SDVariable variable, int axis) {
    long[] shape = shape(variable);
    return shape[Shapes.axis(axis, shape.length)];
  }

  /** An input of the graph's number type. */
  public SDVariable placeholder(String name, long... shape) {
    return placeholder(name, type(), shape);
  }

  /** An input of another type, such as {@code INT} for ids. */
  public SDVariable placeholder(String name, DataType dataType, long... shape) {
    Check.that(!shapes.containsKey(name), "the graph has a variable %s already", name);
    SDVariable variable = sameDiff.placeHolder(name, dataType, shape);
    shapes.put(name, shape.clone());
    placeholders.put(name, variable);
    return variable;
  }

  /**
   * A trainable weight by its checkpoint name, shared with the store; a second call gives the same
   * variable.
   */
  public SDVariable parameter(String name, Init init, long... shape) {
    return stored(trainable, name, init, shape);
  }

  /** A stored array that is not trained by gradients, such as running statistics. */
  public SDVariable buffer(String name, Init init, long... shape) {
    return stored(buffers, name, init, shape);
  }

  private SDVariable stored(
      Map<String, SDVariable> own, String nameInStore, Init init, long... shape) {
    Guest guest = guests.peek();
    Map<String, SDVariable> kind = guest == null ? own : buffers;
    String name = guest == null ? nameInStore : guest.prefix + nameInStore;
    Parameters store = guest == null ? parameters : guest.store;
    SDVariable known = kind.get(name);
    INDArray array = store.getOrCreate(nameInStore, init, shape);
    if (known != null) {
      return known;
    }
    Check.that(!shapes.containsKey(name), "the graph has a variable %s already", name);
    SDVariable variable = sameDiff.var(name, array);
    shapes.put(name, shape.clone());
    kind.put(name, variable);
    arrays.put(name, array);
    return variable;
  }

  /** The live array of a parameter or buffer of this graph. */
  INDArray array(String name) {
    return arrays.get(name);
  }

  /**
   * Builds a part of the graph over another store, a model inside a model. Its arrays are not
   * trained by this graph; gradients pass through them to what the part reads. In the graph their
   * names begin with {@code guest_} and a number of the store.
   */
  public <T> T over(Parameters store, Supplier<T> body) {
    Check.that(
        store.type() == type(), "a %s store cannot stand in a %s graph", store.type(), type());
    Guest guest = hosted.computeIfAbsent(store, s -> new Guest(s, "guest_" + hosted.size() + "/"));
    guests.push(guest);
    try {
      return body.get();
    } finally {
      guests.pop();
    }
  }

  /**
   * Builds a part of the graph under edits, in addition to those in force.
   *
   * @throws IllegalArgumentException when an edit's module is not in the part
   */
  public <T> T with(ActivationEdits edits, Supplier<T> body) {
    Editing now = new Editing(edits, new TreeSet<>());
    editing.push(now);
    try {
      T built = body.get();
      for (String point : edits.byPoint().keySet()) {
        Check.that(
            now.met.contains(point), "no activation is called %s; there are %s", point, now.met);
      }
      return built;
    } finally {
      editing.pop();
    }
  }

  /** The output x of a module, or what edits in force make of it; models call it. */
  public SDVariable point(String name, SDVariable x) {
    SDVariable y = x;
    for (Editing now : editing) { // the inner first
      now.met.add(name);
      ActivationEdit edit = now.edits.byPoint().get(name);
      if (edit != null) {
        y = edit.apply(this, y);
        Check.that(
            Arrays.equals(shape(y), shape(x)),
            "%s has shape %s, its edit gives %s",
            name,
            Arrays.toString(shape(x)),
            Arrays.toString(shape(y)));
      }
    }
    return y;
  }

  /** A constant array of any type; the array must not be changed afterwards. */
  public SDVariable constant(INDArray value) {
    SDVariable variable = sameDiff.constant("constant_" + unnamed++, value);
    shapes.put(variable.name(), value.shape().clone());
    constants.put(variable.name(), variable);
    return variable;
  }

  /**
   * A constant of the graph's number type with all entries equal; equal constants are made once.
   */
  public SDVariable constant(double value, long... shape) {
    String name =
        "constant_"
            + value
            + "_"
            + Arrays.toString(shape).replaceAll("[\\[\\] ]", "").replace(',', 'x');
    SDVariable known = constants.get(name);
    if (known == null) {
      known = sameDiff.constant(name, Nd4j.valueArrayOf(shape, value, type()));
      shapes.put(name, shape.clone());
      constants.put(name, known);
    }
    return known;
  }

  /**
   * Builds a part of the graph under an overlay; inside another one it takes the other's place. Two
   * parts over the same parameters may have different overlays.
   */
  public <T> T with(Overlay overlay, Supplier<T> body) {
    overlays.push(overlay);
    try {
      return body.get();
    } finally {
      overlays.pop();
    }
  }

  /** The result y of a map of x with what the overlay in force adds; layers call it. */
  public SDVariable overlaid(Overlay.WeightedMap map, SDVariable x, SDVariable y) {
    return overlays.isEmpty() ? y : overlays.peek().add(this, map, x, y);
  }

  /**
   * Random numbers that a {@link Plan} draws at each run; with {@code sd.output} the values must be
   * fed.
   */
  SDVariable noise(String name, Noise kind, long... shape) {
    if (block != null && block.replays()) {
      return block.replayedNoise();
    }
    SDVariable variable = placeholder(name + "_" + unnamed++, shape);
    noise.put(variable.name(), kind);
    if (block != null) {
      block.drew(variable);
    }
    return variable;
  }

  /** Standard normal numbers, drawn anew at each run of a {@link Plan}. */
  public SDVariable normalNoise(String name, long... shape) {
    return noise(name, new Noise(Noise.Kind.NORMAL, 1), shape);
  }

  /** Uniform numbers in [0, 1), drawn anew at each run of a {@link Plan}. */
  public SDVariable uniformNoise(String name, long... shape) {
    return noise(name, new Noise(Noise.Kind.UNIFORM, 1), shape);
  }

  /**
   * Declares that a training step replaces {@code buffer} by {@code value}, as batch norm does with
   * running statistics.
   */
  public void update(SDVariable buffer, SDVariable value) {
    Check.that(
        buffers.containsKey(buffer.name()), "%s is not a buffer of this graph", buffer.name());
    if (!guests.isEmpty()) {
      return; // the state of a guest is its own
    }
    if (block == null || !block.replays()) {
      updates.put(buffer.name(), value);
    }
  }

  /**
   * From now on gradients compute every {@link #block} again, instead of keeping its activations
   * from the forward pass: less memory for about a third more time.
   */
  public void recomputeBlocks() {
    recomputing = true;
  }

  /**
   * Adds a block, a part of a model that repeats: with {@link #recomputeBlocks} in a training graph
   * it is the unit of recomputation, else nothing but {@code body}. A block inside a block belongs
   * to the outer one.
   *
   * @param body adds the block's ops; it is called a second time for the gradient and must then add
   *     the same
   */
  public SDVariable block(SDVariable x, UnaryOperator<SDVariable> body) {
    return recomputing && training && block == null
        ? Recomputation.add(this, x, body)
        : body.apply(x);
  }

  /** Collects the ops of a recomputed block. */
  SDVariable within(Recomputation now, List<Node> into, Supplier<SDVariable> body) {
    block = now;
    open.push(into);
    try {
      return body.get();
    } finally {
      open.pop();
      block = null;
    }
  }

  /** Appends a finished node. */
  void append(Node node) {
    open.peek().add(node);
  }

  /** Gives {@code variable} a name of its own, for outputs and losses. */
  public SDVariable name(SDVariable variable, String name) {
    if (block != null && block.replays()) {
      return variable;
    }
    Check.that(!shapes.containsKey(name), "the graph has a variable %s already", name);
    SDVariable named = ops.identity(variable);
    shapes.put(name, shapes.remove(named.name()));
    named.rename(name);
    return named;
  }

  /** The variable called {@code name}. */
  public SDVariable variable(String name) {
    Check.that(shapes.containsKey(name), "the graph has no variable %s", name);
    return sameDiff.getVariable(name);
  }

  /** Trainable weights in order of creation. */
  public List<SDVariable> parameters() {
    return List.copyOf(trainable.values());
  }

  /** Inputs that must be fed, by name. */
  public Map<String, SDVariable> inputs() {
    Map<String, SDVariable> fed = new LinkedHashMap<>(placeholders);
    fed.keySet().removeAll(noise.keySet());
    return fed;
  }

  /** Buffers that a training step replaces, with the variables that replace them. */
  public Map<String, SDVariable> updates() {
    return Collections.unmodifiableMap(updates);
  }

  Map<String, SDVariable> placeholders() {
    return placeholders;
  }

  Map<String, Noise> noise() {
    return noise;
  }

  boolean isConstant(String name) {
    return constants.containsKey(name);
  }

  boolean isStored(String name) {
    return trainable.containsKey(name) || buffers.containsKey(name);
  }

  /** Remembers that {@code repeated} is {@code source} broadcast. */
  void repeats(SDVariable repeated, SDVariable source) {
    repeats.put(repeated.name(), source);
  }

  /** What {@code variable} is a broadcast of; null when it is none. */
  SDVariable repeated(SDVariable variable) {
    return repeats.get(variable.name());
  }

  List<Node> nodes() {
    return nodes;
  }

  /** Number of SameDiff ops, those inside regions included. */
  public int opCount() {
    return sameDiff.getOps().size();
  }

  /** Records a SameDiff op just made, with the shapes of its outputs and its gradient rule. */
  SDVariable[] record(
      String kind,
      SDVariable[] inputs,
      SDVariable[] outputs,
      long[][] outputShapes,
      GradientRule rule,
      double... attributes) {
    for (int i = 0; i < outputs.length; i++) {
      shapes.put(outputs[i].name(), outputShapes[i]);
    }
    DifferentialFunction op = sameDiff.getVariableOutputOp(outputs[0].name());
    String[] arguments = op.argNames();
    for (int i = 0; i < arguments.length; i++) {
      Check.that(
          i < inputs.length && arguments[i].equals(inputs[i].name()),
          "%s must list its inputs in the native order %s",
          kind,
          Arrays.toString(arguments));
    }
    open.peek()
        .add(new Node(kind, op, List.of(inputs), List.of(outputs), List.of(), attributes, rule));
    return outputs;
  }

  /** Collects the ops that {@code body} adds into one region. */
  SDVariable[] region(
      String kind,
      SDVariable[] inputs,
      double[] attributes,
      Supplier<SDVariable[]> body,
      Function<SDVariable[], GradientRule> rule) {
    List<Node> inner = new ArrayList<>();
    open.push(inner);
    SDVariable[] outputs;
    try {
      outputs = body.get();
    } finally {
      open.pop();
    }
    open.peek()
        .add(
            new Node(
                kind,
                null,
                List.of(inputs),
                List.of(outputs),
                inner,
                attributes,
                rule == null ? null : rule.apply(outputs)));
    return outputs;
  }
}
