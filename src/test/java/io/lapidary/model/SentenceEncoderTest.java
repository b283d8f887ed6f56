package io.lapidary.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.lapidary.InputException;
import io.lapidary.io.Jsons;
import io.lapidary.io.SafetensorsFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.ndarray.INDArray;

class SentenceEncoderTest {
  private static final Path GOLDEN = Path.of("src/test/resources/golden/sentence_bert");

  @TempDir private Path folder;

  @BeforeEach
  void copy() throws IOException {
    try (Stream<Path> files = Files.walk(GOLDEN)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        Path target = folder.resolve(GOLDEN.relativize(file).toString());
        Files.createDirectories(target.getParent());
        Files.copy(file, target);
      }
    }
  }

  @Test
  void vectorsAreThoseOfThePythonLibrary() {
    List<String> texts = new ArrayList<>();
    Jsons.readObject(GOLDEN.resolve("golden.json"))
        .path("texts")
        .forEach(text -> texts.add(text.asText()));
    try (SentenceEncoder encoder = SentenceEncoder.load(GOLDEN);
        SafetensorsFile file = SafetensorsFile.open(GOLDEN.resolve("golden.safetensors"));
        INDArray expected = file.read("embeddings");
        INDArray vectors = encoder.embed(texts)) {
      assertThat(vectors.shape()).isEqualTo(expected.shape());
      assertThat(vectors.sub(expected).amaxNumber().doubleValue()).isLessThan(1e-5);
    }
  }

  private int longest() {
    try (SentenceEncoder encoder = SentenceEncoder.load(folder)) {
      return encoder.settings().longest();
    }
  }

  private void set(String file, String key, String value) {
    Path path = folder.resolve(file);
    ObjectNode json = Files.exists(path) ? Jsons.readObject(path) : Jsons.object();
    json.putRawValue(key, new com.fasterxml.jackson.databind.util.RawValue(value));
    Jsons.write(path, json);
  }

  @Test
  void theLongestLengthIsNamedInSeveralPlaces() throws IOException {
    assertThat(longest()).as("tokenizer_config.json").isEqualTo(20);
    set("sentence_bert_config.json", "max_seq_length", "9");
    assertThat(longest()).as("named for sentences").isEqualTo(9);
    set("sentence_bert_config.json", "max_seq_length", "null");
    assertThat(longest()).isEqualTo(20);
    set("tokenizer_config.json", "model_max_length", "1000000000000000019884624838656");
    assertThat(longest()).as("no limit but the model's").isEqualTo(64);
    set("tokenizer_config.json", "model_max_length", "512");
    assertThat(longest()).as("more than the model reads").isEqualTo(64);
    Files.delete(folder.resolve("tokenizer_config.json"));
    assertThat(longest()).isEqualTo(64);
    set("sentence_bert_config.json", "max_seq_length", "-3");
    assertThatThrownBy(this::longest)
        .isInstanceOf(InputException.class)
        .hasMessageContaining("longest must be above 0, got -3");
  }
}
