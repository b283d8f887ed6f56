package io.lapidary.model;

import io.lapidary.Check;
import io.lapidary.InputException;
import io.lapidary.engine.Graph;
import io.lapidary.engine.Init;
import io.lapidary.engine.Ops;
import io.lapidary.engine.Parameters;
import io.lapidary.io.CheckpointFolder;
import io.lapidary.io.Dtype;
import io.lapidary.layer.EncoderBlock;
import io.lapidary.layer.Layers;
import io.lapidary.layer.LoraAdapters;
import io.lapidary.layer.PostNormBlock;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Bidirectional text encoders of the kinds in {@link TextFamily}: tables of tokens and positions, a
 * norm, post-norm blocks. A text's embedding is the mean over its tokens' states at unit length
 * (Reimers and Gurevych 2019). Layout and names are those of Hugging Face checkpoints; a pooling
 * layer in them is kept, but not used.
 *
 * <p>The graph-building method serves training; the array methods run plans that the model keeps
 * for the shapes used last. They may be called from several threads, one at a time runs.
 */
public final class TextEncoder implements AutoCloseable {
  private static final int LARGEST_BATCH = 64; // larger inputs run in pieces
  private static final double SMALLEST_NORM = 1e-12;

  private final TextEncoderConfig config;
  private final StoredWeights weights;
  private final LoraAdapters adapters;
  private final BatchRunner runner;

  private TextEncoder(TextEncoderConfig config, StoredWeights weights, LoraAdapters adapters) {
    this.config = config;
    this.weights = weights;
    this.adapters = Check.present("adapters", adapters);
    this.runner = new BatchRunner(weights.parameters(), LARGEST_BATCH, 8);
  }

  /** A model over a store; parameters that the store lacks are made when a graph asks for them. */
  public TextEncoder(TextEncoderConfig config, Parameters parameters) {
    this(
        Check.present("config", config),
        StoredWeights.of(Check.present("parameters", parameters), table(config)),
        LoraAdapters.NONE);
  }

  /** A fresh model of type FLOAT; same seed, same weights. */
  public static TextEncoder create(TextEncoderConfig config, long seed) {
    TextEncoder made = new TextEncoder(config, new Parameters(DataType.FLOAT, seed));
    made.sameDiff(1, 1);
    return made;
  }

  /**
   * Loads a Hugging Face folder.
   *
   * @throws InputException when a file, a tensor or a value is missing or does not fit
   */
  public static TextEncoder load(Path folder) {
    try (CheckpointFolder open = CheckpointFolder.open(folder)) {
      return load(open);
    }
  }

  /** Loads an open Hugging Face folder; see {@link #load(Path)}. */
  public static TextEncoder load(CheckpointFolder folder) {
    TextEncoderConfig config = TextEncoderConfig.of(HubConfig.of(folder));
    return new TextEncoder(config, StoredWeights.load(folder, table(config)), LoraAdapters.NONE);
  }

  /**
   * A model of given weights, which are closed; those it has no use for are left out.
   *
   * @param where the source, for messages
   */
  static TextEncoder of(TextEncoderConfig config, Map<String, INDArray> arrays, String where) {
    TensorTable table = table(config);
    Parameters parameters = new Parameters(DataType.FLOAT, 0);
    table
        .needed()
        .forEach(
            (name, shape) -> {
              INDArray array = arrays.get(name);
              if (array == null || !Arrays.equals(array.shape(), shape)) {
                throw InputException.of(
                    "%s: expected tensor %s %s, found %s",
                    where,
                    name,
                    Arrays.toString(shape),
                    array == null ? "none" : Arrays.toString(array.shape()));
              }
              parameters.adopt(name, array);
              arrays.remove(name);
            });
    arrays.values().forEach(INDArray::close);
    return new TextEncoder(config, parameters);
  }

  private static TensorTable table(TextEncoderConfig c) {
    TensorTable table = new TensorTable();
    long width = c.hiddenSize();
    table
        .put(TextFamily.WORDS + ".weight", c.vocabularySize(), width)
        .put(TextFamily.POSITIONS + ".weight", c.positions(), width);
    if (c.types() > 0) {
      table.put(TextFamily.TYPES + ".weight", c.types(), width);
    }
    table.norm(TextFamily.NORM, width);
    EncoderBlock.Names names = c.family().block();
    for (int i = 0; i < c.layers(); i++) {
      String at = TextFamily.BLOCKS + i + ".";
      table
          .linear(at + names.query(), width, width, true)
          .linear(at + names.key(), width, width, true)
          .linear(at + names.value(), width, width, true)
          .linear(at + names.out(), width, width, true)
          .norm(at + names.norm1(), width)
          .linear(at + names.first(), width, c.intermediateSize(), true)
          .linear(at + names.second(), c.intermediateSize(), width, true)
          .norm(at + names.norm2(), width);
    }
    if (c.buckets() > 0) {
      table.put(TextFamily.RELATIVE + ".weight", c.buckets(), c.heads());
    }
    return table
        .optional(TextFamily.POOLER + ".weight", width, width)
        .optional(TextFamily.POOLER + ".bias", width)
        .unread("(cls|lm_head|classifier)\\..*");
  }

  /**
   * Writes a folder that {@link #load} and the Python library read.
   *
   * @param type of the stored weights: F32, F16 or BF16
   */
  public void save(Path folder, Dtype type) {
    weights.save(folder, config.toJson(), type);
  }

  /** Sizes. */
  public TextEncoderConfig config() {
    return config;
  }

  /** Live weights, shared by all graphs of this model. */
  public Parameters parameters() {
    return weights.parameters();
  }

  /** The same weights under adapters: graphs of the result have them, those of this model not. */
  public TextEncoder with(LoraAdapters others) {
    return new TextEncoder(config, weights, others);
  }

  // ---- graphs -------------------------------------------------------------------------------

  /**
   * What the encoder computes; a plan runs only what is asked of it.
   *
   * @param hiddenStates states [B, T, hidden]: entry 0 what enters the blocks, entry n after block
   *     n
   * @param mean mean of the last states over the real tokens [B, hidden]
   * @param sentence the mean at unit length [B, hidden]
   */
  public record Output(List<SDVariable> hiddenStates, SDVariable mean, SDVariable sentence) {
    /** Final states [B, T, hidden]. */
    public SDVariable lastHidden() {
      return hiddenStates.get(hiddenStates.size() - 1);
    }
  }

  /**
   * Adds the encoder to a graph.
   *
   * @param ids token ids [B, T] of type INT
   * @param mask 1 for real tokens and 0 for padding [B, T] of the graph's type
   */
  public Output build(Graph g, SDVariable ids, SDVariable mask) {
    long[] shape = g.shape(ids);
    Check.that(
        shape.length == 2 && Arrays.equals(shape, g.shape(mask)),
        "ids and mask must be [B, T], got %s and %s",
        Arrays.toString(shape),
        Arrays.toString(g.shape(mask)));
    Check.that(
        shape[1] <= config.longest(),
        "texts may have %d tokens, got %d",
        config.longest(),
        shape[1]);
    return adapters.over(g, () -> layers(g, ids, mask));
  }

  private Output layers(Graph g, SDVariable ids, SDVariable mask) {
    SDVariable x = embed(g, ids);
    List<SDVariable> states = new ArrayList<>();
    states.add(x);
    int tokens = Math.toIntExact(g.size(ids, 1));
    SDVariable bias =
        config.buckets() > 0
            ? config.relative().bias(g, TextFamily.RELATIVE, tokens, config.heads())
            : null;
    PostNormBlock block = config.block();
    for (int i = 0; i < config.layers(); i++) {
      String name = TextFamily.BLOCKS + i;
      x = g.point(name, block.apply(g, name, x, mask, bias));
      states.add(x);
    }
    SDVariable mean = TextPooling.MEAN.apply(g, x, mask);
    return new Output(List.copyOf(states), mean, g.ops().l2Normalize(mean, -1, SMALLEST_NORM));
  }

  private SDVariable embed(Graph g, SDVariable ids) {
    Ops ops = g.ops();
    long width = config.hiddenSize();
    long tokens = g.size(ids, 1);
    SDVariable x = Layers.embedding(g, TextFamily.WORDS, ids, config.vocabularySize(), width);
    if (config.family() == TextFamily.MPNET) {
      SDVariable rows = ops.cast(countedPositions(g, ids), DataType.INT);
      x = ops.add(x, Layers.embedding(g, TextFamily.POSITIONS, rows, config.positions(), width));
    } else {
      x = Layers.addPositions(g, TextFamily.POSITIONS, x, config.positions());
      // every token is of type 0, the first text of BERT's pairs
      SDVariable types =
          g.parameter(TextFamily.TYPES + ".weight", Init.normal(0.02), config.types(), width);
      x = ops.add(x, ops.reshape(ops.slice(types, 0, 0, 1), 1, 1, width));
    }
    Check.that(tokens > 0, "texts need at least one token");
    return Layers.layerNorm(g, TextFamily.NORM, x, config.epsilon());
  }

  /** Real tokens count from the id after the padding's; padding stays at the padding id. */
  private SDVariable countedPositions(Graph g, SDVariable ids) {
    Ops ops = g.ops();
    SDVariable values = ops.cast(ids, g.type());
    SDVariable real = ops.rsub(1, ops.equal(values, g.constant(config.padToken())));
    return ops.add(ops.mul(ops.cumsum(real, 1), real), config.padToken());
  }

  /**
   * The encoder as one SameDiff graph over the live weights, for {@code batch} texts of {@code
   * tokens} ids: inputs {@code input_ids} (INT) and {@code attention_mask} (of the weights' type),
   * outputs {@code last_hidden_state} and {@code sentence_embedding}.
   */
  public SameDiff sameDiff(int batch, int tokens) {
    Graph g = new Graph(parameters(), false);
    SDVariable ids = g.placeholder("input_ids", DataType.INT, batch, tokens);
    Output out = build(g, ids, g.placeholder("attention_mask", batch, tokens));
    g.name(out.sentence(), "sentence_embedding");
    g.name(out.lastHidden(), "last_hidden_state");
    return g.sameDiff();
  }

  // ---- arrays -------------------------------------------------------------------------------

  /**
   * Final states [B, T, hidden]; the caller closes them.
   *
   * @param ids token ids [B, T], of type INT or LONG
   * @param mask 1 for real tokens and 0 for padding [B, T], of any type
   * @throws IndexOutOfBoundsException naming the first id outside the vocabulary
   */
  public INDArray tokenStates(INDArray ids, INDArray mask) {
    return run("states", ids, mask, out -> List.of(out.lastHidden())).get(0);
  }

  /** States after the tables and after each block; see {@link #tokenStates}. */
  public List<INDArray> hiddenStates(INDArray ids, INDArray mask) {
    return run("all", ids, mask, Output::hiddenStates);
  }

  /** Means of the final states over the real tokens [B, hidden]; see {@link #tokenStates}. */
  public INDArray meanPooled(INDArray ids, INDArray mask) {
    return run("mean", ids, mask, out -> List.of(out.mean())).get(0);
  }

  /** Embeddings of unit length [B, hidden]; see {@link #tokenStates}. */
  public INDArray sentenceEmbeddings(INDArray ids, INDArray mask) {
    return run("sentence", ids, mask, out -> List.of(out.sentence())).get(0);
  }

  /**
   * One vector per text [B, hidden]; see {@link #tokenStates}.
   *
   * @param unitLength whether vectors are scaled to unit length
   */
  public INDArray pooled(INDArray ids, INDArray mask, TextPooling pooling, boolean unitLength) {
    return run(
            pooling + (unitLength ? " of unit length" : ""),
            ids,
            mask,
            (g, realTokens, out) -> {
              SDVariable vector = pooling.apply(g, out.lastHidden(), realTokens);
              return List.of(unitLength ? g.ops().l2Normalize(vector, -1, SMALLEST_NORM) : vector);
            })
        .get(0);
  }

  /** What to take from the graph of the encoder. */
  @FunctionalInterface
  private interface Wanted {
    List<SDVariable> of(Graph g, SDVariable mask, Output out);
  }

  private List<INDArray> run(
      String task, INDArray ids, INDArray mask, Function<Output, List<SDVariable>> outputs) {
    return run(task, ids, mask, (g, realTokens, out) -> outputs.apply(out));
  }

  private List<INDArray> run(String task, INDArray ids, INDArray mask, Wanted outputs) {
    Check.that(
        ids.rank() == 2 && ids.dataType().isIntType(),
        "ids must be integers [B, T], got %s %s",
        ids.dataType(),
        Arrays.toString(ids.shape()));
    Check.that(
        Arrays.equals(ids.shape(), mask.shape()),
        "ids and mask must have one shape, got %s and %s",
        Arrays.toString(ids.shape()),
        Arrays.toString(mask.shape()));
    return runner.run(
        task,
        List.of(
            new BatchRunner.Input(DataType.INT, ids),
            new BatchRunner.Input(parameters().type(), mask)),
        (g, inputs) -> outputs.of(g, inputs.get(1), build(g, inputs.get(0), inputs.get(1))));
  }

  /** Frees the plans; the weights stay. */
  @Override
  public void close() {
    runner.close();
  }
}
