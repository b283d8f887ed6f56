package io.lapidary.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lapidary.InputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FinishedPartsTest {
  @TempDir private Path folder;
  private int measured;

  private Map<String, Double> scores(String key, double value) {
    return FinishedParts.in(folder.resolve("scores"))
        .scores(
            key,
            () -> {
              measured++;
              Map<String, Double> scores = new LinkedHashMap<>();
              scores.put("z, layer 2", value);
              scores.put("a", 1.0 / 3);
              return scores;
            });
  }

  @Test
  void aPartIsMeasuredOnce() {
    Map<String, Double> first = scores("one", 0.1);
    Map<String, Double> again = scores("one", 7);
    assertThat(measured).isEqualTo(1);
    assertThat(again).isEqualTo(first).containsEntry("a", 1.0 / 3);
    assertThat(again.keySet()).containsExactly("z, layer 2", "a");
    assertThat(scores("two", 7)).containsEntry("z, layer 2", 7.0);
    assertThat(measured).isEqualTo(2);
  }

  @Test
  void scoresWithoutAFormInJsonAreMeasuredAgain() {
    assertThat(scores("one", Double.NaN)).containsEntry("z, layer 2", Double.NaN);
    assertThat(scores("one", Double.POSITIVE_INFINITY))
        .containsEntry("z, layer 2", Double.POSITIVE_INFINITY);
    assertThat(measured).isEqualTo(2);
  }

  @Test
  void aDamagedFileIsNamed() throws IOException {
    scores("one", 1);
    Path file;
    try (var files = Files.list(folder.resolve("scores"))) {
      file = files.findFirst().orElseThrow();
    }
    Files.writeString(file, "{\"a\": \"many\"}");
    assertThatThrownBy(() -> scores("one", 1))
        .isInstanceOf(InputException.class)
        .hasMessageContaining(file.getFileName() + ": a must be a number, found \"many\"")
        .hasMessageContaining("delete the file");
    Files.writeString(file, "{");
    assertThatThrownBy(() -> scores("one", 1)).isInstanceOf(InputException.class);
    Files.delete(file);
    Files.delete(folder.resolve("scores"));
    Files.writeString(folder.resolve("scores"), "");
    assertThatThrownBy(() -> scores("one", 1)).hasMessageContaining("cannot be made");
  }
}
