package io.lapidary.model;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.lapidary.Check;
import io.lapidary.engine.Ops;
import io.lapidary.layer.EncoderBlock;

/**
 * Sizes of CLIP's text tower, as in the {@code text_config} of a checkpoint.
 *
 * @param vocabularySize number of token ids
 * @param contextLength longest text in tokens
 * @param hiddenSize width of the residual stream
 * @param intermediateSize width inside the perceptrons
 * @param layers number of blocks
 * @param heads attention heads; divides {@code hiddenSize}
 * @param activation {@code hidden_act}, such as {@code quick_gelu}
 * @param epsilon {@code layer_norm_eps}
 * @param beginToken id that starts a text
 * @param endToken id that ends a text; its state is the text's state, see {@link #pooledAtLargest}
 * @param padToken id that fills up after the end
 */
public record TextConfig(
    int vocabularySize,
    int contextLength,
    int hiddenSize,
    int intermediateSize,
    int layers,
    int heads,
    String activation,
    double epsilon,
    int beginToken,
    int endToken,
    int padToken) {

  /** Checks the fields. */
  public TextConfig {
    Check.positive("vocab_size", vocabularySize);
    Check.positive("max_position_embeddings", contextLength);
    checkEncoder(hiddenSize, intermediateSize, layers, heads, activation, epsilon);
  }

  static void checkEncoder(
      int hiddenSize,
      int intermediateSize,
      int layers,
      int heads,
      String activation,
      double epsilon) {
    Check.positive("hidden_size", hiddenSize);
    Check.positive("intermediate_size", intermediateSize);
    Check.between("num_hidden_layers", layers, 1, 10_000);
    Check.positive("num_attention_heads", heads);
    Check.that(
        hiddenSize % heads == 0,
        "num_attention_heads=%d must divide hidden_size=%d",
        heads,
        hiddenSize);
    Ops.checkActivation("hidden_act", activation);
    Check.positive("layer_norm_eps", epsilon);
  }

  /**
   * Whether a text's state is taken at its largest id instead of the first {@link #endToken}: so
   * with the published vocabulary, where the end token 49407 is the largest id, and with older
   * files of it, which carry the wrong end token 2.
   */
  public boolean pooledAtLargest() {
    return endToken == 2 || endToken == 49407;
  }

  EncoderBlock block() {
    return new EncoderBlock(heads, intermediateSize, activation, epsilon, layers);
  }

  /** Missing keys have the defaults of the Python library. */
  static TextConfig of(HubConfig json) {
    return json.build(
        () ->
            new TextConfig(
                json.integer("vocab_size", 49408),
                json.integer("max_position_embeddings", 77),
                json.integer("hidden_size", 512),
                json.integer("intermediate_size", 2048),
                json.integer("num_hidden_layers", 12),
                json.integer("num_attention_heads", 8),
                json.text("hidden_act", "quick_gelu"),
                json.number("layer_norm_eps", 1e-5),
                json.integer("bos_token_id", 49406),
                json.integer("eos_token_id", 49407),
                json.integer("pad_token_id", 1)));
  }

  void write(ObjectNode json) {
    json.put("model_type", "clip_text_model")
        .put("vocab_size", vocabularySize)
        .put("max_position_embeddings", contextLength)
        .put("hidden_size", hiddenSize)
        .put("intermediate_size", intermediateSize)
        .put("num_hidden_layers", layers)
        .put("num_attention_heads", heads)
        .put("hidden_act", activation)
        .put("layer_norm_eps", epsilon)
        .put("bos_token_id", beginToken)
        .put("eos_token_id", endToken)
        .put("pad_token_id", padToken);
  }
}
