package io.lapidary.model;

import io.lapidary.layer.EncoderBlock;

/** Names and shapes of the tensors of a vision transformer, after the tables of its family. */
final class VisionTensors {
  private VisionTensors() {}

  static long[] classToken(VisionConfig c) {
    long width = c.hiddenSize();
    return c.family().names().rowed() ? new long[] {1, 1, width} : new long[] {width};
  }

  static long[] positions(VisionConfig c) {
    long width = c.hiddenSize();
    return c.family().names().rowed()
        ? new long[] {1, c.tokens(), width}
        : new long[] {c.tokens(), width};
  }

  /** Adds the tower to {@code table}. */
  static void add(TensorTable table, String prefix, VisionConfig c) {
    VisionFamily.Names names = c.family().names();
    long width = c.hiddenSize();
    if (names.classToken() != null) {
      table.put(prefix + names.classToken(), classToken(c));
    }
    String patches = prefix + names.patches();
    table.put(patches + ".weight", width, c.channels(), c.patchSize(), c.patchSize());
    if (names.patchBias()) {
      table.put(patches + ".bias", width);
    }
    table.put(prefix + names.positions(), positions(c));
    if (names.preNorm() != null) {
      table.norm(prefix + names.preNorm(), width);
    }
    for (int i = 0; i < c.layers(); i++) {
      block(table, prefix + names.blocks() + i + ".", c.family().block(c.gated()), c);
    }
    table.norm(prefix + names.postNorm(), width);
    if (c.head()) {
      head(table, prefix + names.head(), c);
    }
    if (c.family() == VisionFamily.DINOV2) {
      table.optional(prefix + "embeddings.mask_token", 1, width);
    }
  }

  private static void block(
      TensorTable table, String at, EncoderBlock.Names names, VisionConfig c) {
    long width = c.hiddenSize();
    long hidden = c.intermediateSize();
    table
        .norm(at + names.norm1(), width)
        .linear(at + names.query(), width, width, c.inputBias())
        .linear(at + names.key(), width, width, c.inputBias())
        .linear(at + names.value(), width, width, c.inputBias())
        .linear(at + names.out(), width, width, true)
        .norm(at + names.norm2(), width)
        .linear(at + names.first(), width, c.gated() ? 2 * hidden : hidden, true)
        .linear(at + names.second(), hidden, width, true);
    if (names.scale1() != null) {
      table.put(at + names.scale1(), width).put(at + names.scale2(), width);
    }
  }

  private static void head(TensorTable table, String name, VisionConfig c) {
    long width = c.hiddenSize();
    if (c.family() == VisionFamily.VIT) {
      table.linear(name, width, width, true);
      return;
    }
    table
        .put(name + ".probe", 1, 1, width)
        .put(name + ".attention.in_proj_weight", 3 * width, width)
        .put(name + ".attention.in_proj_bias", 3 * width)
        .linear(name + ".attention.out_proj", width, width, true)
        .norm(name + ".layernorm", width)
        .linear(name + ".mlp.fc1", width, c.intermediateSize(), true)
        .linear(name + ".mlp.fc2", c.intermediateSize(), width, true);
  }
}
