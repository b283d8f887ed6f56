package io.lapidary.io;

import static io.lapidary.io.SafetensorsTest.fails;
import static org.assertj.core.api.Assertions.assertThat;

import io.lapidary.Check;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ConfigFilesTest {
  enum Activation {
    RELU,
    QUICK_GELU
  }

  record Model(int width, Integer heads, Activation activation, List<Integer> sizes) {
    Model {
      Check.positive("width", width);
      heads = heads == null ? 4 : heads;
      sizes = sizes == null ? List.of() : List.copyOf(sizes);
    }
  }

  record Config(String name, long seed, double rate, boolean resume, Model model, Path data) {
    Config {
      Check.present("model", model);
    }
  }

  private static final String GOOD =
      """
      # a comment
      name: tiny
      seed: 17
      rate: 1e-3
      resume: false
      model:
        width: 32
        activation: QUICK_GELU
        sizes: [1, 2, 3]
      data: some/folder
      """;

  @TempDir Path folder;

  @Test
  void readsRecords() throws Exception {
    Config config = ConfigFiles.load(file("a.yaml", GOOD), Config.class);
    assertThat(config)
        .isEqualTo(
            new Config(
                "tiny",
                17,
                1e-3,
                false,
                new Model(32, null, Activation.QUICK_GELU, List.of(1, 2, 3)),
                Path.of("some/folder")));
    assertThat(config.model().heads()).isEqualTo(4);
  }

  @Test
  void whatIsWrittenReadsBackEqual() throws Exception {
    Path path = folder.resolve("resolved.yaml");
    for (String name :
        new String[] {
          "tiny",
          "1e-3",
          "no",
          "true",
          "null",
          "",
          " a ",
          "~",
          "#x",
          "a: b",
          "1:30",
          "0x1F",
          ".5",
          "line\nbreak",
          "é\t✂",
          "- a",
          "'",
          "\"",
          "{a}",
          "[",
          "*a",
          "&a",
          "!a",
          "%",
          "@",
          "?",
          "-",
          "012",
          "+1",
          ".nan",
          "<<",
          "=",
          "yes",
          "2020-01-01",
          "a #b",
          "a:",
          "trailing\n"
        }) {
      Config config =
          new Config(
              name, Long.MAX_VALUE, 1.0E-4, true, new Model(1, 2, null, List.of(5)), Path.of("x"));
      ConfigFiles.write(path, config);
      assertThat(ConfigFiles.load(path, Config.class)).isEqualTo(config);
    }
  }

  @Test
  void extendsMergesGroupsAndReplacesLists() throws Exception {
    Files.createDirectories(folder.resolve("sub"));
    file("base.yaml", GOOD);
    file("sub/middle.yaml", "extends: ../base.yaml\nmodel: {sizes: [9], heads: 2}\n");
    Path last = file("sub/last.yaml", "extends: middle.yaml\nseed: 3\nmodel:\n  heads: null\n");
    Config config =
        ConfigFiles.load(
            last, Map.of("model.width", "64", "name", "'12'", "model.sizes", "[]"), Config.class);
    assertThat(config.seed()).isEqualTo(3);
    assertThat(config.name()).isEqualTo("12");
    assertThat(config.model()).isEqualTo(new Model(64, null, Activation.QUICK_GELU, List.of()));
    assertThat(ConfigFiles.tree(last, Map.of()).has("extends")).isFalse();
    file("base.yaml", GOOD.replace("width: 32", "width: -1"));
    fails(() -> ConfigFiles.load(last, Config.class), "width must be above 0, got -1");
    file("base.yaml", GOOD.replace("width: 32", "width: wide"));
    fails(() -> ConfigFiles.load(last, Config.class), "base.yaml, line 7: model.width:");
    file("base.yaml", "extends: sub/last.yaml");
    fails(() -> ConfigFiles.load(last, Config.class), "extends itself");
    file("base.yaml", "extends: [a]");
    fails(() -> ConfigFiles.load(last, Config.class), "base.yaml, line 1", "one file");
    Files.delete(folder.resolve("base.yaml"));
    fails(() -> ConfigFiles.load(last, Config.class), "base.yaml", "nothing of that name");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "seed: 17 | sead: 17 | line 3: sead: unknown key; known here: data, model, name,",
        "seed: 17 | seed: 1.5 | line 3: seed: expected a whole number, found the number 1.5",
        "seed: 17 | seed: '17' | line 3: seed: expected a whole number, found the text '17'",
        "seed: 17 | seed: 99999999999999999999 | line 3: seed: found the number 99999999999999999999",
        "seed: 17 | seed: | line 3: seed: expected a whole number, found nothing",
        "seed: 17 | seed: [1] | line 3: seed: expected a whole number, found a list",
        "seed: 17 | # | seed: a value is missing: expected a whole number",
        "seed: 17 | name: 3 | line 3: duplicate key 'name'",
        "rate: 1e-3 | rate: fast | line 4: rate: expected a number, found the text 'fast'",
        "rate: 1e-3 | rate: true | line 4: rate: expected a number, found the truth value true",
        "resume: false | resume: no | line 5: resume: expected true or false, found the text 'no'",
        "resume: false | resume: 0 | line 5: resume: expected true or false, found the number 0",
        "name: tiny | name: 3 | line 2: name: expected text, found the number 3",
        "name: tiny | name: [] | line 2: name: expected text, found a list",
        "width: 32 | width: 0 | line 6: model: width must be above 0, got 0",
        "width: 32 | width: 3000000000 | line 7: model.width: found the number 3000000000",
        "width: 32 | wide: 32 | line 7: model.wide: unknown key; known here: activation, heads,",
        "QUICK_GELU | GELU | line 8: model.activation: expected one of RELU, QUICK_GELU, found",
        "QUICK_GELU | 1 | line 8: model.activation: expected one of",
        "'[1, 2, 3]' | '[1, x]' | line 9: model.sizes[1]: expected a whole number, found the text",
        "'[1, 2, 3]' | 3 | line 9: model.sizes: expected a list, found the number 3",
        "'[1, 2, 3]' | '[1, 2' | not valid YAML",
        "'# a comment' | '\t- a' | line 1: not valid YAML",
        "'# a comment' | '? [a]\n: b' | line 1: a key must be a word",
        "'# a comment' | '<<: {seed: 3}' | unknown key",
        "'# a comment' | '!!javax.script.ScriptEngineManager x: 1' | not valid YAML: Global tag is not allowed",
      })
  void mistakesAreOneLineWithThePlace(String from, String to, String expected) throws Exception {
    assertThat(GOOD).contains(from.strip());
    Path path = file("bad.yaml", GOOD.replace(from.strip(), to == null ? "" : to));
    fails(() -> ConfigFiles.load(path, Config.class), "bad.yaml", expected.strip());
  }

  @Test
  void overridesNameThemselves() throws Exception {
    Path path = file("a.yaml", GOOD);
    fails(
        () -> ConfigFiles.load(path, Map.of("model.width", "x"), Config.class),
        "--set model.width=x: model.width: expected a whole number");
    fails(
        () -> ConfigFiles.load(path, Map.of("model.depth", "3"), Config.class),
        "--set model.depth=3: model.depth: unknown key");
    fails(() -> ConfigFiles.load(path, Map.of("name.x", "3"), Config.class), "not a group");
    fails(() -> ConfigFiles.load(path, Map.of("model.", "3"), Config.class), "key=value");
    fails(() -> ConfigFiles.load(path, Map.of("name", "[1"), Config.class), "not valid YAML");
    fails(() -> ConfigFiles.load(path, Map.of("model", "null"), Config.class), "model is missing");
    assertThat(ConfigFiles.load(path, Map.of("model", "{width: 8}"), Config.class).model().width())
        .isEqualTo(8);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "# nothing\n", "---\n...\n", "just text", "- a\n- b\n", "a: 1\n---\nb: 2"})
  void otherDocumentsAreRejected(String text) throws Exception {
    Path path = file("odd.yaml", text);
    fails(() -> ConfigFiles.load(path, Config.class), "odd.yaml");
  }

  @Test
  @Timeout(10)
  void hostileFilesEndSoon() throws Exception {
    StringBuilder laughs = new StringBuilder("a0: &a0 [x]\n");
    for (int i = 1; i < 40; i++) {
      laughs.append(String.format("a%d: &a%d [*a%d, *a%d]\n", i, i, i - 1, i - 1));
    }
    Path bomb = file("bomb.yaml", laughs.toString());
    fails(() -> ConfigFiles.load(bomb, Config.class), "bomb.yaml");
    Path loop = file("loop.yaml", "a: &a [*a]\n");
    fails(() -> ConfigFiles.load(loop, Config.class), "loop.yaml");
    Path deep = file("deep.yaml", "a: " + "[".repeat(100_000));
    fails(() -> ConfigFiles.load(deep, Config.class), "deep.yaml");
    Path large = file("large.yaml", "#".repeat(4_000_000));
    fails(() -> ConfigFiles.load(large, Config.class), "large.yaml", "larger than");
    Path latin = folder.resolve("latin.yaml");
    Files.write(latin, new byte[] {'a', ':', (byte) 0xE9, '\n'});
    fails(() -> ConfigFiles.load(latin, Config.class), "latin.yaml", "UTF-8");
    fails(() -> ConfigFiles.load(folder, Config.class), "not a file");
  }

  @Test
  void jsonIsReadStrictlyToo() throws Exception {
    Path path = folder.resolve("model.json");
    Model model = new Model(3, 5, Activation.RELU, List.of(1));
    Jsons.write(path, model);
    assertThat(Jsons.read(path, Model.class)).isEqualTo(model);
    assertThat(Files.readString(path)).endsWith("}\n");
    Files.writeString(path, "{\"width\": 3, \"depth\": 1}");
    fails(() -> Jsons.read(path, Model.class), "model.json: depth: unknown key");
    Files.writeString(path, "{\"width\": 3} {}");
    fails(() -> Jsons.read(path, Model.class), "model.json", "not valid JSON");
    Files.writeString(path, "");
    fails(() -> Jsons.read(path, Model.class), "model.json");
    Files.writeString(path, "{\"a\":".repeat(5000));
    fails(() -> Jsons.readObject(path), "model.json");
  }

  private Path file(String name, String text) throws Exception {
    return Files.writeString(folder.resolve(name), text);
  }
}
