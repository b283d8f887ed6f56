package io.lapidary.model;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.lapidary.Check;
import io.lapidary.io.Jsons;
import io.lapidary.layer.PostNormBlock;
import io.lapidary.layer.RelativePositions;

/**
 * Sizes of a {@link TextEncoder}, as in its {@code config.json}.
 *
 * @param family which parts there are and what they are called
 * @param vocabularySize number of token ids
 * @param positions {@code max_position_embeddings}: rows of the table of positions
 * @param types {@code type_vocab_size} of BERT, 0 for others
 * @param hiddenSize width of the residual stream
 * @param intermediateSize width inside the perceptrons
 * @param layers number of blocks
 * @param heads attention heads; divides {@code hiddenSize}
 * @param activation {@code hidden_act}
 * @param epsilon {@code layer_norm_eps}
 * @param padToken {@code pad_token_id}
 * @param buckets {@code relative_attention_num_buckets} of MPNet, 0 for others
 */
public record TextEncoderConfig(
    TextFamily family,
    int vocabularySize,
    int positions,
    int types,
    int hiddenSize,
    int intermediateSize,
    int layers,
    int heads,
    String activation,
    double epsilon,
    int padToken,
    int buckets) {
  private static final int FARTHEST = 128;

  /** Checks the fields. */
  public TextEncoderConfig {
    Check.present("family", family);
    Check.positive("vocab_size", vocabularySize);
    Check.positive("max_position_embeddings", positions);
    TextConfig.checkEncoder(hiddenSize, intermediateSize, layers, heads, activation, epsilon);
    Check.that(
        (family == TextFamily.BERT) == (types > 0),
        "type_vocab_size must be positive for bert and 0 for others, got %d",
        types);
    Check.that(
        (family == TextFamily.MPNET) == (buckets > 0),
        "relative_attention_num_buckets must be positive for mpnet and 0 for others, got %d",
        buckets);
    Check.notNegative("pad_token_id", padToken);
    Check.that(
        positions > firstPosition(family, padToken),
        "max_position_embeddings=%d leaves no position after pad_token_id=%d",
        positions,
        padToken);
  }

  private static int firstPosition(TextFamily family, int padToken) {
    return family == TextFamily.MPNET ? padToken + 1 : 0;
  }

  /** Longest text in tokens. */
  public int longest() {
    return positions - firstPosition(family, padToken);
  }

  PostNormBlock block() {
    return new PostNormBlock(family.block(), heads, intermediateSize, activation, epsilon);
  }

  RelativePositions relative() {
    return new RelativePositions(buckets, FARTHEST);
  }

  /** Missing keys have the defaults of the Python library. */
  static TextEncoderConfig of(HubConfig json) {
    String type = json.text("model_type", "");
    TextFamily family =
        switch (type) {
          case "bert" -> TextFamily.BERT;
          case "mpnet" -> TextFamily.MPNET;
          default -> throw json.unsupported("bert or mpnet", type);
        };
    boolean bert = family == TextFamily.BERT;
    String positions = json.text("position_embedding_type", "absolute");
    if (!positions.equals("absolute")) {
      throw json.notSupported("position_embedding_type");
    }
    if (json.flag("is_decoder", false)) {
      throw json.notSupported("is_decoder");
    }
    return json.build(
        () ->
            new TextEncoderConfig(
                family,
                json.integer("vocab_size", bert ? 30522 : 30527),
                json.integer("max_position_embeddings", 512),
                bert ? json.integer("type_vocab_size", 2) : 0,
                json.integer("hidden_size", 768),
                json.integer("intermediate_size", 3072),
                json.integer("num_hidden_layers", 12),
                json.integer("num_attention_heads", 12),
                json.text("hidden_act", "gelu"),
                json.number("layer_norm_eps", 1e-12),
                json.integer("pad_token_id", family.padToken()),
                bert ? 0 : json.integer("relative_attention_num_buckets", 32)));
  }

  /** The {@code config.json} that the Python library reads. */
  ObjectNode toJson() {
    ObjectNode json = Jsons.object();
    boolean bert = family == TextFamily.BERT;
    json.putArray("architectures").add(bert ? "BertModel" : "MPNetModel");
    json.put("model_type", family.modelType())
        .put("vocab_size", vocabularySize)
        .put("max_position_embeddings", positions)
        .put("hidden_size", hiddenSize)
        .put("intermediate_size", intermediateSize)
        .put("num_hidden_layers", layers)
        .put("num_attention_heads", heads)
        .put("hidden_act", activation)
        .put("layer_norm_eps", epsilon)
        .put("pad_token_id", padToken);
    return bert
        ? json.put("type_vocab_size", types)
        : json.put("relative_attention_num_buckets", buckets);
  }
}
