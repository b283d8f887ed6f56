package io.lapidary.model;

import io.lapidary.Check;
import io.lapidary.engine.Graph;
import io.lapidary.engine.Init;
import io.lapidary.engine.Ops;
import io.lapidary.layer.EncoderBlock;
import io.lapidary.layer.Layers;
import io.lapidary.layer.Patches;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * A masked autoencoder (He et al. 2022) around the weights of a {@link VisionEncoder}: the encoder
 * sees some patches, a small decoder paints the others. Only the encoder is of use afterwards.
 *
 * @param encoder sizes of the encoder, of a family with a class token
 * @param kept patches that the encoder sees
 * @param width of the decoder
 * @param layers blocks of the decoder
 * @param heads attention heads of the decoder; divides {@code width}
 */
public record MaskedAutoencoder(VisionConfig encoder, int kept, int width, int layers, int heads) {
  private static final String DECODER = "decoder.";
  private static final double FLOOR = 1e-6; // added to the variance of a patch

  /** Checks the sizes. */
  public MaskedAutoencoder {
    Check.present("encoder", encoder);
    Check.that(encoder.tokens() == encoder.patches() + 1, "masked autoencoders need a class token");
    Check.that(
        kept > 0 && kept < encoder.patches(),
        "kept must be in [1, %d), got %d",
        encoder.patches(),
        kept);
    Check.positive("layers", layers);
    Check.that(
        heads > 0 && width % heads == 0, "heads must divide the width %d, got %d", width, heads);
  }

  /**
   * Mean squared error over the masked patches, whose pixels are brought to mean 0 and variance 1.
   *
   * @param pixels normalised images [B, channels, S, S]
   * @param keptRows rows of class token and kept patches in the tokens [B, 1 + kept], type INT
   * @param maskedRows rows of the masked patches [B, patches − kept], type INT
   * @param restored row of every patch among the kept ones, B · kept for masked ones [B, patches],
   *     type INT
   */
  public SDVariable loss(
      Graph g, SDVariable pixels, SDVariable keptRows, SDVariable maskedRows, SDVariable restored) {
    Ops ops = g.ops();
    long batch = g.size(pixels, 0);
    long patches = encoder.patches();
    VisionTransformer.Output seen = VisionTransformer.build(g, "", encoder, pixels, keptRows);
    SDVariable states = ops.slice(seen.lastHidden(), 1, 1, kept);
    SDVariable narrow = Layers.linear(g, DECODER + "embed", states, width, true);
    SDVariable token = g.parameter(DECODER + "mask_token", Init.normal(0.02), 1, width);
    SDVariable table = ops.concat(0, ops.reshape(narrow, batch * kept, width), token);
    SDVariable places =
        g.parameter(DECODER + "position_embeddings", Init.normal(0.02), 1, patches, width);
    SDVariable x = ops.add(ops.embedding(table, restored), places);
    EncoderBlock block =
        new EncoderBlock(heads, 4 * width, encoder.activation(), encoder.epsilon(), layers);
    for (int i = 0; i < layers; i++) {
      x = block.apply(g, DECODER + "layer." + i, x, Ops.AttentionMask.FULL, null);
    }
    x = Layers.layerNorm(g, DECODER + "norm", x, encoder.epsilon());
    SDVariable target = Patches.split(g, "target", pixels, encoder.patchSize());
    long values = g.size(target, 2);
    SDVariable painted = Layers.linear(g, DECODER + "pixels", x, values, true);
    SDVariable difference =
        ops.sub(rows(g, painted, maskedRows), normalised(g, rows(g, target, maskedRows)));
    return ops.mean(ops.square(difference), false);
  }

  private static SDVariable rows(Graph g, SDVariable x, SDVariable rows) {
    long[] s = g.shape(x);
    return g.ops().embedding(g.ops().reshape(x, s[0] * s[1], s[2]), rows);
  }

  private static SDVariable normalised(Graph g, SDVariable patches) {
    Ops ops = g.ops();
    SDVariable centred = ops.sub(patches, ops.mean(patches, true, 2));
    SDVariable variance = ops.mean(ops.square(centred), true, 2);
    return ops.div(centred, ops.sqrt(ops.add(variance, FLOOR)));
  }
}
