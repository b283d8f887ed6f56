package io.lapidary.model;

import io.lapidary.Check;
import io.lapidary.engine.ActivationEdits;
import io.lapidary.engine.Graph;
import io.lapidary.engine.Init;
import io.lapidary.engine.Parameters;
import io.lapidary.io.CheckpointFolder;
import io.lapidary.io.Dtype;
import io.lapidary.layer.Layers;
import io.lapidary.layer.LoraAdapters;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * CLIP (Radford et al. 2021): an image tower and a text tower that map into one space, trained so
 * that matching pairs are near. Layout and names are those of Hugging Face checkpoints of {@code
 * model_type} clip; folders of OpenCLIP are read and written, too.
 *
 * <p>The graph-building methods serve training; the array methods run plans that the model keeps
 * for the shapes used last. They may be called from several threads, one at a time runs.
 */
public final class Clip implements AutoCloseable {
  private static final String VISION = "vision_model.";
  private static final String TEXT = "text_model.";
  private static final String VISION_PROJECTION = "visual_projection";
  private static final String TEXT_PROJECTION = "text_projection";
  private static final String PIXELS = "pixel_values";
  private static final String LOGIT_SCALE = "logit_scale";
  private static final String IDS = "input_ids";
  private static final int LARGEST_BATCH = 64; // larger inputs run in pieces
  private static final double SMALLEST_NORM = 1e-12;

  private final ClipConfig config;
  private final Parameters parameters;
  private final LoraAdapters adapters;
  private final ActivationEdits edits;
  private final BatchRunner runner;

  /** A model over a store; parameters that the store lacks are made when a graph asks for them. */
  public Clip(ClipConfig config, Parameters parameters) {
    this(config, parameters, LoraAdapters.NONE, ActivationEdits.NONE);
  }

  private Clip(
      ClipConfig config, Parameters parameters, LoraAdapters adapters, ActivationEdits edits) {
    this.config = Check.present("config", config);
    this.parameters = Check.present("parameters", parameters);
    this.adapters = Check.present("adapters", adapters);
    this.edits = Check.present("edits", edits);
    this.runner = new BatchRunner(parameters, LARGEST_BATCH, 6);
  }

  /** A fresh model of type FLOAT; same seed, same weights. */
  public static Clip create(ClipConfig config, long seed) {
    Clip clip = new Clip(config, new Parameters(DataType.FLOAT, seed));
    clip.graph(1, 1);
    return clip;
  }

  /**
   * Loads a folder in the layout of Hugging Face or of OpenCLIP.
   *
   * @throws io.lapidary.InputException when a file, a tensor or a value is missing or does not fit
   */
  public static Clip load(Path folder) {
    try (CheckpointFolder open = CheckpointFolder.open(folder)) {
      return load(open);
    }
  }

  /** Loads an open folder; see {@link #load(Path)}. */
  public static Clip load(CheckpointFolder folder) {
    if (folder.layout() == CheckpointFolder.Layout.OPEN_CLIP) {
      ClipConfig config = OpenClipLayout.config(HubConfig.of(folder));
      return new Clip(config, OpenClipLayout.load(folder, config));
    }
    ClipConfig config =
        ClipConfig.of(
            folder.config(), folder.folder().resolve(folder.layout().configFile()).toString());
    Parameters parameters = new Parameters(DataType.FLOAT, 0);
    folder.readEach(ClipShapes.of(config), DataType.FLOAT, name -> false, parameters::adopt);
    return new Clip(config, parameters);
  }

  /**
   * Writes a Hugging Face folder that {@link #load} and the Python library read.
   *
   * @param type of the stored weights: F32, F16 or BF16
   */
  public void save(Path folder, Dtype type) {
    Map<String, INDArray> arrays = new LinkedHashMap<>();
    ClipShapes.of(config).keySet().forEach(name -> arrays.put(name, parameters.get(name)));
    CheckpointFolder.save(folder, config.toJson(), arrays, type);
  }

  /**
   * Writes a folder in the layout of OpenCLIP, which {@link #load} reads, too.
   *
   * @throws io.lapidary.InputException when the layout has no words for the model's options
   */
  public void saveOpenClip(Path folder, Dtype type) {
    CheckpointFolder.save(
        folder,
        CheckpointFolder.Layout.OPEN_CLIP,
        OpenClipLayout.json(config),
        OpenClipLayout.tensors(config, parameters),
        type,
        Long.MAX_VALUE);
  }

  /** Sizes. */
  public ClipConfig config() {
    return config;
  }

  /** Live weights, shared by all graphs of this model. */
  public Parameters parameters() {
    return parameters;
  }

  /** The same weights under adapters: graphs of the result have them, those of this model not. */
  public Clip with(LoraAdapters others) {
    return new Clip(config, parameters, others, edits);
  }

  /**
   * The same weights with edited activations, besides the edits of this model: graphs of the result
   * have them. Points are the blocks, such as {@code vision_model.encoder.layers.1}, and {@code
   * visual_projection} and {@code text_projection}.
   */
  public Clip with(ActivationEdits others) {
    for (String point : others.byPoint().keySet()) {
      Check.that(
          point.startsWith(VISION)
              || point.startsWith(TEXT)
              || point.equals(VISION_PROJECTION)
              || point.equals(TEXT_PROJECTION),
          "no activation is called %s; there are %sencoder.layers.0 and so on, and %s",
          point,
          VISION,
          VISION_PROJECTION);
    }
    return new Clip(config, parameters, adapters, edits.and(others));
  }

  // ---- graphs -------------------------------------------------------------------------------

  /** The image tower: pixels normalised as for training, [B, channels, S, S]. */
  public VisionTransformer.Output vision(Graph g, SDVariable pixels) {
    return edits
        .under(VISION)
        .over(
            g,
            () ->
                adapters.over(
                    g, () -> VisionTransformer.build(g, VISION, config.vision(), pixels)));
  }

  /** The text tower: ids [B, T] of type INT. */
  public ClipText.Output text(Graph g, SDVariable ids) {
    return edits
        .under(TEXT)
        .over(g, () -> adapters.over(g, () -> ClipText.build(g, TEXT, config.text(), ids)));
  }

  /** Embeddings of unit length [B, projection] of images [B, channels, S, S]. */
  public SDVariable imageEmbeddings(Graph g, SDVariable pixels) {
    return embedding(g, VISION_PROJECTION, vision(g, pixels).pooled());
  }

  /** Embeddings of unit length [B, projection] of texts [B, T]. */
  public SDVariable textEmbeddings(Graph g, SDVariable ids) {
    return embedding(g, TEXT_PROJECTION, text(g, ids).pooled());
  }

  private SDVariable embedding(Graph g, String name, SDVariable pooled) {
    return g.ops().l2Normalize(project(g, name, pooled), -1, SMALLEST_NORM);
  }

  private SDVariable project(Graph g, String name, SDVariable pooled) {
    Init init = Init.normal(1 / Math.sqrt(g.size(pooled, -1)));
    SDVariable projected =
        adapters.over(g, () -> Layers.linear(g, name, pooled, config.projection(), false, init));
    return edits.under(name).over(g, () -> g.point(name, projected));
  }

  /** Factor of the similarities: exp of the parameter {@code logit_scale}, a scalar. */
  public SDVariable scale(Graph g) {
    return g.ops().exp(g.parameter(LOGIT_SCALE, Init.constant(config.initialLogitScale())));
  }

  /** Symmetric contrastive loss of pairs: image i belongs to text i. */
  public SDVariable contrastiveLoss(Graph g, SDVariable pixels, SDVariable ids) {
    return g.ops().infoNce(imageEmbeddings(g, pixels), textEmbeddings(g, ids), scale(g));
  }

  /** Both towers for one batch shape; the variables are {@code image_embeds} and so on. */
  private Graph graph(int batch, int tokens) {
    Graph g = new Graph(parameters, false);
    SDVariable images = g.name(imageEmbeddings(g, pixels(g, batch)), "image_embeds");
    SDVariable texts = g.name(textEmbeddings(g, ids(g, batch, tokens)), "text_embeds");
    SDVariable cosines = g.ops().matmul(images, texts, false, true);
    g.name(g.ops().mul(cosines, scale(g)), "logits_per_image");
    return g;
  }

  private SDVariable pixels(Graph g, long batch) {
    VisionConfig v = config.vision();
    return g.placeholder(PIXELS, batch, v.channels(), v.imageSize(), v.imageSize());
  }

  private static SDVariable ids(Graph g, long batch, long tokens) {
    return g.placeholder(IDS, DataType.INT, batch, tokens);
  }

  /**
   * Both towers as one SameDiff graph over the live weights, for {@code batch} images and texts of
   * {@code tokens} ids: inputs {@code pixel_values} and {@code input_ids}, outputs {@code
   * image_embeds}, {@code text_embeds}, {@code logits_per_image}.
   */
  public SameDiff sameDiff(int batch, int tokens) {
    return graph(batch, tokens).sameDiff();
  }

  /** {@link #sameDiff(int, int)} of one image and one text of full length. */
  public SameDiff sameDiff() {
    return sameDiff(1, config.text().contextLength());
  }

  // ---- arrays -------------------------------------------------------------------------------

  /**
   * Embeddings of unit length [B, projection]; the caller closes them.
   *
   * @param pixels normalised images [B, channels, S, S]
   */
  public INDArray imageEmbeddings(INDArray pixels) {
    checkPixels(pixels);
    return runner
        .run(
            "image_embeds",
            parameters.type(),
            pixels,
            (g, input) -> List.of(imageEmbeddings(g, input)))
        .get(0);
  }

  /** Image embeddings [B, projection] before they get unit length; the caller closes them. */
  public INDArray projectedImages(INDArray pixels) {
    checkPixels(pixels);
    return runner
        .run(
            "image_projection",
            parameters.type(),
            pixels,
            (g, input) -> List.of(project(g, VISION_PROJECTION, vision(g, input).pooled())))
        .get(0);
  }

  /**
   * Embeddings of unit length [B, projection]; the caller closes them.
   *
   * @param ids token ids [B, T], of type INT or LONG
   * @throws IndexOutOfBoundsException naming the first id outside the vocabulary
   */
  public INDArray textEmbeddings(INDArray ids) {
    Check.that(
        ids.rank() == 2 && ids.dataType().isIntType(),
        "ids must be integers [B, T], got %s %s",
        ids.dataType(),
        Arrays.toString(ids.shape()));
    return runner
        .run("text_embeds", DataType.INT, ids, (g, input) -> List.of(textEmbeddings(g, input)))
        .get(0);
  }

  /**
   * States of the image tower [B, 1 + patches, hidden], one array per entry of {@link
   * VisionTransformer.Output#hiddenStates}; the caller closes them.
   */
  public List<INDArray> visionHiddenStates(INDArray pixels) {
    checkPixels(pixels);
    return runner.run(
        "vision_hidden_states",
        parameters.type(),
        pixels,
        (g, input) -> vision(g, input).hiddenStates());
  }

  /** As {@link VisionEncoder#layerFeatures} for the image tower; the caller closes them. */
  public List<INDArray> visionLayerFeatures(INDArray pixels, boolean classToken) {
    checkPixels(pixels);
    return runner.run(
        classToken ? "layer tokens" : "layer means",
        parameters.type(),
        pixels,
        (g, input) -> VisionTransformer.features(g, vision(g, input), classToken));
  }

  /**
   * Similarity logits exp(logit_scale) · cosine, [images, texts]; the caller closes them.
   *
   * @param images embeddings of unit length [images, projection]
   * @param texts embeddings of unit length [texts, projection]
   */
  public INDArray logits(INDArray images, INDArray texts) {
    double scale = Math.exp(parameters.get(LOGIT_SCALE).getDouble(0));
    return Nd4j.gemm(images, texts, false, true).muli(scale);
  }

  private static void checkPixels(INDArray pixels) {
    Check.that(
        pixels.rank() == 4,
        "images must be [B, channels, S, S], got %s",
        Arrays.toString(pixels.shape()));
  }

  /** Frees the plans; the weights stay. */
  @Override
  public void close() {
    runner.close();
  }
}
