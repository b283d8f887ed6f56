package io.lapidary.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LmCommandsTest {
  private static final String GOLDEN = "src/test/resources/golden/";

  @TempDir Path temporary;

  private record Outcome(int code, String out, String err) {}

  private static Outcome run(String... args) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int code = Lapidary.run(new PrintWriter(out), new PrintWriter(err), args);
    return new Outcome(code, out.toString(), err.toString());
  }

  @ParameterizedTest
  @ValueSource(strings = {"gpt2", "llama", "qwen2", "phi", "phi3"})
  void everyTensorIsVerified(String family) {
    Outcome outcome = run("checkpoint", "verify", GOLDEN + family);
    assertThat(outcome.code).as(outcome.err + outcome.out).isZero();
    assertThat(outcome.out)
        .contains("logits_left_padded", "greedy_ids", "lm_loss", "hidden_states.2", "grad.")
        .doesNotContain("not compared");
  }

  @Test
  void anAdapterIsVerifiedOverItsModel() {
    Outcome outcome =
        run("checkpoint", "verify", GOLDEN + "llama_lora", "--base", GOLDEN + "llama");
    assertThat(outcome.code).as(outcome.err + outcome.out).isZero();
    assertThat(outcome.out).contains("merged.q_proj.0").doesNotContain("not compared");
    assertThat(run("checkpoint", "verify", GOLDEN + "llama_lora").err).contains("--base DIR");
    assertThat(run("checkpoint", "verify", GOLDEN + "llama", "--base", GOLDEN + "llama").code)
        .isEqualTo(2);
  }

  @Test
  void anAdapterOfAVisionLanguageModelIsVerifiedOverIt() {
    Outcome outcome =
        run("checkpoint", "verify", GOLDEN + "llava_lora", "--base", GOLDEN + "llava");
    assertThat(outcome.code).as(outcome.err + outcome.out).isZero();
    assertThat(outcome.out).contains("1 of 1 tensors within");
    assertThat(run("checkpoint", "verify", GOLDEN + "llava_lora", "--base", GOLDEN + "llama").err)
        .contains("llava_lora");
  }

  @Test
  void generateNeedsATokenizerAndSaysSo() throws IOException {
    for (String file : new String[] {"config.json", "model.safetensors"}) {
      Files.copy(Path.of(GOLDEN + "gpt2", file), temporary.resolve(file));
    }
    Outcome outcome = run("generate", temporary.toString(), "--prompt", "x");
    assertThat(outcome.code).isEqualTo(2);
    assertThat(outcome.err).contains("tokenizer.json");
    assertThat(run("generate", temporary.toString(), "--prompt", "x", "--top-p", "2").err)
        .contains("topP must be in (0, 1]");
  }

  @Test
  void generateLooksAtPictures() throws IOException {
    for (String file : new String[] {"config.json", "model.safetensors"}) {
      Files.copy(Path.of(GOLDEN + "llava", file), temporary.resolve(file));
    }
    LmFolders.writeTokenizer(temporary);
    Path picture = temporary.resolve("ruby.png");
    var image = new java.awt.image.BufferedImage(40, 30, 1);
    image.setRGB(20, 15, 0xff0000);
    javax.imageio.ImageIO.write(image, "png", picture.toFile());
    String dir = temporary.toString();
    String file = picture.toString();
    Outcome marked = run("generate", dir, "--prompt", "w5 <image> w6", "--image", file);
    assertThat(marked.code).as(marked.err).isZero();
    assertThat(marked.out.strip()).matches("w\\d+( w\\d+)*");
    Outcome before = run("generate", dir, "--prompt", "w6", "--image", file);
    assertThat(before.out)
        .isEqualTo(run("generate", dir, "--prompt", "<image> w6", "--image", file).out);
    Outcome many = run("generate", dir, "--prompt", "<image> <image>", "--image", file);
    assertThat(many.code).isEqualTo(2);
    assertThat(many.err).contains("2 times <image>, but there are 1 pictures");
    assertThat(run("generate", GOLDEN + "gpt2", "--prompt", "x", "--image", file).err)
        .contains("this model takes no pictures");
  }

  @Test
  void generateContinuesAText() throws IOException {
    for (String file : new String[] {"config.json", "model.safetensors"}) {
      Files.copy(Path.of(GOLDEN + "gpt2", file), temporary.resolve(file));
    }
    LmFolders.writeTokenizer(temporary);
    Outcome one =
        run("generate", temporary.toString(), "--prompt", "w5 w6 w7", "--max-tokens", "5");
    assertThat(one.code).as(one.err).isZero();
    assertThat(one.out.strip()).matches("w\\d+( w\\d+){0,4}");
    String first = one.out.strip().split(" ")[0];
    Outcome stopped =
        run(
            "generate",
            temporary.toString(),
            "--prompt",
            "w5 w6 w7",
            "--prompt",
            "w5",
            "--stop",
            first,
            "--max-tokens",
            "4");
    assertThat(stopped.code).as(stopped.err).isZero();
    assertThat(stopped.out.lines().findFirst()).hasValue("");
    String dir = temporary.toString();
    Outcome chat =
        run("generate", dir, "--prompt", "w7", "--chat-format", "phi3", "--max-tokens", "3");
    assertThat(chat.code).as(chat.err).isZero();
    Outcome same =
        run(
            "generate",
            dir,
            "--prompt",
            "<|user|>\nw7<|end|>\n<|assistant|>\n",
            "--max-tokens",
            "3");
    assertThat(chat.out).isEqualTo(same.out);
    Outcome told =
        run(
            "generate",
            dir,
            "--prompt",
            "w7",
            "--chat-format",
            "phi3",
            "--system",
            "w8 w9 w10 w11");
    assertThat(told.code).as(told.err).isEqualTo(2); // 64 new tokens are more than its positions
    assertThat(run("generate", dir, "--prompt", "w7", "--chat").err).contains("name one of phi3");
    assertThat(run("generate", dir, "--prompt", "w7", "--system", "x").err).contains("--chat");
    assertThat(run("generate", dir, "--prompt", "w7", "--chat-format", "x").err)
        .contains("chat formats are phi3");
    Outcome far = run("generate", temporary.toString(), "--prompt", "w5", "--max-tokens", "400");
    assertThat(far.code).isEqualTo(2);
    assertThat(far.err).contains("32 positions");
  }
}
