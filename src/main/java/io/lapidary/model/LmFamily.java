package io.lapidary.model;

import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * Families of decoder language models by their {@code model_type}, each with the names of its
 * tensors and what its blocks do differently. This is the only place that knows them.
 */
public enum LmFamily {
  /** GPT-2: learned positions, layer norms, weights stored [in, out]. */
  GPT2(
      "GPT2LMHeadModel",
      new Names(
          "transformer.wte",
          "transformer.wpe",
          "transformer.h.",
          "transformer.ln_f",
          "ln_1",
          "ln_2",
          List.of("attn.c_attn"),
          "attn.c_proj",
          List.of("mlp.c_fc"),
          "mlp.c_proj"),
      new Traits(false, true, false, true)),
  /** LLaMA 1 to 3. */
  LLAMA("LlamaForCausalLM", Names.llama(), Traits.LLAMA),
  /** Mistral: LLaMA with a sliding window. */
  MISTRAL("MistralForCausalLM", Names.llama(), Traits.LLAMA),
  /** Qwen 2 and 2.5: LLaMA with biases of query, key and value. */
  QWEN2("Qwen2ForCausalLM", Names.llama(), Traits.LLAMA),
  /** Phi 1.5 and 2: attention and perceptron side by side, part of each head turned. */
  PHI(
      "PhiForCausalLM",
      new Names(
          "model.embed_tokens",
          null,
          "model.layers.",
          "model.final_layernorm",
          "input_layernorm",
          null,
          List.of("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"),
          "self_attn.dense",
          List.of("mlp.fc1"),
          "mlp.fc2"),
      new Traits(false, false, true, true)),
  /** Phi 3 and 4: LLaMA with joined maps. */
  PHI3(
      "Phi3ForCausalLM",
      new Names(
          "model.embed_tokens",
          null,
          "model.layers.",
          "model.norm",
          "input_layernorm",
          "post_attention_layernorm",
          List.of("self_attn.qkv_proj"),
          "self_attn.o_proj",
          List.of("mlp.gate_up_proj"),
          "mlp.down_proj"),
      Traits.LLAMA);

  /** Name of the output map of all families. */
  static final String HEAD = "lm_head";

  private final String architecture;
  private final Names names;
  private final Traits traits;

  LmFamily(String architecture, Names names, Traits traits) {
    this.architecture = architecture;
    this.names = names;
    this.traits = traits;
  }

  /**
   * Names without {@code .weight}; those of a block follow its prefix and number.
   *
   * @param embedding token table
   * @param positions table of learned positions; null for rotary ones
   * @param block prefix of the blocks
   * @param finalNorm norm after the last block
   * @param norm1 norm before attention
   * @param norm2 norm before the perceptron; null when it shares {@code norm1}, side by side
   * @param qkv maps to query, key and value: three, or one whose rows are q, k, v
   * @param out output map of attention
   * @param up first maps of the perceptron: gate and up, or one whose rows are gate, up; the only
   *     one where there is no gate
   * @param down last map of the perceptron
   */
  record Names(
      String embedding,
      String positions,
      String block,
      String finalNorm,
      String norm1,
      String norm2,
      List<String> qkv,
      String out,
      List<String> up,
      String down) {
    static Names llama() {
      return new Names(
          "model.embed_tokens",
          null,
          "model.layers.",
          "model.norm",
          "input_layernorm",
          "post_attention_layernorm",
          List.of("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"),
          "self_attn.o_proj",
          List.of("mlp.gate_proj", "mlp.up_proj"),
          "mlp.down_proj");
    }
  }

  /**
   * What blocks do.
   *
   * @param gated whether the perceptron is down(f(gate(x)) · up(x))
   * @param inputMajor whether weights inside blocks are stored [in, out]
   * @param headBias whether the output map has a bias
   * @param layerNorm layer norms instead of RMS norms
   */
  record Traits(boolean gated, boolean inputMajor, boolean headBias, boolean layerNorm) {
    static final Traits LLAMA = new Traits(true, false, false, false);
  }

  /** The value of {@code model_type}. */
  public String modelType() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** The family of a {@code model_type}. */
  public static Optional<LmFamily> of(String modelType) {
    for (LmFamily family : values()) {
      if (family.modelType().equals(modelType)) {
        return Optional.of(family);
      }
    }
    return Optional.empty();
  }

  String architecture() {
    return architecture;
  }

  Names names() {
    return names;
  }

  Traits traits() {
    return traits;
  }
}
