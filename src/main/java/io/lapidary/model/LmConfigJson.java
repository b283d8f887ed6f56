package io.lapidary.model;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.lapidary.InputException;
import io.lapidary.io.Jsons;
import io.lapidary.layer.Rotary;
import io.lapidary.layer.Rotary.Kind;
import io.lapidary.layer.Rotary.Scaling;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.function.ToIntFunction;
import java.util.stream.Collectors;

/** Between {@link LmConfig} and the {@code config.json} of the Python library. */
final class LmConfigJson {
  private final HubConfig json;
  private final LmFamily family;
  private final boolean gpt2;

  private LmConfigJson(HubConfig json, LmFamily family) {
    this.json = json;
    this.family = family;
    this.gpt2 = family == LmFamily.GPT2;
  }

  // ---- reading ------------------------------------------------------------------------------

  static LmConfig read(ObjectNode node, String where) {
    HubConfig json = new HubConfig(node, where);
    String type = json.text("model_type", "none");
    LmFamily family =
        LmFamily.of(type)
            .orElseThrow(
                () ->
                    InputException.of(
                        "%s: model_type %s is no supported language model; supported: %s%s",
                        where,
                        type.replaceAll("\\p{Cntrl}", "?"),
                        Arrays.stream(LmFamily.values())
                            .map(LmFamily::modelType)
                            .collect(Collectors.joining(", ")),
                        json.ownCode()));
    return json.build(() -> new LmConfigJson(json, family).config());
  }

  private LmConfig config() {
    refuse("quantization_config", json.has("quantization_config"), "quantised weights");
    refuse("qk_layernorm", json.flag("qk_layernorm", false), "norms of queries and keys");
    refuse("add_cross_attention", json.flag("add_cross_attention", false), "cross-attention");
    int hidden = json.requiredInteger(gpt2 ? "n_embd" : "hidden_size");
    int heads = json.requiredInteger(gpt2 ? "n_head" : "num_attention_heads");
    int headSize = json.integer("head_dim", 0);
    if (headSize == 0) {
      if (heads <= 0 || hidden % heads != 0) {
        throw json.error("%d attention heads must divide hidden_size %d", heads, hidden);
      }
      headSize = hidden / heads;
    }
    int positions =
        json.integer(gpt2 ? "n_positions" : "max_position_embeddings", defaultPositions());
    boolean phi = family == LmFamily.PHI;
    boolean always = gpt2 || phi;
    boolean llamaBias = family == LmFamily.LLAMA && json.flag("attention_bias", false);
    return new LmConfig(
        family,
        json.requiredInteger("vocab_size"),
        hidden,
        headSize,
        layers(hidden, heads),
        positions,
        gpt2
            ? json.text("activation_function", "gelu_new")
            : json.text("hidden_act", phi ? "gelu_new" : "silu"),
        epsilon(),
        gpt2 ? null : rotary(headSize, positions),
        new LmConfig.Biases(
            always || llamaBias || family == LmFamily.QWEN2,
            always || llamaBias,
            always || (family == LmFamily.LLAMA && json.flag("mlp_bias", false))),
        json.flag("tie_word_embeddings", gpt2),
        scoreScaling(),
        new LmConfig.Tokens(
            json.integer("bos_token_id", -1),
            json.integers("eos_token_id"),
            json.integer("pad_token_id", -1)));
  }

  private void refuse(String key, boolean found, String what) {
    if (found) {
      throw json.error("%s (%s) are not supported", what, key);
    }
  }

  private int defaultPositions() {
    return switch (family) {
      case GPT2 -> 1024;
      case LLAMA, PHI -> 2048;
      case PHI3 -> 4096;
      case QWEN2 -> 32768;
      case MISTRAL -> 131072;
    };
  }

  private double epsilon() {
    return switch (family) {
      case GPT2 -> json.number("layer_norm_epsilon", 1e-5);
      case PHI -> json.number("layer_norm_eps", 1e-5);
      case PHI3 -> json.number("rms_norm_eps", 1e-5);
      default -> json.number("rms_norm_eps", 1e-6);
    };
  }

  private LmConfig.ScoreScaling scoreScaling() {
    boolean size = !gpt2 || json.flag("scale_attn_weights", true);
    boolean depth = gpt2 && json.flag("scale_attn_by_inverse_layer_idx", false);
    if (depth) {
      return size ? LmConfig.ScoreScaling.HEAD_SIZE_AND_DEPTH : LmConfig.ScoreScaling.DEPTH;
    }
    return size ? LmConfig.ScoreScaling.HEAD_SIZE : LmConfig.ScoreScaling.NONE;
  }

  private List<LmLayer> layers(int hidden, int heads) {
    int count = json.requiredInteger(gpt2 ? "n_layer" : "num_hidden_layers");
    if (count < 1 || count > 10_000) {
      throw json.error("the number of layers must be in [1, 10000], found %d", count);
    }
    int keyValueHeads = gpt2 ? heads : json.integer("num_key_value_heads", heads);
    int wide =
        gpt2 ? json.integer("n_inner", 4 * hidden) : json.requiredInteger("intermediate_size");
    List<Integer> allHeads = perLayer("layer_num_attention_heads", count, heads);
    List<Integer> allKeyValueHeads = perLayer("layer_num_key_value_heads", count, keyValueHeads);
    List<Integer> allWide = perLayer("layer_intermediate_size", count, wide);
    List<LmLayer> layers = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      layers.add(
          new LmLayer(allHeads.get(i), allKeyValueHeads.get(i), allWide.get(i), window(i, count)));
    }
    return layers;
  }

  private List<Integer> perLayer(String key, int count, int otherwise) {
    List<Integer> values = json.integers(key);
    if (values.isEmpty()) {
      return java.util.Collections.nCopies(count, otherwise);
    }
    if (values.size() != count) {
      throw json.error("%s must have %d values, found %d", key, count, values.size());
    }
    return values;
  }

  private int window(int layer, int count) {
    boolean mistral = family == LmFamily.MISTRAL;
    if (!mistral && family != LmFamily.PHI3 && family != LmFamily.QWEN2) {
      return 0;
    }
    // Mistral's first configurations leave the key out and mean 4096; null means no window
    int window =
        json.integer("sliding_window", mistral && !json.mentions("sliding_window") ? 4096 : 0);
    List<String> types = json.texts("layer_types");
    if (!types.isEmpty() && types.size() != count) {
      throw json.error("layer_types must have %d values, found %d", count, types.size());
    }
    if (family == LmFamily.QWEN2) {
      boolean used = json.flag("use_sliding_window", false);
      boolean here =
          types.isEmpty()
              ? layer >= json.integer("max_window_layers", 28)
              : types.get(layer).equals("sliding_attention");
      return used && here ? window : 0;
    }
    return !types.isEmpty() && types.get(layer).equals("full_attention") ? 0 : window;
  }

  private Rotary rotary(int headSize, int positions) {
    HubConfig nested = json.group("rope_parameters");
    HubConfig group =
        nested.has("rope_type") || nested.has("rope_theta") ? nested : json.group("rope_scaling");
    double share =
        group.number(
            "partial_rotary_factor",
            json.number("partial_rotary_factor", family == LmFamily.PHI ? 0.5 : 1));
    double theta = group.number("rope_theta", json.number("rope_theta", 10000));
    return new Rotary(theta, (int) (headSize * share), positions, scaling(group, positions));
  }

  private Scaling scaling(HubConfig group, int positions) {
    String name = group.text("rope_type", group.text("type", "default"));
    boolean lists = group.has("short_factor") || group.has("long_factor");
    Kind kind =
        switch (name) {
          case "default" -> Kind.DEFAULT;
          case "linear" -> Kind.LINEAR;
          case "dynamic" -> Kind.DYNAMIC;
          case "llama3" -> Kind.LLAMA3;
          case "longrope", "su" -> Kind.LONGROPE;
          case "yarn" -> lists ? Kind.LONGROPE : Kind.YARN; // an old name of Phi 3's longrope
          default ->
              throw json.error(
                  "rope scaling %s is not supported; supported: default, linear, dynamic, llama3,"
                      + " longrope, yarn",
                  name.replaceAll("\\p{Cntrl}", "?"));
        };
    if (kind == Kind.DEFAULT) {
      return Scaling.NONE;
    }
    int original =
        group.integer(
            "original_max_position_embeddings",
            json.integer("original_max_position_embeddings", 0));
    double factor = group.number("factor", 0);
    if (factor == 0 && kind != Kind.LONGROPE) {
      if (kind != Kind.YARN || original == 0) {
        throw group.error("factor is missing; %s scaling needs it", name);
      }
      factor = (double) positions / original;
    }
    boolean yarn = kind == Kind.YARN;
    double amplitude = group.number("attention_factor", Double.NaN);
    double all = group.number("mscale_all_dim", 0);
    if (yarn && Double.isNaN(amplitude) && group.number("mscale", 0) != 0 && all != 0) {
      amplitude = mscale(factor, group.number("mscale", 0)) / mscale(factor, all);
    }
    return new Scaling(
        kind,
        factor == 0 ? 1 : factor,
        original,
        yarn ? group.number("beta_slow", 1) : group.number("low_freq_factor", 1),
        yarn ? group.number("beta_fast", 32) : group.number("high_freq_factor", 4),
        group.numbers("short_factor"),
        group.numbers("long_factor"),
        amplitude,
        group.flag("truncate", true));
  }

  private static double mscale(double factor, double mscale) {
    return factor <= 1 ? 1 : 0.1 * mscale * Math.log(factor) + 1;
  }

  // ---- writing ------------------------------------------------------------------------------

  static ObjectNode write(LmConfig c) {
    ObjectNode json = Jsons.object();
    LmLayer first = c.layers().get(0);
    boolean gpt2 = c.family() == LmFamily.GPT2;
    json.put("model_type", c.family().modelType());
    json.putArray("architectures").add(c.family().architecture());
    json.put("vocab_size", c.vocabularySize())
        .put(gpt2 ? "n_embd" : "hidden_size", c.hiddenSize())
        .put(gpt2 ? "n_layer" : "num_hidden_layers", c.layers().size())
        .put(gpt2 ? "n_head" : "num_attention_heads", first.heads())
        .put(gpt2 ? "n_inner" : "intermediate_size", first.intermediateSize())
        .put(gpt2 ? "n_positions" : "max_position_embeddings", c.maxPositions())
        .put(gpt2 ? "activation_function" : "hidden_act", c.activation())
        .put("tie_word_embeddings", c.tied());
    if (gpt2) {
      json.put("layer_norm_epsilon", c.epsilon());
      json.put(
          "scale_attn_weights",
          c.scaling() == LmConfig.ScoreScaling.HEAD_SIZE
              || c.scaling() == LmConfig.ScoreScaling.HEAD_SIZE_AND_DEPTH);
      json.put(
          "scale_attn_by_inverse_layer_idx",
          c.scaling() == LmConfig.ScoreScaling.DEPTH
              || c.scaling() == LmConfig.ScoreScaling.HEAD_SIZE_AND_DEPTH);
    } else {
      json.put("num_key_value_heads", first.keyValueHeads());
      json.put(c.family() == LmFamily.PHI ? "layer_norm_eps" : "rms_norm_eps", c.epsilon());
      writeRotary(json, c);
    }
    if (c.headSize() * first.heads() != c.hiddenSize()) {
      json.put("head_dim", c.headSize());
    }
    if (c.family() == LmFamily.LLAMA) {
      json.put("attention_bias", c.biases().qkv()).put("mlp_bias", c.biases().mlp());
    }
    writeWindows(json, c);
    writeUnequal(json, "layer_num_attention_heads", c, LmLayer::heads);
    writeUnequal(json, "layer_num_key_value_heads", c, LmLayer::keyValueHeads);
    writeUnequal(json, "layer_intermediate_size", c, LmLayer::intermediateSize);
    writeTokens(json, c.tokens());
    return json;
  }

  private static void writeRotary(ObjectNode json, LmConfig c) {
    Rotary rotary = c.rotary();
    Scaling s = rotary.scaling();
    json.put("rope_theta", rotary.theta());
    if (rotary.size() != c.headSize() || c.family() == LmFamily.PHI) {
      json.put("partial_rotary_factor", (rotary.size() + 0.01) / c.headSize()); // cut, not rounded
    }
    if (s.kind() == Kind.DEFAULT) {
      json.putNull("rope_scaling");
      return;
    }
    ObjectNode group = json.putObject("rope_scaling");
    group.put("rope_type", s.kind().name().toLowerCase(Locale.ROOT)).put("factor", s.factor());
    if (s.originalPositions() > 0) {
      group.put("original_max_position_embeddings", s.originalPositions());
      if (c.family() == LmFamily.PHI3) {
        json.put("original_max_position_embeddings", s.originalPositions());
      }
    }
    switch (s.kind()) {
      case LLAMA3 -> group.put("low_freq_factor", s.low()).put("high_freq_factor", s.high());
      case YARN ->
          group.put("beta_slow", s.low()).put("beta_fast", s.high()).put("truncate", s.truncate());
      case LONGROPE -> {
        s.shortFactor().forEach(group.putArray("short_factor")::add);
        s.longFactor().forEach(group.putArray("long_factor")::add);
      }
      default -> {}
    }
    if (!Double.isNaN(s.attentionFactor())) {
      group.put("attention_factor", s.attentionFactor());
    }
  }

  private static void writeWindows(ObjectNode json, LmConfig c) {
    int window = c.layers().stream().mapToInt(LmLayer::window).max().orElse(0);
    boolean all = c.layers().stream().allMatch(layer -> layer.window() == window);
    if (window == 0) {
      if (c.family() == LmFamily.MISTRAL) {
        json.putNull("sliding_window");
      }
      return;
    }
    json.put("sliding_window", window);
    if (c.family() == LmFamily.QWEN2) {
      json.put("use_sliding_window", true);
    }
    if (!all || c.family() == LmFamily.QWEN2) {
      ArrayNode types = json.putArray("layer_types");
      c.layers().forEach(l -> types.add(l.window() > 0 ? "sliding_attention" : "full_attention"));
    }
  }

  private static void writeUnequal(
      ObjectNode json, String key, LmConfig c, ToIntFunction<LmLayer> size) {
    List<Integer> sizes = c.layers().stream().map(size::applyAsInt).toList();
    if (new HashSet<>(sizes).size() > 1) {
      sizes.forEach(json.putArray(key)::add);
    }
  }

  private static void writeTokens(ObjectNode json, LmConfig.Tokens tokens) {
    if (tokens.begin() >= 0) {
      json.put("bos_token_id", tokens.begin());
    }
    if (tokens.end().size() == 1) {
      json.put("eos_token_id", tokens.end().get(0));
    } else if (!tokens.end().isEmpty()) {
      tokens.end().forEach(json.putArray("eos_token_id")::add);
    }
    if (tokens.pad() >= 0) {
      json.put("pad_token_id", tokens.pad());
    }
  }
}
