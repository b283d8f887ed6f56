package io.lapidary.app;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.lapidary.io.Jsons;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Folders that cannot be used end with one line and exit code 2, whatever is wrong with them. */
class MalformedFoldersTest {
  private static final List<String> KINDS =
      List.of("null", "\"x\"", "-1", "2147483647", "[]", "1e300", "0", "{}", "true");

  private static final Path GOLDEN = Path.of("src/test/resources/golden");
  private static final ObjectMapper MAPPER = new ObjectMapper();

  @TempDir Path folder;

  private void copy(String family) throws IOException {
    try (Stream<Path> files = Files.list(GOLDEN.resolve(family))) {
      for (Path file : (Iterable<Path>) files::iterator) {
        Files.copy(file, folder.resolve(file.getFileName()));
      }
    }
  }

  private ObjectNode config() {
    return Jsons.readObject(folder.resolve("config.json"));
  }

  private void set(String key, String value) throws IOException {
    ObjectNode json = config();
    json.set(key, MAPPER.readTree(value));
    Jsons.write(folder.resolve("config.json"), json);
  }

  private void assertRefused(String... words) {
    for (String[] command :
        new String[][] {
          {"checkpoint", "verify", folder.toString()},
          {"generate", folder.toString(), "--prompt", "x"}
        }) {
      Cli.Outcome outcome = Cli.run(command);
      assertThat(outcome.code()).as(outcome.err()).isEqualTo(2);
      assertThat(outcome.errors()).hasSize(1);
      assertThat(outcome.err())
          .startsWith("lapidary: ")
          .contains(folder.toString())
          .contains(words);
    }
    assertNeverACrash();
  }

  /** Commands that need less of a folder may take it; where they do not, they say so in a line. */
  private void assertNeverACrash() {
    Path text = folder.resolveSibling(folder.getFileName() + ".txt");
    Path out = folder.resolveSibling(folder.getFileName() + ".out");
    try {
      Files.writeString(text, "one\ntwo\n");
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
    for (String[] command :
        new String[][] {
          {"checkpoint", "info", folder.toString()},
          {"checkpoint", "convert", folder.toString(), out.toString(), "--dtype", "bf16"},
          {"embed", folder.toString(), text.toString(), "--out", out + ".safetensors"}
        }) {
      Cli.Outcome outcome = Cli.run(command);
      assertThat(outcome.code()).as(String.join(" ", command) + outcome.err()).isIn(0, 2);
      if (outcome.code() == 2) {
        assertThat(outcome.errors()).hasSize(1);
        assertThat(outcome.err()).startsWith("lapidary: ").contains(folder.toString());
        assertThat(out).doesNotExist();
      } else if (Files.exists(out)) {
        delete(out);
      }
    }
  }

  private static void delete(Path tree) {
    try (Stream<Path> files = Files.walk(tree)) {
      for (Path file : files.sorted(java.util.Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  @Test
  void anUnknownActivationComesBeforeAMissingTokenizer() throws IOException {
    copy("llama");
    set("hidden_act", "\"mish\"");
    assertRefused("config.json", "mish");
  }

  @Test
  void aMissingShard() throws IOException {
    copy("qwen2_sharded");
    Files.delete(folder.resolve("model-00002-of-00002.safetensors"));
    assertRefused("shard 'model-00002-of-00002.safetensors' is missing");
  }

  @Test
  void aConfigurationThatIsNotJson() throws IOException {
    copy("llama");
    Files.writeString(folder.resolve("config.json"), "{\"model_type\": ");
    assertRefused("config.json");
    Files.writeString(folder.resolve("config.json"), "[1, 2]");
    assertRefused("config.json");
  }

  @Test
  void anIndexThatLeavesTheFolder() throws IOException {
    copy("qwen2_sharded");
    Path index = folder.resolve("model.safetensors.index.json");
    Files.writeString(
        index,
        Files.readString(index)
            .replace("model-00002-of-00002.safetensors", "../model-00002-of-00002.safetensors"));
    assertRefused("../model-00002-of-00002.safetensors");
  }

  @Test
  void aWrongShape() throws IOException {
    copy("qwen2_sharded");
    set("intermediate_size", "23");
    assertRefused(
        "wrong shape of 'model.layers.0.mlp.gate_proj.weight' in model-0000",
        "expected [23, 16], found [24, 16]");
  }

  @Test
  void anUnknownType() throws IOException {
    copy("llama");
    set("model_type", "\"bloom\"");
    assertRefused("bloom", "supported");
    set("model_type", "null");
    assertRefused("none", "supported");
  }

  @Test
  void quantisedWeights() throws IOException {
    copy("llama");
    set("quantization_config", "{\"load_in_4bit\": true}");
    assertRefused("config.json", "quantised weights (quantization_config)");
  }

  @Test
  void pickledWeights() throws IOException {
    copy("llama");
    Files.move(folder.resolve("model.safetensors"), folder.resolve("pytorch_model.bin"));
    assertRefused("only pickled weights ('pytorch_model.bin')", "save_pretrained");
  }

  @Test
  void codeOfTheFolderIsNeverRun() throws IOException {
    copy("llama");
    set("auto_map", "{\"AutoModelForCausalLM\": \"modeling_own.OwnModel\"}");
    Path trace = folder.resolve("ran");
    Files.writeString(folder.resolve("modeling_own.py"), "open('" + trace + "', 'w')");
    Cli.Outcome outcome = Cli.run("checkpoint", "verify", folder.toString());
    assertThat(outcome.code()).as(outcome.err()).isZero();
    set("model_type", "\"own\"");
    assertRefused("own", "auto_map", "never run");
    assertThat(trace).doesNotExist();
  }

  @Test
  void aMissingTokenizer() throws IOException {
    copy("llama");
    Cli.Outcome outcome = Cli.run("generate", folder.toString(), "--prompt", "x");
    assertThat(outcome.code()).isEqualTo(2);
    assertThat(outcome.errors()).hasSize(1);
    assertThat(outcome.err()).contains("tokenizer.json");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "llama | hidden_size | null | hidden_size is missing",
        "llama | hidden_size | \"32\" | hidden_size must be a whole number",
        "llama | hidden_size | 32.5 | hidden_size must be a whole number",
        "llama | hidden_size | 2147483648 | hidden_size must be a whole number",
        "llama | num_attention_heads | null | num_attention_heads is missing",
        "llama | num_hidden_layers | 1000000000 | number of layers",
        "llama | num_hidden_layers | -1 | number of layers",
        "llama | vocab_size | 2147483647 | expected [2147483647, 32], found [99, 32]",
        "llama | intermediate_size | 2147483647 | expected [2147483647, 32]",
        "llama | head_dim | 2147483646 | wrong shape",
        "llama | rms_norm_eps | 0 | epsilon",
        "llama | hidden_act | \"mish\" | mish",
        "gpt2 | n_embd | null | n_embd is missing",
        "gpt2 | n_positions | 2147483647 | expected [2147483647, 32]",
        "gpt2 | n_inner | -3 | intermediate_size",
        "llava | text_config | null | ",
        "llava | vision_config | [] | must be a group of keys",
        "clip | vision_config | {\"image_size\": 1000000000, \"patch_size\": 1} | "
      })
  void valuesThatCannotBe(String family, String key, String value, String message)
      throws IOException {
    copy(family);
    set(key, value);
    Cli.Outcome outcome = Cli.run("checkpoint", "verify", folder.toString());
    assertThat(outcome.code()).as(outcome.err() + outcome.out()).isEqualTo(2);
    assertThat(outcome.errors()).hasSize(1);
    assertThat(outcome.err())
        .startsWith("lapidary: ")
        .contains(folder.toString())
        .contains(message == null ? "" : message);
  }

  /** Every key with values of every kind: never a stack trace, never an attempt at huge arrays. */
  @ParameterizedTest
  @ValueSource(strings = {"llama", "gpt2", "phi3_longrope", "llava", "clip"})
  void anyValueOfAnyKeyEndsInOrder(String family) throws IOException {
    copy(family);
    ObjectNode original = config();
    List<String> bad = new ArrayList<>();
    int turn = family.length();
    for (List<String> path : paths(original, List.of())) {
      for (int i = 0; i < 2; i++) { // two of the eight kinds for each key, in turn
        String value = KINDS.get(turn++ % KINDS.size());
        ObjectNode json = original.deepCopy();
        ObjectNode group = json;
        for (String key : path.subList(0, path.size() - 1)) {
          group = (ObjectNode) group.get(key);
        }
        group.set(path.get(path.size() - 1), MAPPER.readTree(value));
        Jsons.write(folder.resolve("config.json"), json);
        Cli.Outcome outcome = Cli.run("checkpoint", "verify", folder.toString());
        boolean inOrder =
            outcome.code() == 2
                ? outcome.errors().size() == 1 && outcome.err().contains(folder.toString())
                : outcome.code() <= 1;
        if (!inOrder) {
          bad.add(path + " = " + value + ": " + outcome.code() + " " + outcome.err().strip());
        }
      }
    }
    assertThat(bad).isEmpty();
  }

  private static List<List<String>> paths(JsonNode node, List<String> at) {
    List<List<String>> all = new ArrayList<>();
    node.fields()
        .forEachRemaining(
            entry -> {
              List<String> path = new ArrayList<>(at);
              path.add(entry.getKey());
              all.add(path);
              all.addAll(paths(entry.getValue(), path));
            });
    return all;
  }
}
