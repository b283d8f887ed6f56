package io.lapidary.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.lapidary.InputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ResultFilesTest {
  @TempDir Path folder;

  @Test
  void roundTrip() {
    Result result = Results.sample("clip", "desk");
    Path file = ResultFiles.write(folder, result);
    assertThat(file).isEqualTo(folder.resolve("clip/results/desk.json"));
    Result back = ResultFiles.read(file);
    assertThat(back.claims()).isEqualTo(result.claims());
    assertThat(back.metrics()).isEqualTo(result.metrics());
    assertThat(back.figures()).isEqualTo(result.figures());
    assertThat(back).isEqualTo(result);
    assertThat(ResultFiles.toJson(back)).isEqualTo(ResultFiles.toJson(result));
  }

  @Test
  void keysComeInAFixedOrderAndNoNumberIsNaN() throws IOException {
    String json = ResultFiles.toJson(Results.sample("clip", "desk"));
    assertThat(json).doesNotContain("NaN,").doesNotContain(": NaN").doesNotContain("\r");
    JsonNode node = new ObjectMapper().readTree(json);
    assertThat((Iterable<String>) node::fieldNames)
        .containsExactly(
            "experiment", "scale", "seeds", "claims", "metrics", "figures", "provenance");
    JsonNode claim = node.get("claims").get(0);
    assertThat((Iterable<String>) claim::fieldNames)
        .containsExactly(
            "id",
            "paper",
            "statement",
            "value",
            "ci",
            "direction",
            "threshold",
            "unit",
            "verdict",
            "indicative",
            "note");
    assertThat(claim.get("ci").size()).isEqualTo(2);
    assertThat(node.get("claims").get(1).get("ci").get(1).isNull()).isTrue();
    assertThat(node.get("metrics").get(1).toString())
        .isEqualTo(
            "{\"name\":\"loss\",\"value\":null,\"unit\":\"nat\",\"count\":0,\"note\":\"NaN\"}");
  }

  @Test
  void lists() throws IOException {
    assertThat(ResultFiles.list(folder.resolve("absent"))).isEmpty();
    ResultFiles.write(folder, Results.sample("tivit", "quick"));
    ResultFiles.write(folder, Results.sample("clip", "quick"));
    ResultFiles.write(folder, Results.sample("clip", "desk"));
    Files.writeString(folder.resolve("README.md"), "x");
    Files.writeString(folder.resolve("clip/results/notes.txt"), "x");
    assertThat(ResultFiles.readAll(folder).stream().map(r -> r.experiment() + r.scale()).toList())
        .isEqualTo(List.of("clipdesk", "clipquick", "tivitquick"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "\"scale\" : \"desk\"|\"scale\" : 3|scale: ",
        "\"scale\" : \"desk\"|\"scale\" : \"../up\"|scale must be",
        "\"scale\" : \"desk\"|\"scale\" : null|scale must be",
        "\"scale\" : \"desk\",|``|scale",
        "\"scale\" : \"desk\",|\"scale\" : \"desk\", \"scale\" : \"desk\",|Duplicate field 'scale'",
        "\"scale\" : \"desk\",|\"scale\" : \"desk\", \"colour\" : 1,|colour",
        "\"verdict\" : \"HOLDS\"|\"verdict\" : \"FAILS\"|claim R1 says FAILS, but its numbers give",
        "\"verdict\" : \"HOLDS\"|\"verdict\" : \"MAYBE\"|claims[0].verdict",
        "\"verdict\" : \"HOLDS\"|\"verdict\" : 0|claims[0].verdict",
        "\"threshold\" : 0|\"threshold\" : \"0\"|claims[0].threshold: expected a number, found '0'",
        "\"threshold\" : 0|\"threshold\" : 1e999|claims[0].threshold: number out of range",
        "\"threshold\" : 0|\"threshold\" : null|threshold of claim R1",
        "\"name\" : \"recall@1\"|\"name\" : 7|a metric needs name",
        "\"id\" : \"R2\"|\"id\" : \"R1\"|two claims have the id R1",
        "\"seconds\" : 12.5|\"seconds\" : -1|seconds must be at least 0",
        "\"startedAt\" : \"2024-05-01T12:00:00Z\"|\"startedAt\" : \"yesterday\"|expected a time",
        "\"type\" : \"lines\"|\"type\" : \"pie\"|pie",
        "\"png\" : \"iVBOR|\"png\" : \"<svg>|a picture must be a base64 PNG",
        "\"indicative\" : false|\"indicative\" : \"no\"|claims[0].indicative",
      })
  void malformedFilesAreExplained(String found, String replacement, String message)
      throws IOException {
    String json = ResultFiles.toJson(Results.sample("clip", "desk"));
    assertThat(json).contains(found);
    int at = json.indexOf(found);
    Path file = folder.resolve("bad.json");
    Files.writeString(
        file,
        json.substring(0, at)
            + (replacement == null ? "" : replacement)
            + json.substring(at + found.length()));
    assertThatThrownBy(() -> ResultFiles.read(file))
        .isInstanceOf(InputException.class)
        .hasMessageStartingWith(file.toString())
        .hasMessageContaining(message)
        .hasMessageNotContaining("\n");
  }

  @Test
  void brokenFilesAreExplained() throws IOException {
    Path file = folder.resolve("x.json");
    for (String text : new String[] {"", "null", "[]", "{", "7", "\"text\"", "\u0000", "{}{}"}) {
      Files.writeString(file, text);
      assertInputError(file);
    }
    String json = ResultFiles.toJson(Results.sample("clip", "desk"));
    Files.writeString(file, json + "{}");
    assertInputError(file);
    Files.write(file, new byte[] {'"', (byte) 0xff, (byte) 0xfe, '"'});
    assertInputError(file);
    Files.writeString(file, "[".repeat(100_000));
    assertInputError(file);
    assertInputError(folder.resolve("absent.json"));
    assertInputError(folder);
  }

  @Test
  void damagedFilesNeverEscapeAsAnotherError() throws IOException {
    String json = ResultFiles.toJson(Results.sample("clip", "desk"));
    for (long seed = 0; seed < 300; seed++) {
      SplittableRandom random = new SplittableRandom(seed);
      StringBuilder text = new StringBuilder(json);
      int from = random.nextInt(text.length());
      if (random.nextBoolean()) {
        text.setLength(from);
      } else {
        text.replace(from, from + 1, random.nextBoolean() ? "\"" : "0");
      }
      try {
        ResultFiles.parse("seed " + seed, text.toString());
      } catch (InputException e) {
        assertThat(e.getMessage()).startsWith("seed " + seed);
      }
    }
  }

  private static void assertInputError(Path file) {
    assertThatThrownBy(() -> ResultFiles.read(file))
        .isInstanceOf(InputException.class)
        .hasMessageStartingWith(file.toString())
        .hasMessageNotContaining("\n");
  }
}
