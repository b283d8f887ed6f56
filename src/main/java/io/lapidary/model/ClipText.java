package io.lapidary.model;

import io.lapidary.Check;
import io.lapidary.engine.Graph;
import io.lapidary.engine.Init;
import io.lapidary.engine.Ops;
import io.lapidary.layer.EncoderBlock;
import io.lapidary.layer.Layers;
import java.util.Arrays;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.factory.Nd4j;

/**
 * CLIP's text tower: token and position tables, causal pre-norm blocks, a final norm, and the state
 * at the end token. What follows the end token has no influence, so padding needs no mask.
 */
public final class ClipText {
  private ClipText() {}

  /**
   * What the tower computes.
   *
   * @param lastHidden normed final states [B, T, hidden]
   * @param pooled the state at the end of each text [B, hidden]
   */
  public record Output(SDVariable lastHidden, SDVariable pooled) {}

  /**
   * Adds the tower to a graph.
   *
   * @param prefix of the parameter names, such as {@code text_model.}
   * @param ids token ids [B, T] of type INT with T at most the context length
   */
  public static Output build(Graph g, String prefix, TextConfig config, SDVariable ids) {
    long[] shape = g.shape(ids);
    Check.that(shape.length == 2, "ids must be [B, T], got %s", Arrays.toString(shape));
    SDVariable tokens =
        Layers.embedding(
            g,
            prefix + "embeddings.token_embedding",
            ids,
            config.vocabularySize(),
            config.hiddenSize());
    SDVariable x =
        Layers.addPositions(
            g,
            prefix + "embeddings.position_embedding",
            tokens,
            config.contextLength(),
            Init.normal(0.01));
    EncoderBlock block = config.block();
    for (int i = 0; i < config.layers(); i++) {
      String name = prefix + "encoder.layers." + i;
      x = g.point(name, block.apply(g, name, x, Ops.AttentionMask.CAUSAL, null));
    }
    SDVariable last = Layers.layerNorm(g, prefix + "final_layer_norm", x, config.epsilon());
    SDVariable rows = g.ops().reshape(last, shape[0] * shape[1], config.hiddenSize());
    return new Output(last, g.ops().embedding(rows, ends(g, config, ids)));
  }

  /** Row of each text's end among all B·T tokens; the first token where a text has no end. */
  private static SDVariable ends(Graph g, TextConfig config, SDVariable ids) {
    Ops ops = g.ops();
    long[] shape = g.shape(ids);
    SDVariable values = ops.cast(ids, g.type());
    SDVariable score =
        config.pooledAtLargest() ? values : ops.equal(values, g.constant(config.endToken()));
    SDVariable column = ops.argmax(score, 1);
    long[] starts = new long[Math.toIntExact(shape[0])];
    Arrays.setAll(starts, i -> i * shape[1]);
    return ops.add(column, g.constant(Nd4j.createFromArray(starts)));
  }
}
