package io.lapidary.app;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class VerifyFamiliesTest {

  /** Every recorded tensor of these families is compared and within the tolerance. */
  @ParameterizedTest
  @CsvSource({
    "bert,3",
    "mpnet,3",
    "vit,6",
    "dinov2,6",
    "siglip_vision,6",
    "openclip,3",
    "llava,2",
    "resnet,2",
    "resnet_bottleneck,2",
    "resnet_silu,2",
    "clip_patches,7",
    "llava_siglip,5",
    "llava_layers,5",
    "llama_llama3,7",
    "mistral_window,7",
    "qwen2_sharded,7",
    "phi3_longrope,3",
    "llama_linear,3",
    "llama_dynamic,3",
    "llama_yarn,3"
  })
  void matchesItsGoldenFile(String family, int tensors) {
    Cli.Outcome outcome = Cli.run("checkpoint", "verify", "src/test/resources/golden/" + family);
    assertThat(outcome.code()).as(outcome.out() + outcome.err()).isZero();
    assertThat(outcome.out())
        .contains(tensors + " of " + tensors + " tensors within")
        .doesNotContain("not compared");
  }

  @ParameterizedTest
  @CsvSource({"llama_lora_head", "llama_lora_saved"})
  void anAdapterWithWholeTensorsMatchesItsGoldenFile(String adapter) {
    String golden = "src/test/resources/golden/";
    Cli.Outcome outcome =
        Cli.run("checkpoint", "verify", golden + adapter, "--base", golden + "llama");
    assertThat(outcome.code()).as(outcome.out() + outcome.err()).isZero();
    assertThat(outcome.out()).contains("1 of 1 tensors within");
  }
}
