package io.lapidary.model;

import io.lapidary.layer.EncoderBlock;

/**
 * The kinds of vision transformers: which parts each has, and what its checkpoints call them. Names
 * follow the prefix of the tower; a null name means that the part is absent.
 */
public enum VisionFamily {
  /** CLIP (Radford et al. 2021): a norm before the blocks, the last norm on the class token. */
  CLIP(
      "clip_vision_model",
      new Defaults(32, "quick_gelu", 1e-5),
      new Names(
          "embeddings.patch_embedding",
          false,
          "embeddings.class_embedding",
          "embeddings.position_embedding.weight",
          false,
          // "layrnorm" is how the published checkpoints spell it
          "pre_layrnorm",
          "encoder.layers.",
          EncoderBlock.Names.clip(),
          "post_layernorm",
          null)),
  /** SigLIP (Zhai et al. 2023): no class token, pooled by attention. */
  SIGLIP(
      "siglip_vision_model",
      new Defaults(16, "gelu_pytorch_tanh", 1e-6),
      new Names(
          "embeddings.patch_embedding",
          true,
          null,
          "embeddings.position_embedding.weight",
          false,
          null,
          "encoder.layers.",
          EncoderBlock.Names.clip(),
          "post_layernorm",
          "head")),
  /** ViT (Dosovitskiy et al. 2021): pooled by a tanh layer on the class token. */
  VIT(
      "vit",
      new Defaults(16, "gelu", 1e-12),
      new Names(
          "embeddings.patch_embeddings.projection",
          true,
          "embeddings.cls_token",
          "embeddings.position_embeddings",
          true,
          null,
          "encoder.layer.",
          new EncoderBlock.Names(
              "layernorm_before",
              "attention.attention.query",
              "attention.attention.key",
              "attention.attention.value",
              "attention.output.dense",
              "layernorm_after",
              "intermediate.dense",
              "output.dense",
              null,
              null),
          "layernorm",
          "pooler.dense")),
  /** DINOv2 (Oquab et al. 2023): layer scale, the normed class token as the pooled state. */
  DINOV2(
      "dinov2",
      new Defaults(14, "gelu", 1e-6),
      new Names(
          "embeddings.patch_embeddings.projection",
          true,
          "embeddings.cls_token",
          "embeddings.position_embeddings",
          true,
          null,
          "encoder.layer.",
          dinov2("mlp.fc1", "mlp.fc2"),
          "layernorm",
          null));

  private final String modelType;
  private final Defaults defaults;
  private final Names names;

  VisionFamily(String modelType, Defaults defaults, Names names) {
    this.modelType = modelType;
    this.defaults = defaults;
    this.names = names;
  }

  /** What the Python library assumes where {@code config.json} is silent. */
  record Defaults(int patchSize, String activation, double epsilon) {}

  /**
   * Names of the parts.
   *
   * @param patches convolution over patches
   * @param patchBias whether it has a bias
   * @param classToken vector put before the patches, or null
   * @param positions table of positions
   * @param rowed whether class token and positions are stored with leading axes of size 1
   * @param preNorm norm before the blocks, or null
   * @param blocks what stands before the number of a block
   * @param block parts of a block
   * @param postNorm last norm
   * @param head learned pooling, or null
   */
  record Names(
      String patches,
      boolean patchBias,
      String classToken,
      String positions,
      boolean rowed,
      String preNorm,
      String blocks,
      EncoderBlock.Names block,
      String postNorm,
      String head) {}

  /** The {@code model_type} in {@code config.json}. */
  public String modelType() {
    return modelType;
  }

  Defaults defaults() {
    return defaults;
  }

  Names names() {
    return names;
  }

  /**
   * Names inside a block.
   *
   * @param gated whether the perceptron is gated, which only DINOv2 knows
   */
  EncoderBlock.Names block(boolean gated) {
    return gated ? dinov2("mlp.weights_in", "mlp.weights_out") : names.block;
  }

  private static EncoderBlock.Names dinov2(String first, String second) {
    return new EncoderBlock.Names(
        "norm1",
        "attention.attention.query",
        "attention.attention.key",
        "attention.attention.value",
        "attention.output.dense",
        "norm2",
        first,
        second,
        "layer_scale1.lambda1",
        "layer_scale2.lambda1");
  }
}
