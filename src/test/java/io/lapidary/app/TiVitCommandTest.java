package io.lapidary.app;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.lapidary.data.series.GeneratedProblem;
import io.lapidary.data.series.SeriesFiles;
import io.lapidary.data.series.SeriesProblem;
import io.lapidary.io.SafetensorsFile;
import io.lapidary.method.tivit.SeriesMethods;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TiVitCommandTest {
  @TempDir private Path folder;

  @BeforeEach
  void draw() throws IOException {
    write(GeneratedProblem.CBF.draw(24, 30, 64, 1));
    write(GeneratedProblem.SYNTHETIC_CONTROL.draw(36, 30, 60, 1));
  }

  private void write(SeriesProblem problem) throws IOException {
    Path own = Files.createDirectories(folder.resolve(problem.name()));
    SeriesFiles.write(problem.train(), own.resolve(problem.name() + "_TRAIN.ts"));
    SeriesFiles.write(problem.test(), own.resolve(problem.name() + "_TEST.ts"));
  }

  private Cli.Outcome classify(String... more) {
    return Cli.run(
        Stream.concat(
                Stream.of(
                    "tivit",
                    "classify",
                    folder.resolve("CBF/CBF_TRAIN.ts").toString(),
                    folder.resolve("CBF/CBF_TEST.ts").toString()),
                Stream.of(more))
            .toArray(String[]::new));
  }

  private static JsonNode json(Cli.Outcome outcome) throws IOException {
    assertThat(outcome.code()).as(outcome.err()).isZero();
    return new ObjectMapper().readTree(outcome.out());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "tivit",
        "tivit-centroid",
        "minirocket",
        "multirocket",
        "hydra",
        "multirocket-hydra",
        "1nn-ed",
        "1nn-dtw",
        "raw-lr",
        "pixel-lr"
      })
  void everyMethodLearns(String method) throws IOException {
    JsonNode result = json(classify("--method", method, "--json"));
    assertThat(result.path("method").asText()).isEqualTo(method);
    assertThat(result.path("accuracy").asDouble()).isGreaterThan(0.5);
    assertThat(result.path("trainCases").asInt()).isEqualTo(24);
    assertThat(result.path("testCases").asInt()).isEqualTo(30);
    assertThat(result.path("classes").asInt()).isEqualTo(3);
    assertThat(result.path("seconds").asDouble()).isPositive();
    assertThat(SeriesMethods.NAMES).contains(method);
  }

  @Test
  void theSameSeedGivesTheSameResultAndACacheDoesNotChangeIt() throws IOException {
    Path cache = folder.resolve("cache");
    JsonNode first = json(classify("--json", "--cache", cache.toString()));
    List<Path> files;
    try (Stream<Path> list = Files.list(cache)) {
      files = list.toList();
    }
    assertThat(files).hasSize(2); // train and test
    JsonNode again = json(classify("--json", "--cache", cache.toString()));
    JsonNode without = json(classify("--json"));
    assertThat(again.path("confusion")).isEqualTo(first.path("confusion"));
    assertThat(without.path("confusion")).isEqualTo(first.path("confusion"));
    assertThat(first.path("layers")).hasSize(1);
    classify("--json", "--cache", cache.toString(), "--stride", "1");
    try (Stream<Path> list = Files.list(cache)) {
      assertThat(list).hasSize(4); // other pictures, other features
    }
    assertThat(classify("--method", "1nn-ed").out()).contains("accuracy", "as predicted");
  }

  @Test
  void otherEncodersAndLayers() throws IOException {
    String golden = "src/test/resources/golden/";
    for (String encoder : List.of("vit", "dinov2", "clip", "siglip_vision", "openclip")) {
      JsonNode result = json(classify("--json", "--encoder", golden + encoder + ":1"));
      assertThat(result.path("layers").get(0).asInt()).as(encoder).isEqualTo(1);
    }
    JsonNode joined =
        json(classify("--json", "--encoder", golden + "vit:1", "--encoder", golden + "clip"));
    assertThat(joined.path("layers")).hasSize(2);
    assertThat(classify("--encoder", golden + "vit:99").err()).contains("layer must be in [0, ");
    assertThat(classify("--encoder", golden + "gpt2").code()).isEqualTo(2);
    assertThat(classify("--method", "rockets").err()).contains("rocket");
    assertThat(classify("--stride", "2").err()).contains("stride must be in (0, 1]");
  }

  @Test
  void featuresOfEveryLayer() {
    Path out = folder.resolve("features.safetensors");
    Path data = folder.resolve("CBF/CBF_TRAIN.ts");
    Cli.Outcome outcome = Cli.run("tivit", "embed", data.toString(), "--out", out.toString());
    assertThat(outcome.code()).as(outcome.err()).isZero();
    try (SafetensorsFile file = SafetensorsFile.open(out)) {
      assertThat(file.names()).hasSize(8).contains("layer.0", "layer.6", "labels");
      assertThat(file.info("layer.3").shape()).containsExactly(24, 64);
      assertThat(file.read("layer.3").norm2(1).meanNumber().doubleValue())
          .isCloseTo(1, org.assertj.core.api.Assertions.within(1e-4));
    }
  }

  @Test
  void methodsAreComparedOverProblems() throws IOException {
    Cli.Outcome outcome =
        Cli.run(
            "tivit",
            "compare",
            folder.toString(),
            "--methods",
            "minirocket,1nn-ed,raw-lr",
            "--json");
    JsonNode result = json(outcome);
    assertThat(result.path("problems")).hasSize(2);
    assertThat(result.path("averageRank").path("minirocket").asDouble()).isBetween(1.0, 3.0);
    assertThat(result.path("pairs")).hasSize(3);
    assertThat(result.path("cliques")).hasSize(1);
    Cli.Outcome table =
        Cli.run(
            "tivit",
            "compare",
            folder.resolve("CBF").toString(),
            folder.resolve("SyntheticControl").toString(),
            "--methods",
            "1nn-ed,raw-lr");
    assertThat(table.out()).contains("average rank", "Friedman", "1nn-ed - raw-lr");
    Cli.Outcome empty = Cli.run("tivit", "compare", folder.resolve("none").toString());
    assertThat(empty.code()).isEqualTo(2);
    assertThat(empty.errors()).hasSize(1);
  }

  @Test
  void badSeriesAreToldWithFileAndLine() throws IOException {
    Path train = folder.resolve("CBF/CBF_TRAIN.ts");
    String[][] cases = {
      {"", "is empty"},
      {"@classLabel true a\n", "no @data"},
      {"@data\n", "holds no case"},
      {"@data\n1,2:a\n3,4:a\n", "all training cases are of class 'a'"},
      {"@data\n1:a\n2:b\n", ":2: channel 1 has one value"},
      {"@data\n1,x:a\n2,3:b\n", ":2: channel 1, value 2"},
      {"@data\n1,2:a\n?,?:b\n", ":3: channel 1 has no known value"},
      {"@data\n1,2:a\n1,2:3,4:b\n", ":3: the case has 2 channels"},
      {"@data\n1,2:a\n3,4:b\n", "CBF_TEST.ts:9: class '1' does not occur"}
    };
    for (String[] c : cases) {
      Files.writeString(train, c[0]);
      if (c[1].startsWith("all training")) {
        Files.writeString(folder.resolve("CBF/CBF_TEST.ts"), "@data\n1,2:a\n");
      }
      Cli.Outcome outcome = classify("--method", "1nn-ed");
      assertThat(outcome.code()).as(c[1]).isEqualTo(2);
      assertThat(outcome.errors()).hasSize(1);
      assertThat(outcome.err()).startsWith("lapidary: ").contains(c[1]);
      if (c[1].startsWith("all training")) {
        write(GeneratedProblem.CBF.draw(24, 30, 64, 1));
      }
    }
  }

  @Test
  void constantSeriesGapsAndUnequalLengthsPassThroughEveryMethod() throws IOException {
    Files.writeString(
        folder.resolve("CBF/CBF_TRAIN.ts"),
        "@data\n5,5,5,5:a\n1,?,3,4,5,9,8:b\n1,2,3:a\n9,8,7,5,3,1,0,1:b\n2,2,2,2:a\n8,1,8,1:b\n");
    Files.writeString(folder.resolve("CBF/CBF_TEST.ts"), "@data\n5,5,5,5,5:a\n1,2,?:b\n");
    for (String method : SeriesMethods.NAMES) {
      JsonNode result = json(classify("--method", method, "--json"));
      assertThat(result.path("accuracy").asDouble()).as(method).isBetween(0.0, 1.0);
    }
  }

  @Test
  void analysesLayersAndComparesEncoders() throws IOException {
    String[] data = {
      "tivit",
      "analyse",
      folder.resolve("CBF/CBF_TRAIN.ts").toString(),
      folder.resolve("CBF/CBF_TEST.ts").toString()
    };
    JsonNode one = json(run(data, "--json"));
    assertThat(one.path("cases").asInt()).isEqualTo(54);
    assertThat(one.path("alignment")).isEmpty();
    JsonNode layers = one.path("encoders").get(0).path("layers");
    assertThat(layers).hasSize(7);
    for (int layer = 0; layer < 7; layer++) {
      JsonNode entry = layers.get(layer);
      assertThat(entry.path("layer").asInt()).isEqualTo(layer);
      assertThat(entry.path("dimension").asDouble()).isBetween(0.5, 30.0);
      assertThat(entry.path("components").asInt()).isBetween(1, 54);
      assertThat(entry.path("scaling").get(1).path("cases").asInt()).isEqualTo(27);
    }
    String own = "checkpoints/emoji-mae";
    JsonNode two = json(run(data, "--json", "--encoder", own, "--encoder", own, "--cases", "40"));
    JsonNode pairs = two.path("alignment").get(0).path("byLayers");
    for (int layer = 0; layer < 7; layer++) {
      assertThat(pairs.get(layer).get(layer).asDouble()).isEqualTo(1);
    }
    assertThat(pairs.get(0).get(6).asDouble()).isBetween(10.0 / 39, 0.99);
    JsonNode across = json(run(data, "--json", "--across-layers"));
    assertThat(across.path("encoders")).isNotEqualTo(one.path("encoders"));
    assertThat(run(data, "--encoder", own + ":2", "--encoder", own + ":5").out())
        .contains("encoder 1, layer 2 and encoder 2, layer 5");
    assertThat(run(data, "--neighbours", "54").err())
        .contains("--neighbours must be in [1, 53], got 54");
  }

  private static Cli.Outcome run(String[] first, String... more) {
    return Cli.run(Stream.concat(Stream.of(first), Stream.of(more)).toArray(String[]::new));
  }

  @Test
  void lengthsCanBeMadeEqualInOtherWays() throws IOException {
    Path train = folder.resolve("u_TRAIN.tsv");
    Path test = folder.resolve("u_TEST.tsv");
    Files.writeString(train, "1\t0\t1\t0\t1\n1\t1\t0\t1\n2\t5\t6\t5\t6\t5\n2\t5\t5\t6\n");
    Files.writeString(test, "1\t0\t1\t1\n2\t6\t5\t6\t6\n");
    for (String how : List.of("zeros", "noise", "Stretch")) {
      JsonNode result =
          json(
              Cli.run(
                  "tivit",
                  "classify",
                  train.toString(),
                  test.toString(),
                  "--method",
                  "1nn-dtw",
                  "--lengths",
                  how,
                  "--z-normalise",
                  "--json"));
      assertThat(result.path("testCases").asInt()).isEqualTo(2);
    }
    assertThat(classify("--lengths", "short").err()).contains("[ZEROS, NOISE, STRETCH]");
  }
}
