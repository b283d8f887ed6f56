package io.lapidary.model;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.lapidary.Check;
import io.lapidary.layer.EncoderBlock;

/**
 * Sizes of a {@link VisionTransformer}, as in the {@code vision_config} of a CLIP checkpoint.
 *
 * @param imageSize side of the square input in pixels
 * @param patchSize side of a patch in pixels
 * @param channels input channels
 * @param hiddenSize width of the residual stream
 * @param intermediateSize width inside the perceptrons
 * @param layers number of blocks
 * @param heads attention heads; divides {@code hiddenSize}
 * @param activation {@code hidden_act}, such as {@code quick_gelu}
 * @param epsilon {@code layer_norm_eps}
 */
public record VisionConfig(
    int imageSize,
    int patchSize,
    int channels,
    int hiddenSize,
    int intermediateSize,
    int layers,
    int heads,
    String activation,
    double epsilon) {

  /** Checks the fields. */
  public VisionConfig {
    Check.positive("patch_size", patchSize);
    Check.that(
        imageSize >= patchSize,
        "image_size must be at least patch_size=%d, got %d",
        patchSize,
        imageSize);
    Check.positive("num_channels", channels);
    TextConfig.checkEncoder(hiddenSize, intermediateSize, layers, heads, activation, epsilon);
  }

  /** Number of patches of one image. */
  public int patches() {
    int side = imageSize / patchSize;
    return side * side;
  }

  EncoderBlock block() {
    return new EncoderBlock(heads, intermediateSize, activation, epsilon, layers);
  }

  /** Missing keys have the defaults of the Python library (ViT-B/32). */
  static VisionConfig of(HubConfig json) {
    return json.build(
        () ->
            new VisionConfig(
                json.integer("image_size", 224),
                json.integer("patch_size", 32),
                json.integer("num_channels", 3),
                json.integer("hidden_size", 768),
                json.integer("intermediate_size", 3072),
                json.integer("num_hidden_layers", 12),
                json.integer("num_attention_heads", 12),
                json.text("hidden_act", "quick_gelu"),
                json.number("layer_norm_eps", 1e-5)));
  }

  void write(ObjectNode json) {
    json.put("model_type", "clip_vision_model")
        .put("image_size", imageSize)
        .put("patch_size", patchSize)
        .put("num_channels", channels)
        .put("hidden_size", hiddenSize)
        .put("intermediate_size", intermediateSize)
        .put("num_hidden_layers", layers)
        .put("num_attention_heads", heads)
        .put("hidden_act", activation)
        .put("layer_norm_eps", epsilon);
  }
}
