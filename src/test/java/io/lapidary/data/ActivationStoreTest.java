package io.lapidary.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.lapidary.InputException;
import io.lapidary.Seeds;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class ActivationStoreTest {
  private static final int EXAMPLES = 53;

  @TempDir private Path folder;

  @ParameterizedTest
  @ValueSource(strings = {"F32", "F16"})
  void aResumedCollectionEqualsAnUninterruptedOne(String dtype) throws IOException {
    ActivationSpec spec = spec("block 1", dtype);
    ActivationStore whole = collect("whole", spec);
    assertThat(whole.rows()).isEqualTo(2 * EXAMPLES);
    assertThat(whole.manifest().shards()).hasSize(6);
    Path broken = folder.resolve("broken");
    assertThatThrownBy(
            () ->
                ActivationStore.collect(
                    broken,
                    spec,
                    (first, count) -> {
                      if (first >= 30) {
                        throw new IllegalStateException("power cut");
                      }
                      return rows(first, count);
                    },
                    done -> {}))
        .hasMessage("power cut");
    Files.writeString(broken.resolve("activations-00003.safetensors"), "half a file");
    assertThatExceptionOfType(InputException.class)
        .isThrownBy(() -> ActivationStore.open(broken))
        .withMessageContaining("3 of 6 files are collected");
    List<Integer> asked = new ArrayList<>();
    ActivationStore.collect(
        broken,
        spec,
        (first, count) -> {
          asked.add(first);
          return rows(first, count);
        },
        done -> {});
    assertThat(asked).containsExactly(30, 40, 50);
    assertThat(contents(broken)).isEqualTo(contents(folder.resolve("whole")));
  }

  @Test
  void damagedFilesAreMadeAgain() throws IOException {
    ActivationSpec spec = spec("block 1", "F32");
    collect("store", spec);
    TreeMap<String, String> before = contents(folder.resolve("store"));
    Files.writeString(folder.resolve("store/activations-00002.safetensors"), "damaged");
    collect("store", spec);
    assertThat(contents(folder.resolve("store"))).isEqualTo(before);
  }

  @Test
  void anotherLayerNeedsAnotherFolder() {
    collect("store", spec("block 1", "F32"));
    assertThatExceptionOfType(InputException.class)
        .isThrownBy(() -> collect("store", spec("block 2", "F32")))
        .withMessageContaining("layer is \"block 1\", this run has \"block 2\"");
  }

  @Test
  void normalizerIsTheRootOfTheMeanSquaredLength() {
    ActivationStore store = collect("store", spec("block 1", "F32"));
    try (INDArray all = rows(0, EXAMPLES)) {
      double mean = all.mul(all).sumNumber().doubleValue() / (2 * EXAMPLES);
      assertThat(store.manifest().normalizer()).isCloseTo(Math.sqrt(mean), within(1e-4));
    }
  }

  @ParameterizedTest
  @CsvSource({"F32, NaN", "F16, 70000"})
  void refusesWhatCannotBeStored(String dtype, double value) {
    assertThatExceptionOfType(InputException.class)
        .isThrownBy(
            () ->
                ActivationStore.collect(
                    folder,
                    spec("block 1", dtype),
                    (first, count) -> rows(first, count).putScalar(4, 1, value),
                    done -> {}))
        .withMessageContaining("row 4, column 1 would be");
  }

  @ParameterizedTest
  @ValueSource(ints = {16, 40, 1000})
  void everyRowComesOnceInAnOrderOfItsOwn(int bufferRows) {
    ActivationStore store = collect("store", spec("block 1", "F32"));
    ActivationBatches batches = new ActivationBatches(store, 2, bufferRows, new Seeds(5));
    List<Integer> first = order(batches, 0, 0);
    assertThat(first).containsExactlyInAnyOrderElementsOf(all()).isNotEqualTo(all());
    assertThat(order(batches, 1, 0)).containsExactlyInAnyOrderElementsOf(all()).isNotEqualTo(first);
    assertThat(order(batches, 0, 0)).isEqualTo(first);
    for (int batch : new int[] {1, 17, 52, 53}) {
      assertThat(order(batches, 0, batch)).isEqualTo(first.subList(2 * batch, first.size()));
    }
    assertThat(new ActivationBatches(store, 25, 40, new Seeds(5)).batchesPerEpoch()).isEqualTo(4);
  }

  private static List<Integer> all() {
    return IntStream.range(0, 2 * EXAMPLES).boxed().toList();
  }

  /** Row numbers, which the test data hold in column 0. */
  private static List<Integer> order(ActivationBatches batches, long epoch, int firstBatch) {
    List<Integer> order = new ArrayList<>();
    try (BatchIterator pass = batches.epoch(epoch, firstBatch)) {
      while (pass.hasNext()) {
        INDArray rows = pass.next().getFeatures(0);
        assertThat(rows.shape()).containsExactly(2, 3);
        for (int i = 0; i < 2; i++) {
          order.add(rows.getInt(i, 0));
        }
      }
    }
    return order;
  }

  private ActivationStore collect(String name, ActivationSpec spec) {
    return ActivationStore.collect(
        folder.resolve(name), spec, ActivationStoreTest::rows, done -> {});
  }

  private static INDArray rows(int first, int count) {
    float[][] rows = new float[2 * count][];
    for (int i = 0; i < rows.length; i++) {
      rows[i] = new float[] {2 * first + i, (2 * first + i) / 7f, -1};
    }
    return Nd4j.createFromArray(rows);
  }

  private static ActivationSpec spec(String layer, String dtype) {
    return new ActivationSpec(
        "tiny", "ab", layer, "random 2", 1, "numbers", "cd", EXAMPLES, 2, 3, dtype, 10);
  }

  private static TreeMap<String, String> contents(Path folder) throws IOException {
    TreeMap<String, String> contents = new TreeMap<>();
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.toList()) {
        contents.put(
            file.getFileName().toString(), Files.readString(file, StandardCharsets.ISO_8859_1));
      }
    }
    return contents;
  }
}
