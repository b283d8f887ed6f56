package io.lapidary.model;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.lapidary.Check;
import io.lapidary.InputException;
import io.lapidary.engine.ActivationEdit;
import io.lapidary.engine.ActivationEdits;
import io.lapidary.engine.Graph;
import io.lapidary.engine.Ops;
import io.lapidary.engine.Parameters;
import io.lapidary.io.CheckpointFolder;
import io.lapidary.io.Dtype;
import io.lapidary.layer.LoraAdapters;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A decoder language model of the families gpt2, llama, mistral, qwen2, phi and phi3. Layout and
 * names are those of Hugging Face checkpoints; blocks may differ in their sizes.
 *
 * <p>The graph-building methods serve training; the array methods run plans that the model keeps
 * for the shapes used last. They may be called from several threads, one at a time runs.
 */
public final class CausalLm implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(CausalLm.class);

  /** Label of a token that the loss leaves out. */
  public static final int IGNORED = -100;

  private static final String IDS = "input_ids";
  private static final String MASK = "attention_mask";

  private final LmConfig config;
  private final Parameters parameters;
  private final String prefix;
  private final LoraAdapters adapters;
  private final Decoder decoder;
  private final Origin origin;
  private final PlanCache plans = new PlanCache(8);

  /** What a loaded model remembers of its folder, so that it can be written back alike. */
  private record Origin(
      ObjectNode json, LmConfig config, Map<String, String> storedNames, Dtype dtype) {}

  private CausalLm(
      LmConfig config, Parameters parameters, String prefix, LoraAdapters adapters, Origin origin) {
    this.config = Check.present("config", config);
    this.parameters = Check.present("parameters", parameters);
    this.prefix = Check.present("prefix", prefix);
    this.adapters = Check.present("adapters", adapters);
    this.decoder = new Decoder(config, prefix, adapters);
    this.origin = origin;
  }

  /** A model over a store; parameters that the store lacks are made when a graph asks for them. */
  public CausalLm(LmConfig config, Parameters parameters) {
    this(config, parameters, "");
  }

  /**
   * As {@link #CausalLm(LmConfig, Parameters)}, as part of a larger model.
   *
   * @param prefix before all names in the store, such as {@code language_model.}
   */
  public CausalLm(LmConfig config, Parameters parameters, String prefix) {
    this(config, parameters, prefix, LoraAdapters.NONE, null);
  }

  /** A fresh model of type FLOAT; same seed, same weights. */
  public static CausalLm create(LmConfig config, long seed) {
    CausalLm lm = new CausalLm(config, new Parameters(DataType.FLOAT, seed));
    lm.graph(1, 1, false);
    return lm;
  }

  /**
   * Loads a Hugging Face folder.
   *
   * @throws InputException when a file, a tensor or a value is missing or does not fit, the model
   *     type is not supported, or the weights are quantised
   */
  public static CausalLm load(Path folder) {
    try (CheckpointFolder open = CheckpointFolder.open(folder)) {
      return load(open);
    }
  }

  /** Loads an open Hugging Face folder; see {@link #load(Path)}. */
  public static CausalLm load(CheckpointFolder folder) {
    ObjectNode json = folder.config();
    LmConfig config =
        LmConfig.of(
            GenerationSettings.over(folder),
            folder.folder().resolve(folder.layout().configFile()).toString());
    String head = LmFamily.HEAD + ".weight";
    String table = config.family().names().embedding() + ".weight";
    Map<String, long[]> expected = Decoder.shapes(config);
    boolean headOnly = config.tied() && !folder.has(table) && folder.has(head);
    if (headOnly) {
      expected.put(head, expected.remove(table));
    }
    Parameters parameters = new Parameters(DataType.FLOAT, 0);
    Map<String, String> stored = new LinkedHashMap<>();
    folder.readEach(
        expected,
        DataType.FLOAT,
        name -> config.tied() && name.endsWith(head),
        (name, array) -> {
          String own = headOnly && name.equals(head) ? table : name;
          parameters.adopt(own, array);
          stored.put(own, folder.resolve(name).orElse(name));
        });
    if (config.tied() && !headOnly && folder.has(head)) {
      warnOfOtherHead(folder, head, parameters.get(table));
    }
    Dtype dtype = folder.info(expected.keySet().iterator().next()).dtype();
    Origin origin = new Origin(json, config, stored, dtype);
    return new CausalLm(config, parameters, "", LoraAdapters.NONE, origin);
  }

  private static void warnOfOtherHead(CheckpointFolder folder, String head, INDArray table) {
    try (INDArray other = folder.read(head, DataType.FLOAT)) {
      if (!other.equals(table)) {
        LOG.warn(
            "{}: lm_head.weight differs from the token table, but the configuration ties them; the"
                + " token table is used",
            folder.folder());
      }
    }
  }

  /**
   * Writes a folder that {@link #load} and the Python library read. A loaded model keeps the names
   * and the configuration of its folder; only changed sizes are written anew.
   *
   * @param type of the stored weights: F32, F16 or BF16; null for that of the folder it came from,
   *     F32 for a fresh model
   */
  public void save(Path folder, Dtype type) {
    Map<String, INDArray> arrays = new LinkedHashMap<>();
    for (String name : Decoder.shapes(config).keySet()) {
      String stored = origin == null ? name : origin.storedNames.getOrDefault(name, name);
      arrays.put(stored, parameters.get(prefix + name));
    }
    ObjectNode json = config.toJson();
    if (origin != null) {
      json = origin.json.deepCopy();
      if (!origin.config.equals(config)) {
        json.setAll(config.toJson());
      }
    }
    Dtype own = origin == null ? Dtype.F32 : origin.dtype;
    CheckpointFolder.save(folder, json, arrays, type == null ? own : type);
  }

  /** Sizes. */
  public LmConfig config() {
    return config;
  }

  /** Live weights, shared by all graphs of this model. */
  public Parameters parameters() {
    return parameters;
  }

  /** Names of the weights in the store, in the order of the blocks; adapters are left out. */
  public List<String> weightNames() {
    return Decoder.shapes(config).keySet().stream().map(name -> prefix + name).toList();
  }

  /** The same weights under adapters: graphs of the result have them, those of this model not. */
  public CausalLm with(LoraAdapters others) {
    return new CausalLm(config, parameters, prefix, others, origin);
  }

  String prefix() {
    return prefix;
  }

  /**
   * Name of the activation after block {@code index}, from 0, for {@link
   * io.lapidary.engine.ActivationEdits}.
   */
  public String block(int index) {
    Check.between("block", index, 0, config.layers().size() - 1);
    return prefix + config.family().names().block() + index;
  }

  /** The row of the token table, live. */
  INDArray embedding(int id) {
    String table = prefix + config.family().names().embedding() + ".weight";
    return parameters.get(table).getRow(id);
  }

  Decoder decoder() {
    return decoder;
  }

  // ---- graphs -------------------------------------------------------------------------------

  /** Token embeddings [B, T, hidden] of ids [B, T] of type INT. */
  public SDVariable embed(Graph g, SDVariable ids) {
    return decoder.embed(g, ids);
  }

  /**
   * States [B, T, hidden] before the first block and after every block, the last one normed, as the
   * Python library lists them.
   *
   * @param embeddings token embeddings [B, T, hidden]
   * @param padding 1 for real tokens and 0 for padding [B, T] of the graph's type, or null;
   *     positions count from the first real token
   */
  public List<SDVariable> hiddenStates(Graph g, SDVariable embeddings, SDVariable padding) {
    int tokens = Math.toIntExact(g.size(embeddings, 1));
    SDVariable positions = padding == null ? null : Decoder.positions(g, padding);
    return decoder.blocks(g, embeddings, Decoder.Context.of(tokens, positions, padding), null);
  }

  /** The last of {@link #hiddenStates} for ids [B, T]. */
  public SDVariable lastHidden(Graph g, SDVariable ids, SDVariable padding) {
    List<SDVariable> states = hiddenStates(g, embed(g, ids), padding);
    return states.get(states.size() - 1);
  }

  /** Logits [..., vocabulary] of normed states [..., hidden]. */
  public SDVariable logits(Graph g, SDVariable lastHidden) {
    return decoder.logits(g, lastHidden);
  }

  /**
   * Mean cross-entropy of every next token.
   *
   * @param ids [B, T]
   * @param labels the token that each position holds [B, T], {@link #IGNORED} for those to leave
   *     out; null for {@code ids}. The model predicts label t from ids before t
   * @param padding as in {@link #hiddenStates}
   */
  public SDVariable loss(Graph g, SDVariable ids, SDVariable labels, SDVariable padding) {
    return loss(g, ids, labels, padding, Ops.Reduction.MEAN);
  }

  /**
   * As {@link #loss(Graph, SDVariable, SDVariable, SDVariable)}; with {@code NONE} one value per
   * next token [B · (T − 1)], 0 where it is left out.
   */
  public SDVariable loss(
      Graph g, SDVariable ids, SDVariable labels, SDVariable padding, Ops.Reduction reduction) {
    Ops ops = g.ops();
    long batch = g.size(ids, 0);
    long next = g.size(ids, 1) - 1;
    Check.that(next > 0, "a text needs at least two tokens for a next-token loss");
    SDVariable before = ops.slice(lastHidden(g, ids, padding), 1, 0, next);
    SDVariable logits = logits(g, ops.reshape(before, batch * next, config.hiddenSize()));
    SDVariable targets = ops.reshape(ops.slice(labels == null ? ids : labels, 1, 1, next), -1);
    return labels == null && reduction == Ops.Reduction.MEAN
        ? ops.crossEntropy(logits, targets)
        : ops.crossEntropy(logits, targets, 0, IGNORED, reduction);
  }

  private Graph graph(int batch, int tokens, boolean padded) {
    Graph g = new Graph(parameters, false);
    SDVariable ids = g.placeholder(IDS, DataType.INT, batch, tokens);
    SDVariable mask = padded ? g.placeholder(MASK, batch, tokens) : null;
    List<SDVariable> states = hiddenStates(g, embed(g, ids), mask);
    for (int i = 0; i < states.size(); i++) {
      g.name(states.get(i), "hidden_states." + i);
    }
    g.name(logits(g, states.get(states.size() - 1)), "logits");
    return g;
  }

  /**
   * The model as one SameDiff graph over the live weights: input {@code input_ids} [batch, tokens],
   * outputs {@code hidden_states.N} and {@code logits}.
   */
  public SameDiff sameDiff(int batch, int tokens) {
    return graph(batch, tokens, false).sameDiff();
  }

  // ---- arrays -------------------------------------------------------------------------------

  /** Logits [B, T, vocabulary] of ids [B, T]; the caller closes them. */
  public INDArray logits(INDArray ids) {
    return logits(ids, null);
  }

  /**
   * Logits [B, T, vocabulary]; the caller closes them. Those of padding mean nothing.
   *
   * @param ids token ids [B, T], of type INT or LONG
   * @param mask 1 for real tokens and 0 for padding [B, T], or null
   * @throws IndexOutOfBoundsException naming the first id outside the vocabulary
   */
  public INDArray logits(INDArray ids, INDArray mask) {
    return run("logits", ids, mask, List.of("logits")).get(0);
  }

  /** States of every layer, as {@link #hiddenStates(Graph, SDVariable, SDVariable)} lists them. */
  public List<INDArray> hiddenStates(INDArray ids, INDArray mask) {
    List<String> names = new ArrayList<>();
    for (int i = 0; i <= config.layers().size(); i++) {
      names.add("hidden_states." + i);
    }
    return run("hidden_states", ids, mask, names);
  }

  /**
   * What block {@code index}, from 0, puts out [B, T, hidden] for ids [B, T], before any norm that
   * follows; the caller closes it.
   */
  public synchronized INDArray blockOutput(INDArray ids, int index) {
    String point = block(index);
    PlanCache.Entry entry =
        plans.get(
            "block " + index + Arrays.toString(ids.shape()),
            () -> {
              Graph g = new Graph(parameters, false);
              SDVariable input = g.placeholder(IDS, DataType.INT, ids.size(0), ids.size(1));
              List<SDVariable> seen = new ArrayList<>();
              ActivationEdit look =
                  (graph, x) -> {
                    seen.add(x);
                    return x;
                  };
              ActivationEdits.of(point, look).over(g, () -> hiddenStates(g, embed(g, input), null));
              return PlanCache.Entry.of(g, seen);
            });
    entry.plan().run(Map.of(IDS, ids));
    return entry.plan().output(entry.outputs().get(0)).dup('c');
  }

  private synchronized List<INDArray> run(
      String task, INDArray ids, INDArray mask, List<String> outputs) {
    Check.that(
        ids.rank() == 2 && ids.dataType().isIntType() && !ids.isEmpty(),
        "ids must be integers [B, T], got %s %s",
        ids.dataType(),
        Arrays.toString(ids.shape()));
    Check.that(
        mask == null || Arrays.equals(mask.shape(), ids.shape()),
        "the mask must have the shape %s of the ids",
        Arrays.toString(ids.shape()));
    PlanCache.Entry entry =
        plans.get(
            task + Arrays.toString(ids.shape()) + (mask != null),
            () -> {
              Graph g = graph((int) ids.size(0), (int) ids.size(1), mask != null);
              return PlanCache.Entry.of(g, outputs.stream().map(g::variable).toList());
            });
    entry.plan().run(mask == null ? Map.of(IDS, ids) : Map.of(IDS, ids, MASK, mask));
    return entry.outputs().stream().map(o -> entry.plan().output(o).dup('c')).toList();
  }

  /** Frees the plans; the weights stay. */
  @Override
  public synchronized void close() {
    plans.close();
  }
}
