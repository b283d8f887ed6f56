package io.lapidary.model;

import java.util.Map;

/** Names and shapes of all tensors of a CLIP checkpoint. */
final class ClipShapes {
  private ClipShapes() {}

  static Map<String, long[]> of(ClipConfig config) {
    TensorTable table = new TensorTable();
    VisionTensors.add(table, "vision_model.", config.vision());
    text(table, "text_model.", config.text());
    return table
        .linear("visual_projection", config.vision().hiddenSize(), config.projection(), false)
        .linear("text_projection", config.text().hiddenSize(), config.projection(), false)
        .put("logit_scale")
        .needed();
  }

  private static void text(TensorTable table, String prefix, TextConfig c) {
    long width = c.hiddenSize();
    long hidden = c.intermediateSize();
    table
        .put(prefix + "embeddings.token_embedding.weight", c.vocabularySize(), width)
        .put(prefix + "embeddings.position_embedding.weight", c.contextLength(), width);
    for (int i = 0; i < c.layers(); i++) {
      String block = prefix + "encoder.layers." + i + ".";
      table.norm(block + "layer_norm1", width);
      for (String map : new String[] {"q_proj", "k_proj", "v_proj", "out_proj"}) {
        table.linear(block + "self_attn." + map, width, width, true);
      }
      table
          .norm(block + "layer_norm2", width)
          .linear(block + "mlp.fc1", width, hidden, true)
          .linear(block + "mlp.fc2", hidden, width, true);
    }
    table.norm(prefix + "final_layer_norm", width);
  }
}
