package io.lapidary.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.lapidary.io.Dtype;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.ops.transforms.Transforms;

class MiniLmTest {
  private static SentenceEncoder miniLm;

  @TempDir Path temporary;

  @BeforeAll
  static void load() {
    miniLm = MiniLm.load();
  }

  @AfterAll
  static void close() {
    miniLm.close();
  }

  @Test
  void similaritiesAreThoseOfThePublishedModel() {
    INDArray e =
        miniLm.embed(
            List.of(
                "A man is eating food.",
                "Someone is having a meal.",
                "The stock market crashed today.",
                "A man is eating food",
                "Someone is having a meal"));
    INDArray cosines = e.mmul(e.transpose());
    assertThat(cosines.getDouble(0, 1)).isCloseTo(0.689, within(1e-3));
    assertThat(cosines.getDouble(0, 2)).isCloseTo(0.009, within(1e-3));
    // what the Python library gives for the same weights
    assertThat(cosines.getDouble(0, 1)).isCloseTo(0.688833, within(1e-5));
    assertThat(cosines.getDouble(0, 2)).isCloseTo(0.008832, within(1e-5));
    assertThat(cosines.getDouble(3, 4)).isCloseTo(0.671550, within(1e-5));
    assertThat(cosines.getDouble(1, 1)).isCloseTo(1, within(1e-5));
  }

  @Test
  void tokensAreThoseOfBert() {
    assertThat(miniLm.tokenizer().encode("A man is eating food."))
        .containsExactly(101, 1037, 2158, 2003, 5983, 2833, 1012, 102);
  }

  @Test
  void aTextDoesNotDependOnItsBatch() {
    List<String> texts = new ArrayList<>();
    for (int i = 0; i < 37; i++) {
      texts.add("word ".repeat(i * i % 12) + "number " + i);
    }
    texts.add("");
    texts.add("東京 🙂 naïve café");
    texts.add("long ".repeat(600)); // cut to 256 ids
    INDArray together = miniLm.embed(texts);
    assertThat(together.shape()).containsExactly(40, 384);
    for (int i : new int[] {0, 7, 37, 38, 39}) {
      INDArray alone = miniLm.embed(List.of(texts.get(i)));
      double cosine = Transforms.cosineSim(alone.getRow(0), together.getRow(i));
      assertThat(cosine).as(texts.get(i)).isCloseTo(1, within(1e-5));
    }
    INDArray cut = miniLm.embed(List.of("long ".repeat(300)));
    assertThat(Transforms.cosineSim(cut.getRow(0), together.getRow(39))).isCloseTo(1, within(1e-5));
  }

  @Test
  void savesAsAHuggingFaceFolder() {
    miniLm.encoder().save(temporary, Dtype.F32);
    try (TextEncoder again = TextEncoder.load(temporary)) {
      assertThat(again.config()).isEqualTo(MiniLm.config());
      INDArray ids = Nd4j.createFromArray(new int[][] {{101, 2158, 102}});
      INDArray mask = Nd4j.createFromArray(new int[][] {{1, 1, 1}});
      Golden.assertClose(
          again.sentenceEmbeddings(ids, mask),
          miniLm.encoder().sentenceEmbeddings(ids, mask),
          0,
          "reloaded");
    }
  }
}
