package io.lapidary.model;

import io.lapidary.Check;
import io.lapidary.engine.Graph;
import io.lapidary.engine.Init;
import io.lapidary.engine.Ops;
import io.lapidary.layer.Layers;
import io.lapidary.layer.LoraAdapters;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * The graph of a decoder language model: token table, blocks of causal attention and a perceptron,
 * a final norm, the output map. What differs between families stands in {@link LmFamily}.
 */
final class Decoder {
  private final LmConfig config;
  private final LmFamily.Names names;
  private final LmFamily.Traits traits;
  private final String prefix;
  private final LoraAdapters adapters;

  Decoder(LmConfig config, String prefix, LoraAdapters adapters) {
    this.config = config;
    this.names = config.family().names();
    this.traits = config.family().traits();
    this.prefix = prefix;
    this.adapters = adapters;
  }

  /**
   * Where tokens stand and what they see.
   *
   * @param positions position of every token [B, T] of type INT; null for 0 … T−1
   * @param positionCount all positions are below this
   * @param length of the whole text, which some rotary scalings depend on
   * @param visible 1 for keys that queries may see and 0 for others [B, keys], on top of the causal
   *     mask; null when all may be seen
   * @param visibleByWindow likewise by sliding window of the block, when queries attend a cache
   * @param past keys and values of earlier tokens of every block [B, G, C, d]; null without cache
   */
  record Context(
      SDVariable positions,
      int positionCount,
      long length,
      SDVariable visible,
      Map<Integer, SDVariable> visibleByWindow,
      List<KeysValues> past) {
    static Context of(int tokens, SDVariable positions, SDVariable visible) {
      return new Context(positions, tokens, tokens, visible, null, null);
    }
  }

  /** Keys after rotation and values of one block, [B, G, T, d]. */
  record KeysValues(SDVariable keys, SDVariable values) {}

  SDVariable embed(Graph g, SDVariable ids) {
    return Layers.embedding(
        g, prefix + names.embedding(), ids, config.vocabularySize(), config.hiddenSize());
  }

  /**
   * The blocks over token embeddings [B, T, hidden].
   *
   * @param caches if not null, gets the keys and values of every block
   * @return the input of the first block and the output of every block, the last one normed
   */
  List<SDVariable> blocks(
      Graph g, SDVariable embeddings, Context context, List<KeysValues> caches) {
    return adapters.over(g, () -> plainBlocks(g, embeddings, context, caches));
  }

  private List<SDVariable> plainBlocks(
      Graph g, SDVariable embeddings, Context context, List<KeysValues> caches) {
    SDVariable x = embeddings;
    SDVariable[] turn = null;
    if (config.rotary() == null) {
      x = g.ops().add(x, learnedPositions(g, context, g.size(x, 1)));
    } else {
      turn = turn(g, context, g.size(x, 1));
    }
    List<SDVariable> states = new ArrayList<>();
    for (int i = 0; i < config.layers().size(); i++) {
      states.add(x);
      int index = i;
      SDVariable[] angles = turn;
      SDVariable y =
          caches != null
              ? block(g, i, x, context, turn, caches)
              : g.block(x, in -> block(g, index, in, context, angles, null));
      x = g.point(prefix + names.block() + i, y);
    }
    states.add(norm(g, prefix + names.finalNorm(), x));
    return states;
  }

  private SDVariable learnedPositions(Graph g, Context context, long tokens) {
    String name = prefix + names.positions();
    int rows = config.maxPositions();
    int width = config.hiddenSize();
    if (context.positions != null) {
      return Layers.embedding(g, name, context.positions, rows, width);
    }
    Check.that(tokens <= rows, "%s: %d tokens, but the model has %d positions", name, tokens, rows);
    SDVariable table = g.parameter(name + ".weight", Init.normal(0.02), rows, width);
    return g.ops().slice(table, 0, 0, tokens);
  }

  /** Cosines and sines of every token: [T, R], or [B, 1, T, R] where rows differ. */
  private SDVariable[] turn(Graph g, Context context, long tokens) {
    SDVariable[] tables = config.rotary().tables(g, context.positionCount, context.length);
    if (context.positions == null) {
      return tables;
    }
    long batch = g.size(context.positions, 0);
    for (int i = 0; i < tables.length; i++) {
      SDVariable rows = g.ops().embedding(tables[i], context.positions);
      tables[i] = g.ops().reshape(rows, batch, 1, tokens, config.rotary().size());
    }
    return tables;
  }

  private SDVariable block(
      Graph g,
      int index,
      SDVariable x,
      Context context,
      SDVariable[] turn,
      List<KeysValues> caches) {
    String name = prefix + names.block() + index + ".";
    SDVariable normed = norm(g, name + names.norm1(), x);
    SDVariable mixed = attention(g, index, name, normed, context, turn, caches);
    if (names.norm2() == null) { // side by side
      return g.ops().add(x, g.ops().add(mixed, perceptron(g, index, name, normed)));
    }
    SDVariable h = g.ops().add(x, mixed);
    SDVariable again = norm(g, name + names.norm2(), h);
    return g.ops().add(h, perceptron(g, index, name, again));
  }

  private SDVariable attention(
      Graph g,
      int index,
      String name,
      SDVariable x,
      Context context,
      SDVariable[] turn,
      List<KeysValues> caches) {
    LmLayer layer = config.layers().get(index);
    Ops ops = g.ops();
    int d = config.headSize();
    SDVariable[] qkv = qkv(g, name, x, (long) layer.heads() * d, (long) layer.keyValueHeads() * d);
    SDVariable q = heads(g, qkv[0], layer.heads());
    SDVariable k = heads(g, qkv[1], layer.keyValueHeads());
    SDVariable v = heads(g, qkv[2], layer.keyValueHeads());
    if (turn != null) {
      q = ops.rotary(q, turn[0], turn[1]);
      k = ops.rotary(k, turn[0], turn[1]);
    }
    if (caches != null) {
      caches.add(new KeysValues(k, v));
    }
    SDVariable visible = context.visible;
    Ops.AttentionMask mask = new Ops.AttentionMask(true, layer.window());
    if (context.past != null) {
      KeysValues past = context.past.get(index);
      k = ops.concat(2, past.keys, k);
      v = ops.concat(2, past.values, v);
      mask = Ops.AttentionMask.CAUSAL;
      visible = context.visibleByWindow.get(layer.window());
    }
    double scale = config.scaling().factor(d, index);
    SDVariable mixed = ops.attention(q, k, v, scale, mask, visible);
    long[] s = g.shape(mixed);
    SDVariable joined = ops.reshape(ops.permute(mixed, 0, 2, 1, 3), s[0], s[2], s[1] * s[3]);
    return linear(g, name + names.out(), joined, config.hiddenSize(), config.biases().out());
  }

  private SDVariable[] qkv(Graph g, String name, SDVariable x, long query, long keyValue) {
    boolean bias = config.biases().qkv();
    if (names.qkv().size() == 1) {
      long out = query + 2 * keyValue;
      SDVariable all = linear(g, name + names.qkv().get(0), x, out, bias);
      return g.ops().split(all, -1, query, keyValue, keyValue);
    }
    return new SDVariable[] {
      linear(g, name + names.qkv().get(0), x, query, bias),
      linear(g, name + names.qkv().get(1), x, keyValue, bias),
      linear(g, name + names.qkv().get(2), x, keyValue, bias)
    };
  }

  /** [B, T, heads·d] to [B, heads, T, d]. */
  private SDVariable heads(Graph g, SDVariable x, int heads) {
    long[] s = g.shape(x);
    SDVariable split = g.ops().reshape(x, s[0], s[1], heads, config.headSize());
    return g.ops().permute(split, 0, 2, 1, 3);
  }

  private SDVariable perceptron(Graph g, int index, String name, SDVariable x) {
    long wide = config.layers().get(index).intermediateSize();
    boolean bias = config.biases().mlp();
    List<String> up = names.up();
    SDVariable h;
    if (!traits.gated()) {
      h = g.ops().activation(config.activation(), linear(g, name + up.get(0), x, wide, bias));
    } else {
      SDVariable[] parts =
          up.size() == 1
              ? g.ops().split(linear(g, name + up.get(0), x, 2 * wide, bias), -1, wide, wide)
              : new SDVariable[] {
                linear(g, name + up.get(0), x, wide, bias),
                linear(g, name + up.get(1), x, wide, bias)
              };
      h = g.ops().mul(g.ops().activation(config.activation(), parts[0]), parts[1]);
    }
    return linear(g, name + names.down(), h, config.hiddenSize(), bias);
  }

  private SDVariable linear(Graph g, String name, SDVariable x, long out, boolean bias) {
    Init init = Init.normal(0.02);
    return traits.inputMajor()
        ? Layers.inputMajor(g, name, x, out, bias, init)
        : Layers.linear(g, name, x, out, bias, init);
  }

  private SDVariable norm(Graph g, String name, SDVariable x) {
    return traits.layerNorm()
        ? Layers.layerNorm(g, name, x, config.epsilon())
        : Layers.rmsNorm(g, name, x, config.epsilon());
  }

  /** Logits [..., vocabulary] of normed states [..., hidden]. */
  SDVariable logits(Graph g, SDVariable states) {
    long rows = config.vocabularySize();
    long width = config.hiddenSize();
    String name = prefix + LmFamily.HEAD;
    Init init = Init.normal(0.02);
    if (!config.tied()) {
      return adapters.over(g, () -> Layers.linear(g, name, states, rows, traits.headBias(), init));
    }
    // no overlay: what changes the table for the output would change it for the input, too
    SDVariable table = g.parameter(prefix + names.embedding() + ".weight", init, rows, width);
    SDVariable bias = traits.headBias() ? g.parameter(name + ".bias", Init.zeros(), rows) : null;
    return g.ops().linear(states, table, bias);
  }

  /** Positions that count from the first real token: 0 before it. */
  static SDVariable positions(Graph g, SDVariable padding) {
    Ops ops = g.ops();
    return ops.cast(ops.relu(ops.add(ops.cumsum(padding, 1), -1)), DataType.INT);
  }

  // ---- shapes -------------------------------------------------------------------------------

  /** Names and shapes of all tensors of a checkpoint. */
  static Map<String, long[]> shapes(LmConfig config) {
    LmFamily.Names names = config.family().names();
    LmFamily.Traits traits = config.family().traits();
    Map<String, long[]> all = new LinkedHashMap<>();
    long width = config.hiddenSize();
    all.put(names.embedding() + ".weight", new long[] {config.vocabularySize(), width});
    if (names.positions() != null) {
      all.put(names.positions() + ".weight", new long[] {config.maxPositions(), width});
    }
    for (int i = 0; i < config.layers().size(); i++) {
      shapes(config, config.layers().get(i), names.block() + i + ".", all);
    }
    putNorm(all, names.finalNorm(), config);
    if (!config.tied()) {
      all.put(LmFamily.HEAD + ".weight", new long[] {config.vocabularySize(), width});
    }
    if (traits.headBias()) {
      all.put(LmFamily.HEAD + ".bias", new long[] {config.vocabularySize()});
    }
    return all;
  }

  private static void shapes(
      LmConfig config, LmLayer layer, String block, Map<String, long[]> all) {
    LmFamily.Names names = config.family().names();
    LmConfig.Biases biases = config.biases();
    boolean gated = config.family().traits().gated();
    long width = config.hiddenSize();
    long query = (long) layer.heads() * config.headSize();
    long keyValue = (long) layer.keyValueHeads() * config.headSize();
    long wide = layer.intermediateSize();
    putNorm(all, block + names.norm1(), config);
    if (names.qkv().size() == 1) {
      put(all, config, block + names.qkv().get(0), width, query + 2 * keyValue, biases.qkv());
    } else {
      put(all, config, block + names.qkv().get(0), width, query, biases.qkv());
      put(all, config, block + names.qkv().get(1), width, keyValue, biases.qkv());
      put(all, config, block + names.qkv().get(2), width, keyValue, biases.qkv());
    }
    put(all, config, block + names.out(), query, width, biases.out());
    if (names.norm2() != null) {
      putNorm(all, block + names.norm2(), config);
    }
    for (String up : names.up()) {
      long rows = gated && names.up().size() == 1 ? 2 * wide : wide;
      put(all, config, block + up, width, rows, biases.mlp());
    }
    put(all, config, block + names.down(), wide, width, biases.mlp());
  }

  private static void put(
      Map<String, long[]> all, LmConfig config, String name, long in, long out, boolean bias) {
    boolean inputMajor = config.family().traits().inputMajor();
    all.put(name + ".weight", inputMajor ? new long[] {in, out} : new long[] {out, in});
    if (bias) {
      all.put(name + ".bias", new long[] {out});
    }
  }

  private static void putNorm(Map<String, long[]> all, String name, LmConfig config) {
    all.put(name + ".weight", new long[] {config.hiddenSize()});
    if (config.family().traits().layerNorm()) {
      all.put(name + ".bias", new long[] {config.hiddenSize()});
    }
  }
}
