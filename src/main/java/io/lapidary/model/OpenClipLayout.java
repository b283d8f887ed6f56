package io.lapidary.model;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.lapidary.InputException;
import io.lapidary.engine.Parameters;
import io.lapidary.io.CheckpointFolder;
import io.lapidary.io.Jsons;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * The layout of OpenCLIP folders: names, fused query-key-value maps and transposed projections,
 * beside those of {@link Clip}.
 */
final class OpenClipLayout {
  private static final int HEAD_WIDTH = 64;
  private static final double EPSILON = 1e-5;
  private static final int LARGEST_ID = 2; // Clip reads this end token as "the largest id"
  private static final int PUBLISHED_END = 49407;
  private static final String[] VISION_EXTRAS = {
    "timm_model_name", "ls_init_value", "attentional_pool", "attn_pooler_queries", "no_ln_pre",
    "final_ln_after_pool", "qk_norm", "scale_attn_inner", "scale_attn", "scale_fc"
  };
  private static final String[] TEXT_EXTRAS = {
    "hf_model_name", "ls_init_value", "embed_cls", "no_causal_mask", "final_ln_after_pool",
    "proj_bias", "qk_norm", "scale_attn_inner", "scale_attn", "scale_fc"
  };

  private OpenClipLayout() {}

  /**
   * One stored tensor.
   *
   * @param stored name in the OpenCLIP file
   * @param shape shape in the file
   * @param ours names in {@link Clip}; several lie one after the other along axis 0 of the file's
   * @param transposed whether the file has the transpose
   */
  private record Entry(String stored, long[] shape, List<String> ours, boolean transposed) {}

  /** The table of all tensors; {@code text} stands before the text tower's names. */
  private static final class Table {
    private final List<Entry> entries = new ArrayList<>();

    Table(ClipConfig c, String text, boolean linearTextProjection) {
      VisionConfig v = c.vision();
      TextConfig t = c.text();
      long wide = v.hiddenSize();
      long narrow = t.hiddenSize();
      String image = "vision_model.";
      same("visual.class_embedding", image + "embeddings.class_embedding", wide);
      same(
          "visual.conv1.weight",
          image + "embeddings.patch_embedding.weight",
          wide,
          v.channels(),
          v.patchSize(),
          v.patchSize());
      same(
          "visual.positional_embedding",
          image + "embeddings.position_embedding.weight",
          v.tokens(),
          wide);
      norm("visual.ln_pre", image + "pre_layrnorm", wide);
      blocks("visual.", image, v.layers(), wide, v.intermediateSize());
      norm("visual.ln_post", image + "post_layernorm", wide);
      transposed("visual.proj", "visual_projection.weight", wide, c.projection());
      String ours = "text_model.";
      same(
          text + "token_embedding.weight",
          ours + "embeddings.token_embedding.weight",
          t.vocabularySize(),
          narrow);
      same(
          text + "positional_embedding",
          ours + "embeddings.position_embedding.weight",
          t.contextLength(),
          narrow);
      blocks(text, ours, t.layers(), narrow, t.intermediateSize());
      norm(text + "ln_final", ours + "final_layer_norm", narrow);
      String projection = "text_projection.weight";
      if (linearTextProjection) {
        same(text + projection, projection, c.projection(), narrow);
      } else {
        transposed(text + "text_projection", projection, narrow, c.projection());
      }
      same("logit_scale", "logit_scale");
    }

    private void blocks(String stored, String ours, int layers, long width, long hidden) {
      for (int i = 0; i < layers; i++) {
        String from = stored + "transformer.resblocks." + i + ".";
        String to = ours + "encoder.layers." + i + ".";
        String in = to + "self_attn.%s_proj.%s";
        norm(from + "ln_1", to + "layer_norm1", width);
        fused(from + "attn.in_proj_weight", in, "weight", 3 * width, width);
        fused(from + "attn.in_proj_bias", in, "bias", 3 * width);
        linear(from + "attn.out_proj", to + "self_attn.out_proj", width, width);
        norm(from + "ln_2", to + "layer_norm2", width);
        linear(from + "mlp.c_fc", to + "mlp.fc1", width, hidden);
        linear(from + "mlp.c_proj", to + "mlp.fc2", hidden, width);
      }
    }

    private void same(String stored, String ours, long... shape) {
      entries.add(new Entry(stored, shape, List.of(ours), false));
    }

    private void transposed(String stored, String ours, long... shape) {
      entries.add(new Entry(stored, shape, List.of(ours), true));
    }

    private void fused(String stored, String pattern, String kind, long... shape) {
      List<String> ours =
          List.of("q", "k", "v").stream().map(map -> String.format(pattern, map, kind)).toList();
      entries.add(new Entry(stored, shape, ours, false));
    }

    private void linear(String stored, String ours, long in, long out) {
      same(stored + ".weight", ours + ".weight", out, in);
      same(stored + ".bias", ours + ".bias", out);
    }

    private void norm(String stored, String ours, long width) {
      same(stored + ".weight", ours + ".weight", width);
      same(stored + ".bias", ours + ".bias", width);
    }
  }

  /**
   * Reads the weights.
   *
   * @throws InputException when a tensor is missing, unexpected or of another shape
   */
  static Parameters load(CheckpointFolder folder, ClipConfig config) {
    String text = folder.names().contains("text.token_embedding.weight") ? "text." : "";
    boolean linear = folder.names().contains(text + "text_projection.weight");
    List<Entry> entries = new Table(config, text, linear).entries;
    Map<String, long[]> expected = new LinkedHashMap<>();
    Map<String, Entry> byName = new LinkedHashMap<>();
    for (Entry entry : entries) {
      expected.put(entry.stored, entry.shape);
      byName.put(entry.stored, entry);
    }
    Parameters parameters = new Parameters(DataType.FLOAT, 0);
    folder.readEach(
        expected,
        DataType.FLOAT,
        name -> false,
        (name, array) -> put(parameters, byName.get(name), array));
    return parameters;
  }

  private static void put(Parameters parameters, Entry entry, INDArray array) {
    int count = entry.ours.size();
    if (count == 1 && !entry.transposed) {
      parameters.adopt(entry.ours.get(0), array);
      return;
    }
    if (count == 1) {
      parameters.put(entry.ours.get(0), array.transpose());
    } else {
      long rows = entry.shape[0] / count;
      for (int i = 0; i < count; i++) {
        parameters.put(
            entry.ours.get(i), array.get(NDArrayIndex.interval(i * rows, (i + 1) * rows)));
      }
    }
    array.close();
  }

  /** Tensors as OpenCLIP stores them; for vocabularies and towers of any size. */
  static Map<String, INDArray> tensors(ClipConfig config, Parameters parameters) {
    Map<String, INDArray> tensors = new LinkedHashMap<>();
    for (Entry entry : new Table(config, "", false).entries) {
      INDArray[] parts = entry.ours.stream().map(parameters::get).toArray(INDArray[]::new);
      INDArray joined = parts.length == 1 ? parts[0] : Nd4j.concat(0, parts);
      tensors.put(entry.stored, entry.transposed ? joined.transpose().dup('c') : joined);
    }
    return tensors;
  }

  /**
   * Sizes from {@code open_clip_config.json}.
   *
   * @throws InputException when the model has parts that are not built here
   */
  static ClipConfig config(HubConfig json) {
    HubConfig model = json.group("model_cfg");
    HubConfig vision = model.group("vision_cfg");
    HubConfig text = model.group("text_cfg");
    refuse(vision, VISION_EXTRAS);
    refuse(text, TEXT_EXTRAS);
    String pool = vision.text("pool_type", "tok");
    String textPool = text.text("pool_type", "argmax");
    if (!pool.equals("tok")) {
      throw vision.notSupported("pool_type");
    }
    if (!textPool.equals("argmax")) {
      throw text.notSupported("pool_type");
    }
    String activation = model.flag("quick_gelu", false) ? "quick_gelu" : "gelu";
    return model.build(
        () -> {
          VisionConfig image = vision(vision, activation);
          return new ClipConfig(
              model.integer("embed_dim", 512), 2.6592, image, text(text, activation));
        });
  }

  private static VisionConfig vision(HubConfig json, String activation) {
    int width = json.integer("width", 768);
    return new VisionConfig(
        json.integer("image_size", 224),
        json.integer("patch_size", 16),
        3,
        width,
        (int) (width * json.number("mlp_ratio", 4)),
        json.integer("layers", 12),
        width / json.integer("head_width", HEAD_WIDTH),
        activation,
        json.group("norm_kwargs").number("eps", EPSILON));
  }

  private static TextConfig text(HubConfig json, String activation) {
    int width = json.integer("width", 512);
    int words = json.integer("vocab_size", PUBLISHED_END + 1);
    return new TextConfig(
        words,
        json.integer("context_length", 77),
        width,
        (int) (width * json.number("mlp_ratio", 4)),
        json.integer("layers", 12),
        json.integer("heads", 8),
        activation,
        json.group("norm_kwargs").number("eps", EPSILON),
        words - 2,
        words == PUBLISHED_END + 1 ? PUBLISHED_END : LARGEST_ID,
        json.integer("pad_id", 0));
  }

  private static void refuse(HubConfig json, String[] keys) {
    for (String key : keys) {
      if (json.set(key)) {
        throw json.notSupported(key);
      }
    }
  }

  /**
   * The {@code open_clip_config.json} of a model.
   *
   * @throws InputException when OpenCLIP has no words for the model: text pooled at an end token
   *     that is not the largest id, another activation, or different ones in the towers
   */
  static ObjectNode json(ClipConfig config) {
    VisionConfig v = config.vision();
    TextConfig t = config.text();
    boolean quick = v.activation().equals("quick_gelu");
    if (!t.pooledAtLargest()
        || !v.activation().equals(t.activation())
        || !(quick || v.activation().equals("gelu"))) {
      throw InputException.of(
          "the OpenCLIP layout holds models with gelu or quick_gelu in both towers that read a"
              + " text at its largest id; this one has %s, %s and end token %d",
          v.activation(), t.activation(), t.endToken());
    }
    ObjectNode json = Jsons.object();
    ObjectNode model = json.putObject("model_cfg");
    model.put("embed_dim", config.projection()).put("quick_gelu", quick);
    ObjectNode vision = model.putObject("vision_cfg");
    vision
        .put("image_size", v.imageSize())
        .put("layers", v.layers())
        .put("width", v.hiddenSize())
        .put("patch_size", v.patchSize())
        .put("head_width", v.hiddenSize() / v.heads())
        .put("mlp_ratio", (double) v.intermediateSize() / v.hiddenSize());
    vision.putObject("norm_kwargs").put("eps", v.epsilon());
    ObjectNode text = model.putObject("text_cfg");
    text.put("context_length", t.contextLength())
        .put("vocab_size", t.vocabularySize())
        .put("width", t.hiddenSize())
        .put("heads", t.heads())
        .put("layers", t.layers())
        .put("mlp_ratio", (double) t.intermediateSize() / t.hiddenSize());
    text.putObject("norm_kwargs").put("eps", t.epsilon());
    return json;
  }
}
