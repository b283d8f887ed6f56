package io.lapidary.model;

import io.lapidary.Check;
import io.lapidary.engine.Graph;
import io.lapidary.engine.Init;
import io.lapidary.engine.Ops;
import io.lapidary.layer.AttentionPooling;
import io.lapidary.layer.EncoderBlock;
import io.lapidary.layer.Layers;
import io.lapidary.layer.Patches;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * Vision transformers of the kinds in {@link VisionFamily} (Dosovitskiy et al. 2021): patches, a
 * class token before them, learned positions, pre-norm blocks, a last norm, one vector per image.
 */
public final class VisionTransformer {
  private VisionTransformer() {}

  /**
   * What the tower computes; a plan runs only what is asked of it. T counts the patches and, where
   * there is one, the class token before them.
   *
   * @param hiddenStates states [B, T, hidden]: entry 0 what enters the blocks, entry n after block
   *     n; no last norm
   * @param lastHidden final states [B, T, hidden], after the last norm where it is on all tokens
   *     (all families but CLIP)
   * @param pooled one vector per image [B, hidden]
   */
  public record Output(List<SDVariable> hiddenStates, SDVariable lastHidden, SDVariable pooled) {}

  /**
   * Adds the tower to a graph.
   *
   * @param prefix of the parameter names, such as {@code vision_model.}
   * @param pixels normalised images [B, channels, S, S]
   */
  public static Output build(Graph g, String prefix, VisionConfig config, SDVariable pixels) {
    return build(g, prefix, config, pixels, null);
  }

  /**
   * As {@link #build(Graph, String, VisionConfig, SDVariable)} over some tokens only; T is then
   * their number.
   *
   * @param kept rows of the tokens in [B · T], positions already added, [B, kept] of type INT; null
   *     for all
   */
  static Output build(
      Graph g, String prefix, VisionConfig config, SDVariable pixels, SDVariable kept) {
    long[] shape = g.shape(pixels);
    long[] expected = {shape[0], config.channels(), config.imageSize(), config.imageSize()};
    Check.that(
        Arrays.equals(shape, expected),
        "images must be [B, %d, %d, %d], got %s",
        config.channels(),
        config.imageSize(),
        config.imageSize(),
        Arrays.toString(shape));
    VisionFamily.Names names = config.family().names();
    SDVariable x = embed(g, prefix, config, pixels);
    if (kept != null) {
      SDVariable flat = g.ops().reshape(x, shape[0] * config.tokens(), config.hiddenSize());
      x = g.ops().embedding(flat, kept);
    }
    if (names.preNorm() != null) {
      x = Layers.layerNorm(g, prefix + names.preNorm(), x, config.epsilon());
    }
    List<SDVariable> states = new ArrayList<>();
    states.add(x);
    EncoderBlock block = config.block();
    for (int i = 0; i < config.layers(); i++) {
      String name = prefix + names.blocks() + i;
      x = g.point(name, block.apply(g, name, x, Ops.AttentionMask.FULL, null));
      states.add(x);
    }
    String norm = prefix + names.postNorm();
    if (config.family() == VisionFamily.CLIP) {
      SDVariable pooled = Layers.layerNorm(g, norm, first(g, x), config.epsilon());
      return new Output(List.copyOf(states), x, pooled);
    }
    SDVariable last = Layers.layerNorm(g, norm, x, config.epsilon());
    return new Output(List.copyOf(states), last, pooled(g, prefix, config, last));
  }

  private static SDVariable embed(Graph g, String prefix, VisionConfig config, SDVariable pixels) {
    VisionFamily.Names names = config.family().names();
    int width = config.hiddenSize();
    SDVariable tokens =
        Patches.embed(
            g, prefix + names.patches(), pixels, config.patchSize(), width, names.patchBias());
    if (names.classToken() != null) {
      String name = prefix + names.classToken();
      tokens = Patches.prependToken(g, name, tokens, VisionTensors.classToken(config));
    }
    SDVariable table =
        g.parameter(
            prefix + names.positions(),
            Init.normal(1 / Math.sqrt(width)),
            VisionTensors.positions(config));
    return g.ops().add(tokens, g.ops().reshape(table, 1, config.tokens(), width));
  }

  /** One vector per image from the normed states. */
  private static SDVariable pooled(Graph g, String prefix, VisionConfig config, SDVariable last) {
    String head = prefix + config.family().names().head();
    if (config.family() == VisionFamily.SIGLIP) {
      return config.head()
          ? new AttentionPooling(
                  config.heads(), config.intermediateSize(), config.activation(), config.epsilon())
              .apply(g, head, last)
          : g.ops().mean(last, false, 1);
    }
    SDVariable token = first(g, last);
    return config.head()
        ? g.ops().tanh(Layers.linear(g, head, token, config.hiddenSize(), true))
        : token;
  }

  /** State of the first token, [B, T, hidden] to [B, hidden]. */
  private static SDVariable first(Graph g, SDVariable x) {
    long[] s = g.shape(x);
    return g.ops().reshape(g.ops().slice(x, 1, 0, 1), s[0], s[2]);
  }

  /** One vector per image and layer: the first token, or the mean over all. */
  static List<SDVariable> features(Graph g, Output output, boolean classToken) {
    return output.hiddenStates().stream()
        .map(x -> classToken ? first(g, x) : g.ops().mean(x, false, 1))
        .toList();
  }
}
