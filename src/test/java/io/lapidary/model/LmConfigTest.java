package io.lapidary.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.lapidary.InputException;
import io.lapidary.layer.Rotary;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class LmConfigTest {
  private static final String SIZES =
      "'vocab_size':99,'hidden_size':32,'num_hidden_layers':4,'num_attention_heads':4,"
          + "'intermediate_size':48";

  private static LmConfig read(String json) {
    try {
      ObjectNode node = (ObjectNode) new ObjectMapper().readTree(json.replace('\'', '"'));
      return LmConfig.of(node, "config.json");
    } catch (com.fasterxml.jackson.core.JsonProcessingException e) {
      throw new IllegalArgumentException(e);
    }
  }

  private static LmConfig of(String type, String more) {
    return read("{'model_type':'" + type + "'," + SIZES + more + "}");
  }

  @Test
  void nullsAndMissingKeysMeanTheDefaults() {
    LmConfig config =
        of(
            "llama",
            ",'num_key_value_heads':null,'head_dim':null,'rope_scaling':null,'eos_token_id':[2,7]");
    assertThat(config.layers()).containsOnly(LmLayer.of(4, 4, 48));
    assertThat(config.headSize()).isEqualTo(8);
    assertThat(config.rotary()).isEqualTo(Rotary.plain(10000, 8, 2048));
    assertThat(config.tokens().end()).containsExactly(2, 7);
    assertThat(config.biases()).isEqualTo(new LmConfig.Biases(false, false, false));
  }

  @Test
  void bothSpellingsOfRotaryOptions() {
    String old =
        ",'rope_theta':5e5,'rope_scaling':{'type':'llama3','factor':8,'low_freq_factor':1,"
            + "'high_freq_factor':4,'original_max_position_embeddings':64}";
    String current =
        ",'rope_parameters':{'rope_theta':5e5,'rope_type':'llama3','factor':8,'low_freq_factor':1,"
            + "'high_freq_factor':4,'original_max_position_embeddings':64}";
    assertThat(of("llama", old)).isEqualTo(of("llama", current));
    assertThat(of("llama", old).rotary().scaling().kind()).isEqualTo(Rotary.Kind.LLAMA3);
    assertThat(of("phi", ",'partial_rotary_factor':0.5").rotary().size()).isEqualTo(4);
    assertThat(
            of("phi", ",'rope_parameters':{'rope_type':'default','partial_rotary_factor':0.25}")
                .rotary()
                .size())
        .isEqualTo(2);
  }

  @Test
  void slidingWindowsOnlyWhereTheyAreUsed() {
    assertThat(windows(of("llama", ",'sliding_window':8"))).containsOnly(0);
    assertThat(windows(of("mistral", ""))).containsOnly(4096);
    assertThat(windows(of("mistral", ",'sliding_window':null"))).containsOnly(0);
    assertThat(windows(of("phi3", ",'sliding_window':2047"))).containsOnly(2047);
    assertThat(windows(of("qwen2", ",'sliding_window':8,'max_window_layers':1"))).containsOnly(0);
    assertThat(
            windows(
                of("qwen2", ",'sliding_window':8,'max_window_layers':1,'use_sliding_window':true")))
        .containsExactly(0, 8, 8, 8);
    assertThat(
            windows(
                of(
                    "qwen2",
                    ",'sliding_window':8,'use_sliding_window':true,'layer_types':["
                        + "'full_attention','sliding_attention','full_attention','sliding_attention']")))
        .containsExactly(0, 8, 0, 8);
  }

  private static List<Integer> windows(LmConfig config) {
    return config.layers().stream().map(LmLayer::window).toList();
  }

  @Test
  void biasesFollowTheFamily() {
    assertThat(of("qwen2", "").biases()).isEqualTo(new LmConfig.Biases(true, false, false));
    assertThat(of("llama", ",'attention_bias':true,'mlp_bias':true").biases())
        .isEqualTo(new LmConfig.Biases(true, true, true));
    assertThat(of("phi", "").biases()).isEqualTo(new LmConfig.Biases(true, true, true));
  }

  @ParameterizedTest
  @ValueSource(strings = {"linear", "dynamic", "llama3", "yarn", "longrope"})
  void writtenConfigurationsAreReadBack(String kind) {
    String lists = ",'short_factor':[1,1.5,2,3],'long_factor':[2,3,4,5.5]";
    LmConfig config =
        of(
            "llama",
            ",'head_dim':8,'max_position_embeddings':256,'rope_scaling':{'rope_type':'"
                + kind
                + "','factor':4,'original_max_position_embeddings':64"
                + (kind.equals("longrope") ? lists : "")
                + "}");
    assertThat(LmConfig.of(config.toJson(), "again")).isEqualTo(config);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '^',
      textBlock =
          """
          {'model_type':'bloom'} | model_type bloom is no supported language model
          {'hidden_size':3} | model_type none
          {'model_type':'llama','vocab_size':9} | hidden_size is missing
          {'model_type':'gpt2','hidden_size':9} | n_embd is missing
          {'model_type':'llama',SIZES,'head_dim':7} | rotary size must be even
          {'model_type':'llama',SIZES,'num_key_value_heads':3} | num_key_value_heads=3 must divide
          {'model_type':'llama',SIZES,'rope_scaling':{'type':'mrope'}} | rope scaling mrope
          {'model_type':'llama',SIZES,'rope_scaling':{'type':'linear'}} | factor is missing
          {'model_type':'phi3',SIZES,'rope_scaling':{'type':'su','short_factor':[1],'long_factor':[2]}} | longrope needs 4 values
          {'model_type':'llama',SIZES,'quantization_config':{}} | quantised weights
          {'model_type':'phi',SIZES,'qk_layernorm':true} | qk_layernorm
          {'model_type':'llama',SIZES,'eos_token_id':'x'} | eos_token_id must be a whole number
          {'model_type':'llama',SIZES,'layer_intermediate_size':[3]} | must have 4 values
          {'model_type':'llama',SIZES,'tie_word_embeddings':'yes'} | must be true or false
          """)
  void whatDoesNotFitIsNamed(String json, String message) {
    assertThatThrownBy(() -> read(json.replace("SIZES", SIZES)))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("config.json")
        .hasMessageContaining(message);
  }
}
