package io.lapidary.model;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.lapidary.Check;
import io.lapidary.engine.Ops;
import io.lapidary.layer.Rotary;
import java.util.Collections;
import java.util.List;

/**
 * Sizes and options of a decoder language model, as in the {@code config.json} of a checkpoint.
 *
 * @param family which architecture
 * @param vocabularySize number of token ids
 * @param hiddenSize width of the residual stream
 * @param headSize width of a head; need not be {@code hiddenSize / heads}
 * @param layers sizes of every block
 * @param maxPositions longest text in tokens; a hard limit only with learned positions
 * @param activation {@code hidden_act}, such as {@code silu}
 * @param epsilon of the norms
 * @param rotary rotary positions; null for learned ones
 * @param biases which maps have a bias
 * @param tied whether the output map is the token table
 * @param scaling how attention scores are scaled
 * @param tokens special ids
 */
public record LmConfig(
    LmFamily family,
    int vocabularySize,
    int hiddenSize,
    int headSize,
    List<LmLayer> layers,
    int maxPositions,
    String activation,
    double epsilon,
    Rotary rotary,
    Biases biases,
    boolean tied,
    ScoreScaling scaling,
    Tokens tokens) {

  /** Checks the fields. */
  public LmConfig {
    Check.present("model_type", family);
    Check.positive("vocab_size", vocabularySize);
    Check.positive("hidden_size", hiddenSize);
    Check.positive("head_dim", headSize);
    layers = List.copyOf(layers);
    Check.that(!layers.isEmpty(), "num_hidden_layers must be above 0");
    Check.positive("max_position_embeddings", maxPositions);
    Ops.checkActivation("hidden_act", activation);
    Check.positive("norm epsilon", epsilon);
    Check.that(
        (rotary == null) == (family.names().positions() != null),
        "%s has %s positions",
        family.modelType(),
        rotary == null ? "rotary" : "learned");
    Check.that(
        rotary == null || rotary.size() <= headSize,
        "a head has %d dimensions, so %s of them cannot be turned",
        headSize,
        rotary == null ? 0 : rotary.size());
    Check.present("biases", biases);
    Check.present("scaling", scaling);
    Check.present("tokens", tokens);
  }

  /**
   * Which maps inside blocks have a bias.
   *
   * @param qkv query, key and value
   * @param out output of attention
   * @param mlp the perceptron
   */
  public record Biases(boolean qkv, boolean out, boolean mlp) {}

  /** How attention scores are scaled. */
  public enum ScoreScaling {
    /** 1/√d. */
    HEAD_SIZE,
    /** 1/√d, and 1/(number of the block, from 1). */
    HEAD_SIZE_AND_DEPTH,
    /** 1/(number of the block, from 1). */
    DEPTH,
    /** Not at all. */
    NONE;

    double factor(int headSize, int layer) {
      double head = this == HEAD_SIZE || this == HEAD_SIZE_AND_DEPTH ? Math.sqrt(headSize) : 1;
      return 1 / (this == DEPTH || this == HEAD_SIZE_AND_DEPTH ? head * (layer + 1) : head);
    }
  }

  /**
   * Special ids; −1 where there is none.
   *
   * @param begin {@code bos_token_id}
   * @param end {@code eos_token_id}: any of these ends a text
   * @param pad {@code pad_token_id}
   */
  public record Tokens(int begin, List<Integer> end, int pad) {
    /** Copies the list. */
    public Tokens {
      end = List.copyOf(end);
    }
  }

  /**
   * A LLaMA with rotary positions of base 10000 and equal blocks.
   *
   * @param heads divides {@code hiddenSize}
   */
  public static LmConfig llama(
      int vocabularySize,
      int hiddenSize,
      int layers,
      int heads,
      int keyValueHeads,
      int intermediateSize,
      int maxPositions) {
    Check.positive("heads", heads);
    Check.that(hiddenSize % heads == 0, "%d heads must divide %d", heads, hiddenSize);
    LmLayer layer = LmLayer.of(heads, keyValueHeads, intermediateSize);
    int headSize = hiddenSize / heads;
    return new LmConfig(
        LmFamily.LLAMA,
        vocabularySize,
        hiddenSize,
        headSize,
        Collections.nCopies(layers, layer),
        maxPositions,
        "silu",
        1e-6,
        Rotary.plain(10000, headSize, maxPositions),
        new Biases(false, false, false),
        false,
        ScoreScaling.HEAD_SIZE,
        new Tokens(1, List.of(2), -1));
  }

  /** This configuration with other blocks, as a pruned model has them. */
  public LmConfig withLayers(List<LmLayer> others) {
    return new LmConfig(
        family,
        vocabularySize,
        hiddenSize,
        headSize,
        others,
        maxPositions,
        activation,
        epsilon,
        rotary,
        biases,
        tied,
        scaling,
        tokens);
  }

  /** This configuration with other special tokens. */
  public LmConfig withTokens(Tokens others) {
    return new LmConfig(
        family,
        vocabularySize,
        hiddenSize,
        headSize,
        layers,
        maxPositions,
        activation,
        epsilon,
        rotary,
        biases,
        tied,
        scaling,
        others);
  }

  /**
   * Reads a {@code config.json} in the old or the new spelling. Keys that say nothing about the
   * model are ignored, code that it names is never run.
   *
   * @param where file name, for messages
   * @throws io.lapidary.InputException when the model type or an option is not supported, or a
   *     value is missing or does not fit
   */
  public static LmConfig of(ObjectNode json, String where) {
    return LmConfigJson.read(json, where);
  }

  /** The {@code config.json} of this model, as the Python library reads it. */
  public ObjectNode toJson() {
    return LmConfigJson.write(this);
  }
}
