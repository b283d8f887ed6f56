package io.lapidary.model;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.lapidary.Check;
import io.lapidary.InputException;
import io.lapidary.engine.ActivationEdits;
import io.lapidary.engine.Graph;
import io.lapidary.engine.Ops;
import io.lapidary.engine.Parameters;
import io.lapidary.io.CheckpointFolder;
import io.lapidary.io.Dtype;
import io.lapidary.io.ImageProcessor;
import io.lapidary.io.Tokenizer;
import io.lapidary.layer.Layers;
import io.lapidary.layer.LoraAdapters;
import io.lapidary.layer.Splice;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * LLaVA (Liu et al. 2023): an image tower whose patch states pass a projector and stand between the
 * token embeddings of a decoder. Layout and names are those of Hugging Face checkpoints.
 *
 * <p>The graph-building methods serve training; the array methods run plans that the model keeps
 * for the shapes used last. They may be called from several threads, one at a time runs.
 */
public final class VisionLanguageModel implements AutoCloseable {
  static final String PROJECTOR = "multi_modal_projector.";
  private static final String LANGUAGE = "language_model.";
  private static final String TOWER = "vision_tower.vision_model.";

  private static final String HEAD_BIAS = LANGUAGE + LmFamily.HEAD + ".bias";
  static final String NEWLINE = "model.image_newline"; // kept, not used

  private static final String IDS = "input_ids";
  private static final String PIXELS = "pixel_values";
  private static final String SOURCES = "sources";
  private static final String LABELS = "labels";
  private static final String MASK = "attention_mask";

  private final VisionLanguageConfig config;
  private final Parameters parameters;
  private final CausalLm language;
  private final Generator generator;
  private final Origin origin;
  private final LoraAdapters adapters;
  private final ActivationEdits edits;
  private final PlanCache plans = new PlanCache(6);

  /** What a loaded model remembers of its folder, so that it can be written back alike. */
  private record Origin(
      ObjectNode json,
      VisionLanguageConfig config,
      VisionLanguageLayout layout,
      Set<String> names,
      Dtype dtype) {}

  private VisionLanguageModel(
      VisionLanguageConfig config,
      Parameters parameters,
      Origin origin,
      LoraAdapters adapters,
      ActivationEdits edits) {
    this.config = Check.present("config", config);
    this.parameters = Check.present("parameters", parameters);
    this.adapters = Check.present("adapters", adapters);
    this.language = new CausalLm(config.text(), parameters, LANGUAGE).with(adapters);
    this.generator = new Generator(language);
    this.origin = origin;
    this.edits = Check.present("edits", edits);
  }

  /** A model over a store; parameters that the store lacks are made when a graph asks for them. */
  public VisionLanguageModel(VisionLanguageConfig config, Parameters parameters) {
    this(config, parameters, null, LoraAdapters.NONE, ActivationEdits.NONE);
  }

  /** A fresh model of type FLOAT; same seed, same weights. */
  public static VisionLanguageModel create(VisionLanguageConfig config, long seed) {
    VisionLanguageModel made =
        new VisionLanguageModel(config, new Parameters(DataType.FLOAT, seed));
    Graph g = new Graph(made.parameters, false);
    made.imageFeatures(g, made.pixels(g, 1));
    made.language.sameDiff(1, 1);
    return made;
  }

  /**
   * Loads a Hugging Face folder.
   *
   * @throws io.lapidary.InputException when a file, a tensor or a value is missing or does not fit
   */
  public static VisionLanguageModel load(Path folder) {
    try (CheckpointFolder open = CheckpointFolder.open(folder)) {
      return load(open);
    }
  }

  /** Loads an open folder; see {@link #load(Path)}. */
  public static VisionLanguageModel load(CheckpointFolder folder) {
    return load(folder, null);
  }

  /**
   * As {@link #load(CheckpointFolder)}. Folders in the layout of LLaVA's authors name their image
   * tower only and seldom hold its weights.
   *
   * @param tower folder of the image tower; null for one in or beside {@code folder} that has the
   *     name in its configuration
   */
  public static VisionLanguageModel load(CheckpointFolder folder, Path tower) {
    if (VisionLanguageConfig.isOriginal(folder.config())) {
      return loadOriginal(folder, tower);
    }
    if (tower != null) {
      throw InputException.of(
          "%s: holds its own image tower, so none can be given", folder.folder());
    }
    String where = folder.folder().resolve(folder.layout().configFile()).toString();
    VisionLanguageConfig read = VisionLanguageConfig.of(GenerationSettings.over(folder), where);
    VisionLanguageLayout layout = VisionLanguageLayout.of(folder);
    String head = layout.tower() + read.vision().family().names().head() + ".probe";
    VisionLanguageConfig config =
        read.withVision(
            read.vision().withHead(read.vision().head() && folder.names().contains(head)));
    return read(folder, config, layout, new Parameters(DataType.FLOAT, 0));
  }

  private static VisionLanguageModel loadOriginal(CheckpointFolder folder, Path given) {
    String where = folder.folder().resolve(folder.layout().configFile()).toString();
    Path tower = given != null ? given : towerBeside(folder);
    VisionLanguageLayout layout = VisionLanguageLayout.original(folder);
    Parameters parameters = new Parameters(DataType.FLOAT, 0);
    try (VisionEncoder encoder = VisionEncoder.load(tower)) {
      VisionLanguageConfig config =
          VisionLanguageConfig.original(GenerationSettings.over(folder), where, encoder.config());
      if (layout.tower() == null) {
        TensorTable table = new TensorTable();
        VisionTensors.add(table, "", config.vision());
        for (String name : table.needed().keySet()) {
          parameters.adopt(TOWER + name, encoder.parameters().get(name));
        }
      }
      return read(folder, config, layout, parameters);
    }
  }

  /** Whether a folder holds a model of this kind. */
  public static boolean reads(CheckpointFolder folder) {
    ObjectNode json = folder.config();
    return folder.layout() == CheckpointFolder.Layout.TRANSFORMERS
        && (VisionLanguageConfig.isOriginal(json)
            || json.path("model_type").asText().equals("llava"));
  }

  /**
   * How pictures become the pixels of a model: as its folder or its tower's says, or as CLIP does.
   *
   * @param tower as in {@link #load(CheckpointFolder, Path)}
   */
  public static ImageProcessor imageProcessor(CheckpointFolder folder, Path tower) {
    ObjectNode json = folder.config();
    if (!VisionLanguageConfig.isOriginal(json)) {
      String where = folder.folder().resolve(folder.layout().configFile()).toString();
      int size = VisionLanguageConfig.of(json, where).vision().imageSize();
      return imageProcessor(folder.folder(), size);
    }
    ImageProcessor of;
    Path place = tower != null ? tower : towerBeside(folder);
    try (VisionEncoder encoder = VisionEncoder.load(place)) {
      of = imageProcessor(place, encoder.config().imageSize());
    }
    String ratio = json.path("image_aspect_ratio").asText("square");
    return switch (ratio) {
      case "pad" ->
          new ImageProcessor(
              of.size(),
              ImageProcessor.Fit.PAD_TO_SQUARE,
              of.size(),
              of.filter(),
              of.mean(),
              of.std());
      case "square", "null" -> of;
      default ->
          throw InputException.of(
              "%s: image_aspect_ratio %s is not supported",
              folder.folder(), ratio.replaceAll("\\p{Cntrl}", "?"));
    };
  }

  private static ImageProcessor imageProcessor(Path folder, int size) {
    Path file = folder.resolve("preprocessor_config.json");
    return Files.exists(file) ? ImageProcessor.read(file) : ImageProcessor.clip(size);
  }

  /** The folder with the last part of the tower's name, such as clip-vit-large-patch14-336. */
  static Path towerBeside(CheckpointFolder folder) {
    String name = folder.config().path("mm_vision_tower").asText("");
    String last = name.substring(name.lastIndexOf('/') + 1);
    if (last.matches("\\w[\\w.-]*")) {
      for (Path place :
          List.of(
              folder.folder().resolve(last),
              folder.folder().toAbsolutePath().resolveSibling(last))) {
        if (Files.isDirectory(place)) {
          return place;
        }
      }
    }
    throw InputException.of(
        "%s: its image tower (mm_vision_tower %s) is neither in nor beside the folder; name the"
            + " tower's folder with --vision-tower",
        folder.folder(), name.replaceAll("\\p{Cntrl}", "?"));
  }

  private static VisionLanguageModel read(
      CheckpointFolder folder,
      VisionLanguageConfig config,
      VisionLanguageLayout layout,
      Parameters parameters) {
    Map<String, long[]> shapes = shapes(config);
    Map<String, String> own = new HashMap<>();
    Map<String, long[]> expected = new LinkedHashMap<>();
    if (folder.names().contains(NEWLINE)) {
      shapes.put(NEWLINE, new long[] {config.text().hiddenSize()});
    }
    Map<String, String> storedNames = layout.storedNames(shapes.keySet());
    // the Python library leaves this bias of phi out
    boolean noBias = !folder.names().contains(storedNames.get(HEAD_BIAS));
    storedNames.forEach(
        (name, stored) -> {
          if (!(noBias && name.equals(HEAD_BIAS))) {
            own.put(stored, name);
            expected.put(stored, shapes.get(name));
          }
        });
    String tied = layout.head() + LmFamily.HEAD + ".weight";
    folder.readEach(
        expected,
        DataType.FLOAT,
        name -> config.text().tied() && name.equals(tied),
        (name, array) -> parameters.adopt(own.get(name), array));
    Dtype dtype = folder.info(expected.keySet().iterator().next()).dtype();
    return new VisionLanguageModel(
        config,
        parameters,
        new Origin(folder.config(), config, layout, Set.copyOf(own.values()), dtype),
        LoraAdapters.NONE,
        ActivationEdits.NONE);
  }

  /** Shapes of all tensors by their names in the model. */
  private static Map<String, long[]> shapes(VisionLanguageConfig config) {
    Map<String, long[]> all = new LinkedHashMap<>();
    Decoder.shapes(config.text()).forEach((name, shape) -> all.put(LANGUAGE + name, shape));
    TensorTable table = new TensorTable();
    VisionTensors.add(table, TOWER, config.vision());
    long in = config.featureSize();
    for (String name : config.projectorNames()) {
      table.linear(name, in, config.text().hiddenSize(), config.projectorBias());
      in = config.text().hiddenSize();
    }
    all.putAll(table.needed());
    return all;
  }

  /**
   * Writes a folder that {@link #load} and the Python library read. A loaded model keeps the names
   * and the configuration of its folder; only changed sizes are written anew.
   *
   * @param type of the stored weights: F32, F16 or BF16; null for that of the folder it came from,
   *     F32 for a fresh model
   */
  public void save(Path folder, Dtype type) {
    VisionLanguageLayout layout = origin == null ? VisionLanguageLayout.OWN : origin.layout;
    Map<String, INDArray> arrays = new LinkedHashMap<>();
    List<String> names = new ArrayList<>(weightNames());
    if (origin != null) {
      names.add(NEWLINE);
      names.retainAll(origin.names);
    }
    layout.storedNames(names).forEach((name, stored) -> arrays.put(stored, parameters.get(name)));
    ObjectNode json = origin == null ? config.toJson() : null;
    if (origin != null) {
      json = origin.json.deepCopy();
      if (!origin.config.text().equals(config.text())) {
        ObjectNode text = config.text().toJson();
        if (VisionLanguageConfig.isOriginal(json)) {
          json.setAll((ObjectNode) text.without(List.of("model_type", "architectures")));
        } else {
          json.withObject("/text_config").setAll(text);
        }
      }
    }
    Dtype own = origin == null ? Dtype.F32 : origin.dtype;
    CheckpointFolder.save(folder, json, arrays, type == null ? own : type);
  }

  /**
   * The same weights with edited activations of the image tower, besides the edits of this model:
   * graphs of the result have them. See {@link #towerBlock} for their names.
   */
  public VisionLanguageModel with(ActivationEdits others) {
    return new VisionLanguageModel(config, parameters, origin, adapters, edits.and(others));
  }

  /**
   * The same weights under adapters of the tower, the projector and the decoder: graphs of the
   * result have them, those of this model not. They are made and read by {@link LoraAdapter} over
   * {@link LoraBase#of(VisionLanguageModel)}.
   */
  public VisionLanguageModel with(LoraAdapters others) {
    return new VisionLanguageModel(config, parameters, origin, others, edits);
  }

  /** How adapter files spell the names of this model. */
  VisionLanguageLayout adapterLayout() {
    boolean original = origin != null && VisionLanguageConfig.isOriginal(origin.json);
    return original ? origin.layout : VisionLanguageLayout.LIVE;
  }

  /** Name of the activation after block {@code index} of the image tower, from 0. */
  public String towerBlock(int index) {
    Check.between("block", index, 0, config.vision().layers() - 1);
    return TOWER + config.vision().family().names().blocks() + index;
  }

  /** The last block of the image tower, from 0, whose output the projector reads. */
  public int lastReadBlock() {
    int state = config.featureLayers().stream().mapToInt(config::state).max().orElseThrow();
    Check.that(state > 0, "the projector reads no block of the image tower");
    return state - 1;
  }

  /**
   * What a block of the image tower puts out [N, tokens, width], edits of this model included; the
   * caller closes it.
   *
   * @param pixels normalised images [N, channels, S, S]
   * @param block from 0
   */
  public synchronized INDArray towerState(INDArray pixels, int block) {
    Check.between("block", block, 0, config.vision().layers() - 1);
    long images = pixels.size(0);
    PlanCache.Entry entry =
        plans.get(
            "tower " + images + " " + block,
            () -> {
              Graph g = new Graph(parameters, false);
              return PlanCache.Entry.of(
                  g, List.of(tower(g, pixels(g, images)).hiddenStates().get(block + 1)));
            });
    entry.plan().run(Map.of(PIXELS, pixels));
    return entry.plan().output(entry.outputs().get(0)).dup('c');
  }

  /** Sizes. */
  public VisionLanguageConfig config() {
    return config;
  }

  /** Live weights, shared by all graphs of this model. */
  public Parameters parameters() {
    return parameters;
  }

  /** The decoder, over the same weights. */
  public CausalLm language() {
    return language;
  }

  /** Names of all weights in the store. */
  public List<String> weightNames() {
    return List.copyOf(shapes(config).keySet());
  }

  // ---- graphs -------------------------------------------------------------------------------

  private SDVariable pixels(Graph g, long images) {
    VisionConfig v = config.vision();
    return g.placeholder(PIXELS, images, v.channels(), v.imageSize(), v.imageSize());
  }

  private VisionTransformer.Output tower(Graph g, SDVariable pixels) {
    return edits.over(
        g,
        () -> adapters.over(g, () -> VisionTransformer.build(g, TOWER, config.vision(), pixels)));
  }

  /** Projected rows [N · rows, hidden] of images [N, channels, S, S]. */
  public SDVariable imageFeatures(Graph g, SDVariable pixels) {
    Ops ops = g.ops();
    VisionTransformer.Output out = tower(g, pixels);
    SDVariable[] states =
        config.featureLayers().stream()
            .map(layer -> out.hiddenStates().get(config.state(layer)))
            .toArray(SDVariable[]::new);
    SDVariable x = states.length == 1 ? states[0] : ops.concat(2, states);
    long rows = config.rowsPerImage();
    x = ops.slice(x, 1, config.dropFirst() ? 1 : 0, rows);
    x = ops.reshape(x, g.size(pixels, 0) * rows, config.featureSize());
    boolean first = true;
    for (String name : config.projectorNames()) {
      x = first ? x : ops.activation(config.projectorActivation(), x);
      SDVariable in = x;
      int width = config.text().hiddenSize();
      x = adapters.over(g, () -> Layers.linear(g, name, in, width, config.projectorBias()));
      first = false;
    }
    return x;
  }

  /**
   * Embeddings [B, T, hidden] of spliced texts.
   *
   * @param ids token ids [B, T]
   * @param features as {@link #imageFeatures} gives them
   * @param sources [B, T], see {@link Splice#rows}
   */
  public SDVariable embed(Graph g, SDVariable ids, SDVariable features, SDVariable sources) {
    return Splice.rows(g, language.embed(g, ids), features, sources);
  }

  /**
   * Mean cross-entropy of every next token.
   *
   * @param embeddings as {@link #embed} gives them
   * @param labels [B, T], see {@link SplicedText#labels}
   * @param padding 1 for real positions and 0 for padding [B, T], or null
   */
  public SDVariable loss(Graph g, SDVariable embeddings, SDVariable labels, SDVariable padding) {
    Ops ops = g.ops();
    long batch = g.size(embeddings, 0);
    long next = g.size(embeddings, 1) - 1;
    Check.that(next > 0, "a text needs at least two positions for a next-token loss");
    List<SDVariable> states = language.hiddenStates(g, embeddings, padding);
    SDVariable before = ops.slice(states.get(states.size() - 1), 1, 0, next);
    SDVariable logits =
        language.logits(g, ops.reshape(before, batch * next, config.text().hiddenSize()));
    SDVariable targets = ops.reshape(ops.slice(labels, 1, 1, next), -1);
    return ops.crossEntropy(logits, targets, 0, CausalLm.IGNORED, Ops.Reduction.MEAN);
  }

  // ---- arrays -------------------------------------------------------------------------------

  /**
   * Splices texts with images for the methods below.
   *
   * @param texts ids without padding, images as in {@link SplicedText#of}
   * @param pixels normalised images [N, channels, S, S], in the order of the texts; null for none
   */
  public SplicedText splice(List<int[]> texts, INDArray pixels, SplicedText.Side padding) {
    int images = pixels == null ? 0 : Math.toIntExact(pixels.size(0));
    return SplicedText.of(
        texts,
        null,
        config.imageToken(),
        images,
        config.rowsPerImage(),
        Integer.MAX_VALUE,
        padding);
  }

  /** Logits [B, T, vocabulary]; the caller closes them. Those of padding mean nothing. */
  public INDArray logits(SplicedText texts, INDArray pixels) {
    return run("logits", texts, pixels).get(0);
  }

  /** States of every layer of the decoder, as {@link CausalLm#hiddenStates} lists them. */
  public List<INDArray> hiddenStates(SplicedText texts, INDArray pixels) {
    return run("hidden_states", texts, pixels);
  }

  /** Mean cross-entropy of the labels; images and padding count nowhere. */
  public double loss(SplicedText texts, INDArray pixels) {
    try (INDArray loss = run("loss", texts, pixels).get(0)) {
      return loss.getDouble(0);
    }
  }

  /**
   * Continues texts that hold images.
   *
   * @param prompts ids without padding
   * @param pixels as in {@link #splice}
   * @param tokenizer for the texts of the result and stop strings, or null
   */
  public synchronized List<Generator.Continuation> generate(
      List<int[]> prompts, INDArray pixels, GenerateOptions options, Tokenizer tokenizer) {
    SplicedText texts = splice(prompts, pixels, SplicedText.Side.LEFT);
    float[][] mask = texts.mask();
    try (INDArray all = run("embeddings", texts, pixels).get(0)) {
      List<INDArray> rows = new ArrayList<>();
      for (int i = 0; i < prompts.size(); i++) {
        int padding = 0;
        while (mask[i][padding] == 0) {
          padding++;
        }
        rows.add(all.get(NDArrayIndex.point(i), NDArrayIndex.interval(padding, texts.length())));
      }
      return generator.generate(rows, prompts, options, tokenizer);
    }
  }

  private synchronized List<INDArray> run(String task, SplicedText texts, INDArray pixels) {
    checkImages(texts, pixels);
    boolean padded = texts.padded();
    int images = pixels == null ? 0 : Math.toIntExact(pixels.size(0));
    String key =
        String.join(" ", task, "" + texts.batch(), "" + texts.length(), "" + images, "" + padded);
    PlanCache.Entry entry =
        plans.get(key, () -> plan(task, texts.batch(), texts.length(), images, padded));
    Map<String, INDArray> feeds = new HashMap<>();
    feeds.put(IDS, Nd4j.createFromArray(texts.ids()));
    feeds.put(SOURCES, Nd4j.createFromArray(texts.sources(images * config.rowsPerImage())));
    if (images > 0) {
      feeds.put(PIXELS, pixels);
    }
    if (padded && !task.equals("embeddings")) {
      feeds.put(MASK, Nd4j.createFromArray(texts.mask()));
    }
    if (task.equals("loss")) {
      feeds.put(LABELS, Nd4j.createFromArray(texts.labels()));
    }
    entry.plan().run(feeds);
    return entry.outputs().stream().map(o -> entry.plan().output(o).dup('c')).toList();
  }

  private PlanCache.Entry plan(String task, int batch, int length, int images, boolean padded) {
    Graph g = new Graph(parameters, false);
    SDVariable ids = g.placeholder(IDS, DataType.INT, batch, length);
    SDVariable sources = g.placeholder(SOURCES, DataType.INT, batch, length);
    SDVariable features =
        images > 0
            ? imageFeatures(g, pixels(g, images))
            : g.constant(0, 1, config.text().hiddenSize());
    SDVariable embeddings = embed(g, ids, features, sources);
    SDVariable mask =
        padded && !task.equals("embeddings") ? g.placeholder(MASK, batch, length) : null;
    List<SDVariable> outputs =
        switch (task) {
          case "embeddings" -> List.of(embeddings);
          case "loss" ->
              List.of(
                  loss(g, embeddings, g.placeholder(LABELS, DataType.INT, batch, length), mask));
          default -> {
            List<SDVariable> states = language.hiddenStates(g, embeddings, mask);
            yield task.equals("logits")
                ? List.of(language.logits(g, states.get(states.size() - 1)))
                : states;
          }
        };
    return PlanCache.Entry.of(g, outputs);
  }

  private void checkImages(SplicedText texts, INDArray pixels) {
    int most = Arrays.stream(texts.imageRows()).flatMapToInt(Arrays::stream).max().orElse(-1);
    long rows = pixels == null ? 0 : pixels.size(0) * config.rowsPerImage();
    Check.that(most < rows, "the texts hold image row %d, but the images give %d", most, rows);
    Check.that(
        pixels == null || pixels.rank() == 4,
        "images must be [N, channels, S, S], got %s",
        pixels == null ? "" : Arrays.toString(pixels.shape()));
  }

  /** Frees the plans; the weights stay. */
  @Override
  public synchronized void close() {
    plans.close();
    generator.close();
    language.close();
  }
}
