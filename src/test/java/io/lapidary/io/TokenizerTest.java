package io.lapidary.io;

import static io.lapidary.io.SafetensorsTest.fails;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

class TokenizerTest {
  private static final List<String> TEXTS =
      List.of("Red apple", "green apple!", "Piñata, cat's face", "cat face");

  @TempDir Path folder;

  @Test
  void wordsAreOrderedByCountThenText() {
    WordVocabulary words = WordVocabulary.of(TEXTS, 1, 100);
    assertThat(words.words())
        .containsExactly("apple", "cat", "face", "!", "'", ",", "green", "piñata", "red", "s");
    assertThat(words.size()).isEqualTo(14);
    assertThat(words.eosId()).isEqualTo(13);
    assertThat(WordVocabulary.of(TEXTS, 2, 100).words()).containsExactly("apple", "cat", "face");
    assertThat(WordVocabulary.of(TEXTS, 1, 6).words()).containsExactly("apple", "cat");
    assertThatThrownBy(() -> WordVocabulary.of(TEXTS, 1, 4))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("maxSize");
  }

  @Test
  void encodesCutsPadsAndDecodes() {
    WordVocabulary words = WordVocabulary.of(TEXTS, 1, 100);
    words.write(folder);
    try (Tokenizer tokenizer = Tokenizer.open(folder)) {
      assertThat(tokenizer.vocabSize()).isEqualTo(14);
      assertThat(tokenizer.special()).isEqualTo(new Tokenizer.SpecialIds(0, 1, 13, 2));
      assertThat(tokenizer.id("apple")).hasValue(3);
      assertThat(tokenizer.id("Apple")).isEmpty();
      assertThat(tokenizer.encode("RED  apple")).containsExactly(1, 11, 3, 13);
      assertThat(tokenizer.encode("blue apple")).containsExactly(1, 2, 3, 13);
      assertThat(tokenizer.encode("pin\u0303ata")).containsExactly(1, 10, 13);
      assertThat(tokenizer.encode("")).containsExactly(1, 13);
      assertThat(tokenizer.encodePlain("red apple")).containsExactly(11, 3);
      assertThat(tokenizer.encode("red green apple", 4)).containsExactly(1, 11, 9, 13);
      assertThat(tokenizer.encode("red green apple", 2)).containsExactly(1, 13);
      assertThat(tokenizer.encode("red green apple", 5)).containsExactly(1, 11, 9, 3, 13);
      assertThatThrownBy(() -> tokenizer.encode("red", 1))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("2 special tokens");
      assertThat(tokenizer.decode(1, 11, 3, 13, 0, 0)).isEqualTo("red apple");
      assertThatThrownBy(() -> tokenizer.decode(14)).isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> tokenizer.decode(-1)).isInstanceOf(IllegalArgumentException.class);
      INDArray batch = tokenizer.encodeBatch(List.of("cat face", "red green apple"), 4);
      assertThat(batch.dataType()).isEqualTo(DataType.INT);
      assertThat(batch.shape()).containsExactly(2, 4);
      assertThat(batch.toIntMatrix()[0]).containsExactly(1, 4, 5, 13);
      assertThat(batch.toIntMatrix()[1]).containsExactly(1, 11, 9, 13);
      assertThat(tokenizer.encodeBatch(List.of(""), 4).toIntMatrix()[0])
          .containsExactly(1, 13, 0, 0);
      assertThat(tokenizer.encodePadded("", 4, 13)).containsExactly(1, 13, 13, 13);
    }
  }

  @Test
  void splittingAgreesWithTheLibraryOnAnyText() {
    int[] odd = {
      ' ', '\t', '\n', 0xA0, 0x3000, 0x200D, 0x200B, '_', '-', '\'', '.', '0', '9', 'a', 'Z', 'É',
      'İ', 'ß', 'Σ', 'ς', 0x301, 0x303, 0x0915, 0x094D, 0x4E2D, 0xAC00, 0x1100, 0x1161, 0x1F600,
      0x1F1E9, 0xFE0F, 0x20E3, 0x2460, 0xBD, 0xB2, 0x2122, 0x216B, 0x203F, 0x1D400, 0x10400, 0x0660
    };
    List<String> texts = new ArrayList<>(TEXTS);
    SplittableRandom random = new SplittableRandom(11);
    for (int i = 0; i < 300; i++) {
      StringBuilder text = new StringBuilder();
      for (int length = random.nextInt(12); length >= 0; length--) {
        text.appendCodePoint(odd[random.nextInt(odd.length)]);
      }
      texts.add(text.toString());
    }
    WordVocabulary words = WordVocabulary.of(texts, 1, Integer.MAX_VALUE);
    words.write(folder);
    try (Tokenizer tokenizer = Tokenizer.open(folder.resolve("tokenizer.json"))) {
      for (String text : texts) {
        int[] expected =
            WordVocabulary.split(text).stream()
                .mapToInt(word -> tokenizer.id(word).orElseThrow())
                .toArray();
        assertThat(tokenizer.encodePlain(text))
            .as("seed 11, text %s", Arrays.toString(text.codePoints().toArray()))
            .containsExactly(expected);
      }
    }
  }

  @Test
  void truncationAndPaddingInTheFileDoNotMatter() throws Exception {
    WordVocabulary.of(TEXTS, 1, 100).write(folder);
    Path file = folder.resolve("tokenizer.json");
    String text = Files.readString(file);
    String changed =
        text.replace(
                "\"truncation\" : null",
                "\"truncation\" : {\"direction\":\"Right\",\"max_length\":3,"
                    + "\"strategy\":\"LongestFirst\",\"stride\":0}")
            .replace(
                "\"padding\" : null",
                "\"padding\" : {\"strategy\":{\"Fixed\":8},\"direction\":\"Right\","
                    + "\"pad_to_multiple_of\":null,\"pad_id\":0,\"pad_type_id\":0,"
                    + "\"pad_token\":\"[PAD]\"}");
    assertThat(changed).contains("LongestFirst", "Fixed");
    Files.writeString(file, changed);
    try (Tokenizer tokenizer = Tokenizer.open(folder)) {
      assertThat(tokenizer.encode("red green apple")).containsExactly(1, 11, 9, 3, 13);
      assertThat(tokenizer.encode("red")).containsExactly(1, 11, 13);
    }
  }

  @Test
  void unusableFilesAreOneClearLine() throws Exception {
    Path file = folder.resolve("tokenizer.json");
    fails(() -> Tokenizer.open(folder).close(), "tokenizer.json", "nothing of that name");
    for (String text :
        new String[] {
          "",
          "[]",
          "{}",
          "{\"model\":3}",
          "{\"model\":{}}",
          "{\"model\":{\"vocab\":{\"a\":\"x\"}}}",
          "{\"model\":{\"vocab\":{\"a\":-1}}}",
          "{\"model\":{\"vocab\":{\"a\":2000000000}}}",
          "{\"model\":{\"type\":\"Magic\",\"vocab\":{\"a\":0}}}",
          "{\"model\":{\"vocab\":{\"a\":0}",
          "{\"added_tokens\":[3],\"model\":{\"vocab\":{\"a\":0}}}",
          "[".repeat(100_000),
          "\u0000"
        }) {
      Files.writeString(file, text);
      fails(() -> Tokenizer.open(file).close(), "tokenizer.json");
    }
    WordVocabulary.of(TEXTS, 1, 100).write(folder);
    String good = Files.readString(file);
    Files.writeString(file, good.substring(0, good.length() / 2));
    fails(() -> Tokenizer.open(file).close(), "not valid JSON");
    Files.writeString(file, good.replace("\"Whitespace\"", "\"Teleport\""));
    fails(() -> Tokenizer.open(file).close(), "not a usable tokenizer.json");
  }
}
