package io.lapidary.model;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.lapidary.Check;
import io.lapidary.engine.Ops;
import io.lapidary.io.Jsons;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Sizes of a {@link VisionLanguageModel}, as in the {@code config.json} of LLaVA.
 *
 * @param text the decoder
 * @param vision the image tower
 * @param imageToken id that stands for one image row in a text
 * @param featureLayers states of the tower that are joined: 0 for what enters its blocks, n after
 *     block n; negative ones count from the last, −1
 * @param dropFirst whether the first row, the class token, is left out
 * @param projectorLayers affine maps of the projector with an activation between them; 0 for none
 * @param projectorActivation such as {@code gelu}
 * @param projectorBias whether they have a bias
 */
public record VisionLanguageConfig(
    LmConfig text,
    VisionConfig vision,
    int imageToken,
    List<Integer> featureLayers,
    boolean dropFirst,
    int projectorLayers,
    String projectorActivation,
    boolean projectorBias) {
  private static final String TYPE = "llava";

  /** What the Python library assumes where the group of the decoder is silent. */
  private static final Map<LmFamily, int[]> DEFAULT_SIZES =
      Map.of(
          LmFamily.LLAMA, new int[] {32000, 4096, 11008, 32, 32, 32},
          LmFamily.MISTRAL, new int[] {32000, 4096, 14336, 32, 32, 8},
          LmFamily.QWEN2, new int[] {151936, 4096, 22016, 32, 32, 32},
          LmFamily.PHI, new int[] {51200, 2048, 8192, 24, 32, 32},
          LmFamily.PHI3, new int[] {32064, 3072, 8192, 32, 32, 32});

  private static final List<String> SIZE_KEYS =
      List.of(
          "vocab_size",
          "hidden_size",
          "intermediate_size",
          "num_hidden_layers",
          "num_attention_heads",
          "num_key_value_heads");

  /** Checks the fields. */
  public VisionLanguageConfig {
    Check.present("text_config", text);
    Check.that(text.family() != LmFamily.GPT2, "gpt2 is not supported as a decoder of LLaVA");
    Check.present("vision_config", vision);
    featureLayers = List.copyOf(featureLayers);
    Check.that(!featureLayers.isEmpty(), "vision_feature_layer must name a layer");
    for (int layer : featureLayers) {
      Check.between("vision_feature_layer", layer, -vision.layers() - 1, vision.layers());
    }
    Check.that(
        !dropFirst || vision.tokens() > 1,
        "an image of one row leaves nothing when the first is left out");
    Check.notNegative("projector layers", projectorLayers);
    Check.that(
        projectorLayers > 0 || featureLayers.size() * vision.hiddenSize() == text.hiddenSize(),
        "without projector the tower must have the width %d of the decoder",
        text.hiddenSize());
    Ops.checkActivation("projector_hidden_act", projectorActivation);
  }

  /** LLaVA's choices: the last state but one without class token, two maps with GELU. */
  public VisionLanguageConfig(LmConfig text, VisionConfig vision, int imageToken) {
    this(
        text,
        vision,
        imageToken,
        List.of(-2),
        vision.family().names().classToken() != null,
        2,
        "gelu",
        true);
  }

  /** Rows that one image becomes. */
  public int rowsPerImage() {
    return vision.tokens() - (dropFirst ? 1 : 0);
  }

  /** Number of images that a text asks for, by rows or by sentinels. */
  public long images(int[] ids) {
    long sentinels = Arrays.stream(ids).filter(id -> id == SplicedText.SENTINEL).count();
    boolean same = imageToken == SplicedText.SENTINEL;
    long rows = same ? 0 : Arrays.stream(ids).filter(id -> id == imageToken).count();
    return sentinels + rows / rowsPerImage();
  }

  /** Entry of the tower's list of states that {@code layer} means. */
  int state(int layer) {
    return layer < 0 ? vision.layers() + 1 + layer : layer;
  }

  /** Width of what enters the projector. */
  int featureSize() {
    return featureLayers.size() * vision.hiddenSize();
  }

  /** The same with another decoder, as a pruned model has it. */
  public VisionLanguageConfig withText(LmConfig other) {
    return new VisionLanguageConfig(
        other,
        vision,
        imageToken,
        featureLayers,
        dropFirst,
        projectorLayers,
        projectorActivation,
        projectorBias);
  }

  /** The same with another tower. */
  VisionLanguageConfig withVision(VisionConfig other) {
    return new VisionLanguageConfig(
        text,
        other,
        imageToken,
        featureLayers,
        dropFirst,
        projectorLayers,
        projectorActivation,
        projectorBias);
  }

  /**
   * Reads a {@code config.json} of {@code model_type} llava.
   *
   * @param where the file, for messages
   * @throws io.lapidary.InputException when a value is missing, does not fit or is not supported
   */
  public static VisionLanguageConfig of(ObjectNode json, String where) {
    HubConfig config = new HubConfig(json, where);
    String type = config.text("model_type", "");
    if (!type.equals(TYPE)) {
      throw config.unsupported(TYPE, type);
    }
    config.group("text_config"); // it must be a group
    ObjectNode text =
        json.path("text_config") instanceof ObjectNode own ? own.deepCopy() : Jsons.object();
    if (!text.hasNonNull("model_type")) {
      text.put("model_type", "llama");
    }
    for (String key : List.of("tie_word_embeddings", "eos_token_id", "bos_token_id")) {
      if (!text.has(key) && json.has(key)) {
        text.set(key, json.get(key));
      }
    }
    addDefaultSizes(text);
    HubConfig tower = config.group("vision_config");
    String towerType = tower.text("model_type", VisionFamily.CLIP.modelType());
    VisionFamily family =
        List.of(VisionFamily.CLIP, VisionFamily.SIGLIP).stream()
            .filter(f -> f.modelType().equals(towerType))
            .findFirst()
            .orElseThrow(
                () -> tower.unsupported("clip_vision_model or siglip_vision_model", towerType));
    String strategy = config.text("vision_feature_select_strategy", "default");
    if (!strategy.equals("default") && !strategy.equals("full")) {
      throw config.error(
          "vision_feature_select_strategy must be default or full, found %s",
          strategy.replaceAll("\\p{Cntrl}", "?"));
    }
    List<Integer> layers = config.integers("vision_feature_layer");
    LmConfig decoder = LmConfig.of(text, where + ": text_config");
    VisionConfig vision = VisionConfig.of(family, tower);
    return config.build(
        () ->
            new VisionLanguageConfig(
                decoder,
                vision,
                config.integer("image_token_index", config.integer("image_token_id", 32000)),
                layers.isEmpty() ? List.of(-2) : layers,
                strategy.equals("default"),
                2,
                config.text("projector_hidden_act", "gelu"),
                config.flag("multimodal_projector_bias", true)));
  }

  /**
   * Whether a configuration is in the layout of LLaVA's authors, flat and with {@code mm_} keys.
   */
  static boolean isOriginal(ObjectNode json) {
    return json.has("mm_vision_tower") && !json.has("vision_config");
  }

  /**
   * Reads a {@code config.json} in the layout of LLaVA's authors, where images stand as {@link
   * SplicedText#SENTINEL}.
   *
   * @param vision the tower, of which the file knows the name only
   */
  static VisionLanguageConfig original(ObjectNode json, String where, VisionConfig vision) {
    HubConfig config = new HubConfig(json, where);
    String merge = config.text("mm_patch_merge_type", "flat");
    if (!merge.equals("flat")) {
      throw config.notSupported("mm_patch_merge_type");
    }
    if (config.flag("mm_use_im_start_end", false)) {
      throw config.notSupported("mm_use_im_start_end");
    }
    String feature = config.text("mm_vision_select_feature", "patch");
    if (!feature.equals("patch") && !feature.equals("cls_patch")) {
      throw config.notSupported("mm_vision_select_feature");
    }
    ObjectNode text = json.deepCopy();
    text.put("model_type", decoderType(config.text("model_type", "llava")));
    LmConfig decoder = LmConfig.of(text, where);
    int projector = originalProjector(config);
    return config.build(
        () ->
            new VisionLanguageConfig(
                decoder,
                vision,
                SplicedText.SENTINEL,
                List.of(config.integer("mm_vision_select_layer", -2)),
                feature.equals("patch") && vision.family().names().classToken() != null,
                projector,
                "gelu",
                true));
  }

  /** The decoder in names such as {@code llava_mistral} and {@code bunny-phi}. */
  private static String decoderType(String type) {
    String decoder = type.replaceFirst("^(llava|bunny)[_-]?", "");
    return switch (decoder) {
      case "" -> "llama";
      case "qwen" -> type.startsWith("llava") ? "qwen2" : decoder;
      default -> decoder;
    };
  }

  private static int originalProjector(HubConfig config) {
    String type = config.text("mm_projector_type", "linear");
    if (type.matches("mlp[1-9]x_gelu")) {
      return type.charAt(3) - '0';
    }
    return switch (type) {
      case "identity" -> 0;
      case "linear" -> 1;
      default -> throw config.notSupported("mm_projector_type");
    };
  }

  private static void addDefaultSizes(ObjectNode text) {
    int[] sizes =
        LmFamily.of(text.path("model_type").asText("")).map(DEFAULT_SIZES::get).orElse(null);
    if (sizes == null) {
      return;
    }
    boolean headsGiven = text.hasNonNull("num_attention_heads");
    for (int i = 0; i < sizes.length; i++) {
      boolean followsHeads = i == 5 && headsGiven; // query heads then say how many there are
      if (!text.has(SIZE_KEYS.get(i)) && !followsHeads) {
        text.put(SIZE_KEYS.get(i), sizes[i]);
      }
    }
  }

  /** The {@code config.json} that the Python library reads. */
  public ObjectNode toJson() {
    Check.that(projectorLayers == 2, "the layout of Hugging Face has two maps in the projector");
    ObjectNode json = Jsons.object();
    json.putArray("architectures").add("LlavaForConditionalGeneration");
    json.put("model_type", TYPE)
        .put("image_token_index", imageToken)
        .put("image_seq_length", rowsPerImage())
        .put("multimodal_projector_bias", projectorBias)
        .put("projector_hidden_act", projectorActivation)
        .put("tie_word_embeddings", text.tied())
        .put("vision_feature_select_strategy", dropFirst ? "default" : "full");
    if (featureLayers.size() == 1) {
      json.put("vision_feature_layer", featureLayers.get(0));
    } else {
      featureLayers.forEach(json.putArray("vision_feature_layer")::add);
    }
    json.set("text_config", text.toJson());
    vision.write(json.putObject("vision_config"));
    return json;
  }

  /** Names of the projector's maps without {@code .weight}. */
  List<String> projectorNames() {
    List<String> names = new ArrayList<>();
    for (int i = 1; i <= projectorLayers; i++) {
      names.add(String.format(Locale.ROOT, "%slinear_%d", VisionLanguageModel.PROJECTOR, i));
    }
    return names;
  }
}
