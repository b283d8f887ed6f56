package io.lapidary.model;

import io.lapidary.Check;
import io.lapidary.engine.Graph;
import io.lapidary.engine.Ops;
import io.lapidary.layer.EncoderBlock;
import io.lapidary.layer.Layers;
import io.lapidary.layer.Patches;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * CLIP's vision transformer (Dosovitskiy et al. 2021; Radford et al. 2021): patches, a class token
 * before them, learned positions, a norm, pre-norm blocks, and a norm on the final class token.
 */
public final class VisionTransformer {
  private VisionTransformer() {}

  /**
   * What the tower computes; a plan runs only what is asked of it.
   *
   * @param hiddenStates states [B, 1 + patches, hidden]: entry 0 after the first norm, entry n
   *     after block n; no final norm
   * @param pooled normed final state of the class token [B, hidden]
   */
  public record Output(List<SDVariable> hiddenStates, SDVariable pooled) {
    /** Final states [B, 1 + patches, hidden]. */
    public SDVariable lastHidden() {
      return hiddenStates.get(hiddenStates.size() - 1);
    }
  }

  /**
   * Adds the tower to a graph.
   *
   * @param prefix of the parameter names, such as {@code vision_model.}
   * @param pixels normalised images [B, channels, S, S]
   */
  public static Output build(Graph g, String prefix, VisionConfig config, SDVariable pixels) {
    long[] shape = g.shape(pixels);
    long[] expected = {shape[0], config.channels(), config.imageSize(), config.imageSize()};
    Check.that(
        Arrays.equals(shape, expected),
        "images must be [B, %d, %d, %d], got %s",
        config.channels(),
        config.imageSize(),
        config.imageSize(),
        Arrays.toString(shape));
    String embeddings = prefix + "embeddings.";
    int width = config.hiddenSize();
    SDVariable patches =
        Patches.embed(g, embeddings + "patch_embedding", pixels, config.patchSize(), width, false);
    SDVariable tokens = Patches.prependToken(g, embeddings + "class_embedding", patches);
    SDVariable placed =
        Layers.addPositions(g, embeddings + "position_embedding", tokens, config.patches() + 1);
    // "layrnorm" is how the published checkpoints spell it
    SDVariable x = Layers.layerNorm(g, prefix + "pre_layrnorm", placed, config.epsilon());
    List<SDVariable> states = new ArrayList<>();
    states.add(x);
    EncoderBlock block = config.block();
    for (int i = 0; i < config.layers(); i++) {
      x = block.apply(g, prefix + "encoder.layers." + i, x, Ops.AttentionMask.FULL, null);
      states.add(x);
    }
    SDVariable first = g.ops().reshape(g.ops().slice(x, 1, 0, 1), shape[0], width);
    SDVariable pooled = Layers.layerNorm(g, prefix + "post_layernorm", first, config.epsilon());
    return new Output(List.copyOf(states), pooled);
  }
}
