package io.lapidary.model;

import java.util.LinkedHashMap;
import java.util.Map;

/** Names and shapes of all tensors of a CLIP checkpoint. */
final class ClipShapes {
  private final Map<String, long[]> shapes = new LinkedHashMap<>();

  private ClipShapes() {}

  static Map<String, long[]> of(ClipConfig config) {
    ClipShapes made = new ClipShapes();
    made.vision(config.vision());
    made.text(config.text());
    made.put("visual_projection.weight", config.projection(), config.vision().hiddenSize());
    made.put("text_projection.weight", config.projection(), config.text().hiddenSize());
    made.put("logit_scale");
    return made.shapes;
  }

  private void vision(VisionConfig c) {
    String prefix = "vision_model.";
    long width = c.hiddenSize();
    put(prefix + "embeddings.class_embedding", width);
    put(
        prefix + "embeddings.patch_embedding.weight",
        width,
        c.channels(),
        c.patchSize(),
        c.patchSize());
    put(prefix + "embeddings.position_embedding.weight", c.patches() + 1L, width);
    norm(prefix + "pre_layrnorm", width);
    for (int i = 0; i < c.layers(); i++) {
      block(prefix + "encoder.layers." + i + ".", width, c.intermediateSize());
    }
    norm(prefix + "post_layernorm", width);
  }

  private void text(TextConfig c) {
    String prefix = "text_model.";
    long width = c.hiddenSize();
    put(prefix + "embeddings.token_embedding.weight", c.vocabularySize(), width);
    put(prefix + "embeddings.position_embedding.weight", c.contextLength(), width);
    for (int i = 0; i < c.layers(); i++) {
      block(prefix + "encoder.layers." + i + ".", width, c.intermediateSize());
    }
    norm(prefix + "final_layer_norm", width);
  }

  private void block(String prefix, long width, long hidden) {
    norm(prefix + "layer_norm1", width);
    for (String map : new String[] {"q_proj", "k_proj", "v_proj", "out_proj"}) {
      linear(prefix + "self_attn." + map, width, width);
    }
    norm(prefix + "layer_norm2", width);
    linear(prefix + "mlp.fc1", width, hidden);
    linear(prefix + "mlp.fc2", hidden, width);
  }

  private void linear(String name, long in, long out) {
    put(name + ".weight", out, in);
    put(name + ".bias", out);
  }

  private void norm(String name, long width) {
    put(name + ".weight", width);
    put(name + ".bias", width);
  }

  private void put(String name, long... shape) {
    shapes.put(name, shape);
  }
}
