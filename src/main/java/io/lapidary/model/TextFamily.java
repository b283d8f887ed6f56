package io.lapidary.model;

import io.lapidary.layer.EncoderBlock;

/** The kinds of bidirectional text encoders and what their checkpoints call the parts. */
public enum TextFamily {
  /** BERT (Devlin et al. 2019): learned positions from 0, token types. */
  BERT(
      "bert",
      0,
      new EncoderBlock.Names(
          "attention.output.LayerNorm",
          "attention.self.query",
          "attention.self.key",
          "attention.self.value",
          "attention.output.dense",
          "output.LayerNorm",
          "intermediate.dense",
          "output.dense",
          null,
          null)),
  /**
   * MPNet (Song et al. 2020): positions counted over real tokens from the padding id on, and a bias
   * of the attention by relative position.
   */
  MPNET(
      "mpnet",
      1,
      new EncoderBlock.Names(
          "attention.LayerNorm",
          "attention.attn.q",
          "attention.attn.k",
          "attention.attn.v",
          "attention.attn.o",
          "output.LayerNorm",
          "intermediate.dense",
          "output.dense",
          null,
          null));

  static final String WORDS = "embeddings.word_embeddings";
  static final String POSITIONS = "embeddings.position_embeddings";
  static final String TYPES = "embeddings.token_type_embeddings";
  static final String NORM = "embeddings.LayerNorm";
  static final String BLOCKS = "encoder.layer.";
  static final String RELATIVE = "encoder.relative_attention_bias";
  static final String POOLER = "pooler.dense";

  private final String modelType;
  private final int padToken;
  private final EncoderBlock.Names block;

  TextFamily(String modelType, int padToken, EncoderBlock.Names block) {
    this.modelType = modelType;
    this.padToken = padToken;
    this.block = block;
  }

  /** The {@code model_type} in {@code config.json}. */
  public String modelType() {
    return modelType;
  }

  /** The usual {@code pad_token_id}. */
  int padToken() {
    return padToken;
  }

  EncoderBlock.Names block() {
    return block;
  }
}
