package io.lapidary.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lapidary.InputException;
import io.lapidary.io.ChatTemplate.Role;
import io.lapidary.io.ChatTemplate.Turn;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ChatFormatTest {
  private static final List<Turn> LONG =
      List.of(
          new Turn(Role.SYSTEM, "Be brief."),
          new Turn(Role.USER, "Hi"),
          new Turn(Role.ASSISTANT, "Hello"),
          new Turn(Role.USER, "Why?"));
  private static final String VICUNA =
      "A chat between a curious user and an artificial intelligence assistant. The assistant gives"
          + " helpful, detailed, and polite answers to the user's questions. ";

  @TempDir Path temporary;

  private static void assertPrompts(ChatFormat format, String question, String conversation) {
    assertThat(format.prompt("Why?")).isEqualTo(question);
    assertThat(format.prompt(LONG)).isEqualTo(conversation);
  }

  @Test
  void promptsAreThePublishedOnes() {
    assertPrompts(
        ChatFormat.PHI3,
        "<|user|>\nWhy?<|end|>\n<|assistant|>\n",
        "<|system|>\nBe brief.<|end|>\n<|user|>\nHi<|end|>\n<|assistant|>\nHello<|end|>\n"
            + "<|user|>\nWhy?<|end|>\n<|assistant|>\n");
    String rest =
        "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nHello<|im_end|>\n"
            + "<|im_start|>user\nWhy?<|im_end|>\n<|im_start|>assistant\n";
    assertPrompts(
        ChatFormat.QWEN2,
        "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
            + "<|im_start|>user\nWhy?<|im_end|>\n<|im_start|>assistant\n",
        "<|im_start|>system\nBe brief.<|im_end|>\n" + rest);
    assertPrompts(
        ChatFormat.QWEN2_5,
        "<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You are a helpful assistant."
            + "<|im_end|>\n<|im_start|>user\nWhy?<|im_end|>\n<|im_start|>assistant\n",
        "<|im_start|>system\nBe brief.<|im_end|>\n" + rest);
    assertPrompts(
        ChatFormat.VICUNA,
        VICUNA + "USER: Why? ASSISTANT:",
        "Be brief. USER: Hi ASSISTANT: Hello</s>USER: Why? ASSISTANT:");
    assertPrompts(
        ChatFormat.LLAMA2,
        "[INST] Why? [/INST]",
        "[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nHi [/INST] Hello </s><s>[INST] Why? [/INST]");
    assertPrompts(
        ChatFormat.LLAMA3,
        "<|start_header_id|>user<|end_header_id|>\n\nWhy?<|eot_id|>"
            + "<|start_header_id|>assistant<|end_header_id|>\n\n",
        "<|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|>"
            + "<|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|>"
            + "<|start_header_id|>assistant<|end_header_id|>\n\nHello<|eot_id|>"
            + "<|start_header_id|>user<|end_header_id|>\n\nWhy?<|eot_id|>"
            + "<|start_header_id|>assistant<|end_header_id|>\n\n");
  }

  @Test
  void mistralHasNoTurnOfTheSystem() {
    assertPrompts(
        ChatFormat.MISTRAL,
        "[INST] Why? [/INST]",
        "[INST] Be brief.\n\nHi [/INST]Hello</s>[INST] Why? [/INST]");
    assertPrompts(
        ChatFormat.MISTRAL_V3,
        "[INST] Why?[/INST]",
        "[INST] Hi[/INST] Hello</s>[INST] Be brief.\n\nWhy?[/INST]");
  }

  @ParameterizedTest
  @EnumSource(ChatFormat.class)
  void turnsMustAlternate(ChatFormat format) {
    assertThat(ChatFormat.named(format.shortName())).isEqualTo(format);
    assertThatThrownBy(() -> format.prompt(List.of())).hasMessageContaining("at least one turn");
    assertThatThrownBy(() -> format.prompt(LONG.subList(0, 3))).hasMessageContaining("last turn");
    assertThatThrownBy(() -> format.prompt(LONG.subList(2, 4))).hasMessageContaining("USER");
    assertThatThrownBy(() -> format.prompt(List.of(LONG.get(1), LONG.get(0))))
        .hasMessageContaining("must be of ASSISTANT, got SYSTEM");
  }

  @Test
  void formatsAreToldByTheirMarks() throws IOException {
    String[][] cases = {
      {"phi3", "{{'<|user|>\n' + c + '<|end|>'}}", "phi3"},
      {"qwen2", "{{'<|im_start|>' + role}}", "qwen2"},
      {
        "qwen2",
        "{{'<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You are a helpful"
            + " assistant.'}}",
        "qwen2.5"
      },
      {"llama", "{{'<|start_header_id|>' + role}}", "llama3"},
      {"llama", "{{bos_token + '[INST] ' + content + ' [/INST]'}}", "llama2"},
      {"mistral", "{{'[INST] ' + content + ' [/INST]'}}", "mistral"},
      {"mistral", "{{'[INST] ' + content + '[/INST]'}}", "mistral.v3"},
      {"llama", "{{'USER: ' + content + ' ASSISTANT:'}}", "vicuna"}
    };
    for (String[] c : cases) {
      Path config = temporary.resolve("tokenizer_config.json");
      Jsons.write(config, Jsons.object().put("chat_template", c[1]));
      assertThat(ChatFormat.of(temporary, c[0]).shortName()).isEqualTo(c[2]);
      Files.delete(config);
      Path jinja = temporary.resolve("chat_template.jinja");
      Files.writeString(jinja, c[1]);
      assertThat(ChatFormat.of(temporary, c[0]).shortName()).isEqualTo(c[2]);
      Files.delete(jinja);
    }
  }

  @Test
  void whatCannotBeToldMustBeNamed() {
    assertThat(ChatFormat.of(temporary, "phi3")).isEqualTo(ChatFormat.PHI3);
    assertThat(ChatFormat.of(temporary, "qwen2")).isEqualTo(ChatFormat.QWEN2);
    for (String type : List.of("llama", "gpt2", "mistral")) {
      assertThatThrownBy(() -> ChatFormat.of(temporary, type))
          .isInstanceOf(InputException.class)
          .hasMessageContaining("name one of phi3, qwen2, qwen2.5, vicuna, llama2, mistral");
    }
    Jsons.write(
        temporary.resolve("tokenizer_config.json"),
        Jsons.object()
            .put("chat_template", "<|start_header_id|> Cutting Knowledge Date: {{date}}"));
    assertThatThrownBy(() -> ChatFormat.of(temporary, "llama"))
        .hasMessageContaining("its template");
    assertThatThrownBy(() -> ChatFormat.named("alpaca")).isInstanceOf(InputException.class);
  }
}
