package io.lapidary.model;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.lapidary.Check;
import io.lapidary.InputException;
import io.lapidary.engine.ActivationEdits;
import io.lapidary.engine.Graph;
import io.lapidary.engine.Parameters;
import io.lapidary.io.CheckpointFolder;
import io.lapidary.io.Dtype;
import io.lapidary.io.Jsons;
import io.lapidary.layer.LoraAdapters;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A vision transformer on its own, with the layout and names of Hugging Face checkpoints of {@code
 * model_type} vit, dinov2, siglip_vision_model or clip_vision_model. The image tower is also read
 * from folders of the two-tower types siglip and clip, whose text tower is left unread.
 *
 * <p>The graph-building method serves training; the array methods run plans that the model keeps
 * for the shapes used last. They may be called from several threads, one at a time runs.
 */
public final class VisionEncoder implements AutoCloseable {
  private static final int LARGEST_BATCH = 64; // larger inputs run in pieces

  private final VisionConfig config;
  private final StoredWeights weights;
  private final LoraAdapters adapters;
  private final ActivationEdits edits;
  private final BatchRunner runner;

  private VisionEncoder(
      VisionConfig config, StoredWeights weights, LoraAdapters adapters, ActivationEdits edits) {
    this.config = config;
    this.weights = weights;
    this.adapters = Check.present("adapters", adapters);
    this.edits = Check.present("edits", edits);
    this.runner = new BatchRunner(weights.parameters(), LARGEST_BATCH, 6);
  }

  /** A model over a store; parameters that the store lacks are made when a graph asks for them. */
  public VisionEncoder(VisionConfig config, Parameters parameters) {
    this(
        Check.present("config", config),
        StoredWeights.of(Check.present("parameters", parameters), table(config)),
        LoraAdapters.NONE,
        ActivationEdits.NONE);
  }

  /** A fresh model of type FLOAT; same seed, same weights. */
  public static VisionEncoder create(VisionConfig config, long seed) {
    VisionEncoder made = new VisionEncoder(config, new Parameters(DataType.FLOAT, seed));
    made.sameDiff(1);
    return made;
  }

  /**
   * Loads a Hugging Face folder.
   *
   * @throws InputException when a file, a tensor or a value is missing or does not fit
   */
  public static VisionEncoder load(Path folder) {
    try (CheckpointFolder open = CheckpointFolder.open(folder)) {
      return load(open);
    }
  }

  /** Loads an open Hugging Face folder; see {@link #load(Path)}. */
  public static VisionEncoder load(CheckpointFolder folder) {
    HubConfig json = HubConfig.of(folder);
    String type = json.text("model_type", "");
    VisionConfig read =
        switch (type) {
          case "vit" -> VisionConfig.of(VisionFamily.VIT, json);
          case "dinov2" -> VisionConfig.of(VisionFamily.DINOV2, json);
          case "siglip_vision_model" -> VisionConfig.of(VisionFamily.SIGLIP, json);
          case "siglip" -> VisionConfig.of(VisionFamily.SIGLIP, json.group("vision_config"));
          case "clip_vision_model" -> VisionConfig.of(VisionFamily.CLIP, json);
          case "clip" -> VisionConfig.of(VisionFamily.CLIP, json.group("vision_config"));
          default ->
              throw json.unsupported(
                  "vit, dinov2, siglip_vision_model, siglip, clip_vision_model or clip", type);
        };
    // vit folders of classifiers have no pooler, and config.json does not say so
    String pooler = VisionFamily.VIT.names().head() + ".weight";
    boolean headless = read.family() == VisionFamily.VIT && !folder.has(pooler);
    VisionConfig config = headless ? read.withHead(false) : read;
    return new VisionEncoder(
        config, StoredWeights.load(folder, table(config)), LoraAdapters.NONE, ActivationEdits.NONE);
  }

  private static TensorTable table(VisionConfig config) {
    TensorTable table = new TensorTable();
    VisionTensors.add(table, "", config);
    return table.unread(
        "classifier\\..*|(text_model|text_projection|visual_projection)\\..*|logit_.*");
  }

  /**
   * Writes a folder that {@link #load} and the Python library read.
   *
   * @param type of the stored weights: F32, F16 or BF16
   */
  public void save(Path folder, Dtype type) {
    ObjectNode json = Jsons.object();
    config.write(json);
    weights.save(folder, json, type);
  }

  /** Sizes. */
  public VisionConfig config() {
    return config;
  }

  /** Live weights, shared by all graphs of this model. */
  public Parameters parameters() {
    return weights.parameters();
  }

  /** The same weights under adapters: graphs of the result have them, those of this model not. */
  public VisionEncoder with(LoraAdapters others) {
    return new VisionEncoder(config, weights, others, edits);
  }

  /**
   * The same weights with edited activations, besides the edits of this model: graphs of the result
   * have them. Points are the blocks, such as {@code encoder.layers.1}.
   */
  public VisionEncoder with(ActivationEdits others) {
    return new VisionEncoder(config, weights, adapters, edits.and(others));
  }

  /** Adds the encoder to a graph: pixels normalised as for training, [B, channels, S, S]. */
  public VisionTransformer.Output build(Graph g, SDVariable pixels) {
    return edits.over(
        g, () -> adapters.over(g, () -> VisionTransformer.build(g, "", config, pixels)));
  }

  /**
   * The encoder as one SameDiff graph over the live weights, for {@code batch} images: input {@code
   * pixel_values}, outputs {@code last_hidden_state} and {@code pooler_output}.
   */
  public SameDiff sameDiff(int batch) {
    Graph g = new Graph(parameters(), false);
    int side = config.imageSize();
    VisionTransformer.Output out =
        build(g, g.placeholder("pixel_values", batch, config.channels(), side, side));
    g.name(out.pooled(), "pooler_output");
    g.name(out.lastHidden(), "last_hidden_state");
    return g.sameDiff();
  }

  /**
   * What the encoder computes for some images, as arrays that the caller closes; see {@link
   * VisionTransformer.Output}.
   */
  public record States(List<INDArray> hiddenStates, INDArray lastHidden, INDArray pooled) {}

  /**
   * All states.
   *
   * @param pixels normalised images [B, channels, S, S]
   */
  public States states(INDArray pixels) {
    List<INDArray> all =
        run(
            "states",
            pixels,
            out -> {
              List<SDVariable> wanted = new ArrayList<>(out.hiddenStates());
              wanted.add(out.lastHidden());
              wanted.add(out.pooled());
              return wanted;
            });
    int blocks = config.layers();
    return new States(
        List.copyOf(all.subList(0, blocks + 1)), all.get(blocks + 1), all.get(blocks + 2));
  }

  /** One vector per image [B, hidden]; the caller closes it. */
  public INDArray pooled(INDArray pixels) {
    return run("pooled", pixels, out -> List.of(out.pooled())).get(0);
  }

  /**
   * States [B, T, hidden] after one block, or before the first for 0; only the blocks needed run.
   * The caller closes them.
   */
  public INDArray hiddenState(INDArray pixels, int block) {
    Check.between("block", block, 0, config.layers());
    return run("hidden" + block, pixels, out -> List.of(out.hiddenStates().get(block))).get(0);
  }

  /**
   * One vector per image and layer [B, hidden]: entry 0 of what enters the blocks, entry n after
   * block n, no last norm. The caller closes them.
   *
   * @param classToken whether the class token is taken, else the mean over all tokens
   */
  public List<INDArray> layerFeatures(INDArray pixels, boolean classToken) {
    Check.that(!classToken || config.tokens() > config.patches(), "the model has no class token");
    return runner.run(
        classToken ? "layer tokens" : "layer means",
        parameters().type(),
        pixels,
        (g, input) -> VisionTransformer.features(g, build(g, input), classToken));
  }

  private List<INDArray> run(
      String task, INDArray pixels, Function<VisionTransformer.Output, List<SDVariable>> outputs) {
    Check.that(
        pixels.rank() == 4,
        "images must be [B, channels, S, S], got %s",
        Arrays.toString(pixels.shape()));
    return runner.run(
        task, parameters().type(), pixels, (g, input) -> outputs.apply(build(g, input)));
  }

  /** Frees the plans; the weights stay. */
  @Override
  public void close() {
    runner.close();
  }
}
