package io.lapidary.model;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.lapidary.Check;
import io.lapidary.layer.EncoderBlock;

/**
 * Sizes of a {@link VisionTransformer}, as in the {@code config.json} of an encoder or the {@code
 * vision_config} of a two-tower model.
 *
 * @param family which parts there are and what they are called
 * @param imageSize side of the square input in pixels
 * @param patchSize side of a patch in pixels
 * @param channels input channels
 * @param hiddenSize width of the residual stream
 * @param intermediateSize width inside the perceptrons
 * @param layers number of blocks
 * @param heads attention heads; divides {@code hiddenSize}
 * @param activation {@code hidden_act}, such as {@code quick_gelu}
 * @param epsilon {@code layer_norm_eps}
 * @param inputBias {@code qkv_bias}
 * @param gated {@code use_swiglu_ffn} of DINOv2
 * @param head whether the learned pooling of the family is there; classifiers are stored without
 */
public record VisionConfig(
    VisionFamily family,
    int imageSize,
    int patchSize,
    int channels,
    int hiddenSize,
    int intermediateSize,
    int layers,
    int heads,
    String activation,
    double epsilon,
    boolean inputBias,
    boolean gated,
    boolean head) {

  /** Checks the fields. */
  public VisionConfig {
    Check.present("family", family);
    Check.positive("patch_size", patchSize);
    Check.that(
        imageSize >= patchSize,
        "image_size must be at least patch_size=%d, got %d",
        patchSize,
        imageSize);
    Check.positive("num_channels", channels);
    TextConfig.checkEncoder(hiddenSize, intermediateSize, layers, heads, activation, epsilon);
    Check.that(!gated || family == VisionFamily.DINOV2, "use_swiglu_ffn is known for dinov2 only");
    Check.that(
        !head || family.names().head() != null, "%s has no learned pooling", family.modelType());
  }

  /** Sizes of CLIP's tower. */
  public VisionConfig(
      int imageSize,
      int patchSize,
      int channels,
      int hiddenSize,
      int intermediateSize,
      int layers,
      int heads,
      String activation,
      double epsilon) {
    this(
        VisionFamily.CLIP,
        imageSize,
        patchSize,
        channels,
        hiddenSize,
        intermediateSize,
        layers,
        heads,
        activation,
        epsilon,
        true,
        false,
        false);
  }

  /** Number of patches of one image. */
  public int patches() {
    int side = imageSize / patchSize;
    return side * side;
  }

  /** Number of tokens of one image: the patches, and the class token where there is one. */
  public int tokens() {
    return patches() + (family.names().classToken() == null ? 0 : 1);
  }

  /** The same sizes with or without the learned pooling. */
  VisionConfig withHead(boolean present) {
    return new VisionConfig(
        family,
        imageSize,
        patchSize,
        channels,
        hiddenSize,
        intermediateSize,
        layers,
        heads,
        activation,
        epsilon,
        inputBias,
        gated,
        present);
  }

  EncoderBlock block() {
    return new EncoderBlock(
        family.block(gated),
        heads,
        intermediateSize,
        gated ? "silu" : activation,
        epsilon,
        layers,
        inputBias,
        gated);
  }

  /** Missing keys have the defaults of the Python library. */
  static VisionConfig of(VisionFamily family, HubConfig json) {
    VisionFamily.Defaults otherwise = family.defaults();
    boolean gated = family == VisionFamily.DINOV2 && json.flag("use_swiglu_ffn", false);
    int width = json.integer("hidden_size", 768);
    return json.build(
        () ->
            new VisionConfig(
                family,
                json.integer("image_size", 224),
                json.integer("patch_size", otherwise.patchSize()),
                json.integer("num_channels", 3),
                width,
                family == VisionFamily.DINOV2
                    ? intermediate(width, json.number("mlp_ratio", 4), gated)
                    : json.integer("intermediate_size", 3072),
                json.integer("num_hidden_layers", 12),
                json.integer("num_attention_heads", 12),
                json.text("hidden_act", otherwise.activation()),
                json.number("layer_norm_eps", otherwise.epsilon()),
                (family != VisionFamily.VIT && family != VisionFamily.DINOV2)
                    || json.flag("qkv_bias", true),
                gated,
                family.names().head() != null && json.flag("vision_use_head", true)));
  }

  void write(ObjectNode json) {
    json.put("model_type", family.modelType())
        .put("image_size", imageSize)
        .put("patch_size", patchSize)
        .put("num_channels", channels)
        .put("hidden_size", hiddenSize)
        .put("num_hidden_layers", layers)
        .put("num_attention_heads", heads)
        .put("hidden_act", activation)
        .put("layer_norm_eps", epsilon);
    switch (family) {
      case DINOV2 -> {
        double ratio = ratio();
        if (ratio == Math.rint(ratio)) {
          json.put("mlp_ratio", (long) ratio);
        } else {
          json.put("mlp_ratio", ratio);
        }
        json.put("use_swiglu_ffn", gated).put("qkv_bias", inputBias);
      }
      case VIT -> json.put("intermediate_size", intermediateSize).put("qkv_bias", inputBias);
      case SIGLIP -> json.put("intermediate_size", intermediateSize).put("vision_use_head", head);
      case CLIP -> json.put("intermediate_size", intermediateSize);
    }
  }

  /** Width inside the perceptrons of DINOv2; a gated one has two thirds, rounded up to eights. */
  private static int intermediate(int width, double ratio, boolean gated) {
    int plain = (int) (width * ratio);
    return gated ? ((int) (plain * 2 / 3.0) + 7) / 8 * 8 : plain;
  }

  /** The ratio that gives {@link #intermediateSize}. */
  private double ratio() {
    double exact = (gated ? 1.5 : 1.0) * intermediateSize / hiddenSize;
    return intermediate(hiddenSize, exact, gated) == intermediateSize ? exact : Math.nextUp(exact);
  }
}
