package io.lapidary.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lapidary.InputException;
import io.lapidary.io.Dtype;
import io.lapidary.layer.RelativePositions;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

class TextEncoderTest {
  @TempDir Path temporary;

  @ParameterizedTest
  @ValueSource(strings = {"bert", "mpnet", "mpnet_long"})
  void matchesTheReferenceImplementation(String family) {
    Golden golden = Golden.of(family);
    try (TextEncoder encoder = TextEncoder.load(golden.folder())) {
      check(golden, encoder);
    }
  }

  private static void check(Golden golden, TextEncoder encoder) {
    INDArray ids = golden.get("input_ids");
    INDArray mask = golden.get("attention_mask");
    golden.assertClose(encoder.tokenStates(ids, mask), "last_hidden_state");
    golden.assertClose(encoder.meanPooled(ids.castTo(DataType.LONG), mask), "mean_pooled");
    golden.assertClose(encoder.sentenceEmbeddings(ids, mask), "sentence_embedding");
    List<INDArray> states = encoder.hiddenStates(ids, mask);
    assertThat(states).hasSize(encoder.config().layers() + 1);
    golden.assertClose(states.get(states.size() - 1), "last_hidden_state");
    Map<String, INDArray> graph =
        encoder
            .sameDiff((int) ids.size(0), (int) ids.size(1))
            .output(
                Map.of("input_ids", ids, "attention_mask", mask.castTo(DataType.FLOAT)),
                "sentence_embedding");
    golden.assertClose(graph.get("sentence_embedding"), "sentence_embedding");
  }

  @ParameterizedTest
  @ValueSource(strings = {"bert", "mpnet"})
  void saveThenLoadIsEqual(String family) {
    Golden golden = Golden.of(family);
    try (TextEncoder encoder = TextEncoder.load(golden.folder())) {
      encoder.save(temporary, Dtype.F32);
      Golden.assertSameTensors(temporary, golden.folder());
      encoder.save(temporary.resolve("half"), Dtype.F16);
    }
    try (TextEncoder again = TextEncoder.load(temporary)) {
      check(golden, again);
    }
    try (TextEncoder half = TextEncoder.load(temporary.resolve("half"))) {
      INDArray e = half.sentenceEmbeddings(golden.get("input_ids"), golden.get("attention_mask"));
      Golden.assertClose(e, golden.get("sentence_embedding"), 5e-3, family);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"bert", "mpnet"})
  void paddingAndBatchChangeNothing(String family) {
    Golden golden = Golden.of(family);
    try (TextEncoder encoder = TextEncoder.load(golden.folder())) {
      INDArray ids = golden.get("input_ids");
      INDArray mask = golden.get("attention_mask");
      for (int row = 0; row < ids.size(0); row++) {
        long real = mask.getRow(row).sumNumber().longValue();
        INDArray one =
            ids.get(NDArrayIndex.interval(row, row + 1), NDArrayIndex.interval(0, real)).dup();
        INDArray alone = encoder.sentenceEmbeddings(one, Nd4j.ones(DataType.INT, 1, real));
        INDArray expected =
            golden.get("sentence_embedding").get(NDArrayIndex.interval(row, row + 1));
        Golden.assertClose(alone, expected, golden.tolerance(), family + " row " + row);
      }
      INDArray many = encoder.sentenceEmbeddings(Nd4j.tile(ids, 40, 1), Nd4j.tile(mask, 40, 1));
      INDArray expected = Nd4j.tile(golden.get("sentence_embedding"), 40, 1);
      Golden.assertClose(many, expected, golden.tolerance(), family + " in pieces");
      INDArray nothing = encoder.meanPooled(ids, Nd4j.zeros(DataType.INT, ids.shape()));
      assertThat(nothing.isNaN().any()).isFalse();
    }
  }

  @Test
  void bucketsOfRelativePositions() {
    RelativePositions positions = new RelativePositions(32, 128);
    int[] distances = {0, -1, -7, -8, -11, -12, -16, -32, -64, -127, -128, -500, 1, 7, 8, 200};
    int[] buckets = {0, 1, 7, 8, 8, 9, 10, 12, 14, 15, 15, 15, 17, 23, 24, 31};
    for (int i = 0; i < distances.length; i++) {
      assertThat(positions.bucket(distances[i]))
          .as("distance %d", distances[i])
          .isEqualTo(buckets[i]);
    }
  }

  @Test
  void saysWhatDoesNotFit() {
    Golden golden = Golden.of("bert");
    try (TextEncoder encoder = TextEncoder.load(golden.folder())) {
      assertThatThrownBy(
              () ->
                  encoder.tokenStates(
                      Nd4j.zeros(DataType.INT, 1, 33), Nd4j.ones(DataType.INT, 1, 33)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("texts may have 32 tokens, got 33");
      assertThatThrownBy(
              () ->
                  encoder.tokenStates(
                      Nd4j.zeros(DataType.INT, 1, 3).addi(99), Nd4j.ones(DataType.INT, 1, 3)))
          .isInstanceOf(IndexOutOfBoundsException.class)
          .hasMessageContaining("99");
      assertThatThrownBy(
              () ->
                  encoder.tokenStates(
                      Nd4j.zeros(DataType.INT, 1, 3), Nd4j.ones(DataType.INT, 1, 4)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("one shape");
    }
    golden.copyTo(
        temporary,
        config -> config.put("position_embedding_type", "relative_key"),
        t -> {},
        Dtype.F32,
        Long.MAX_VALUE);
    assertThatThrownBy(() -> TextEncoder.load(temporary))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("position_embedding_type \"relative_key\" is not supported");
  }
}
