package io.lapidary.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lapidary.Seeds;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.ViewIterator;
import org.nd4j.linalg.dataset.adapter.MultiDataSetIteratorAdapter;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;
import org.nd4j.linalg.factory.Nd4j;

class BatchesTest {
  private static final Augmentation CHANGE =
      Augmentation.builder().scale(0.8, 1.2).translate(0.1).randomBackground(true).build();

  @ParameterizedTest
  @CsvSource({"1,true,true", "2,false,true", "3,true,false", "4,false,false"})
  void epochsRepeatAndResume(long seed, boolean prefetch, boolean reuse) {
    Batches batches = source(seed, 23, 5).prefetch(prefetch).reuse(reuse).dropLast(false).build();
    assertThat(batches.batchesPerEpoch()).isEqualTo(5);
    List<String> all = read(batches, 3, 0);
    assertThat(all).hasSize(5);
    assertThat(read(batches, 3, 0)).isEqualTo(all);
    assertThat(read(batches, 4, 0)).isNotEqualTo(all);
    for (int first = 0; first <= 5; first++) {
      assertThat(read(batches, 3, first)).isEqualTo(all.subList(first, 5));
    }
    Batches other = source(seed, 23, 5).prefetch(!prefetch).reuse(!reuse).dropLast(false).build();
    assertThat(read(other, 3, 0)).isEqualTo(all);
    Batches moved = source(seed + 1, 23, 5).dropLast(false).build();
    assertThat(read(moved, 3, 0)).isNotEqualTo(all);
  }

  @Test
  void everyExampleComesOnceInAnEpoch() {
    int[] labels = IntStream.range(0, 17).toArray();
    Batches batches =
        Batches.builder(4, new Seeds(5))
            .feature(Column.classes(labels))
            .label(Column.oneHot(labels, 17))
            .dropLast(false)
            .build();
    List<Integer> seen = new ArrayList<>();
    try (BatchIterator it = batches.epoch(0)) {
      while (it.hasNext()) {
        var batch = it.next();
        int[] ids = batch.getFeatures(0).toIntVector();
        for (int i = 0; i < ids.length; i++) {
          seen.add(ids[i]);
          assertThat(batch.getLabels(0).getDouble(i, ids[i])).isEqualTo(1);
        }
        assertThat(batch.getLabels(0).sumNumber().intValue()).isEqualTo(ids.length);
      }
      assertThatThrownBy(it::next).isInstanceOf(NoSuchElementException.class);
    }
    assertThat(seen).hasSize(17).isNotEqualTo(IntStream.range(0, 17).boxed().toList());
    assertThat(seen).containsExactlyInAnyOrderElementsOf(IntStream.range(0, 17).boxed().toList());
  }

  /** The change of an example may depend on epoch and example only, not on its place in a batch. */
  @Test
  void augmentationDoesNotDependOnBatching() {
    Pictures pictures = AugmenterTest.random(3, 12, 8, 8, new SplittableRandom(3));
    INDArray[] whole = new INDArray[2];
    int[] sizes = {12, 5};
    for (int k = 0; k < 2; k++) {
      whole[k] = Nd4j.create(DataType.FLOAT, 12, 3, 8, 8);
      Batches batches =
          Batches.builder(sizes[k], new Seeds(77))
              .feature(Column.pictures(pictures, CHANGE, Normalization.NONE))
              .label(Column.classes(IntStream.range(0, 12).toArray()))
              .shuffle(k == 0)
              .dropLast(false)
              .build();
      try (BatchIterator it = batches.epoch(6)) {
        while (it.hasNext()) {
          var batch = it.next();
          int[] ids = batch.getLabels(0).toIntVector();
          for (int i = 0; i < ids.length; i++) {
            whole[k].putSlice(ids[i], batch.getFeatures(0).slice(i));
          }
        }
      }
    }
    assertThat(whole[1]).isEqualTo(whole[0]);
  }

  @Test
  void shapesAndTypesAreStated() {
    int[][][] texts = {{{1, 2}, {3, 4}}, {{5, 6}}, {{7, 8}, {9, 10}, {11, 12}}};
    Batches batches =
        Batches.builder(3, new Seeds(1))
            .feature(Column.idChoices(texts))
            .feature(Column.floats(new float[][] {{1}, {2}, {3}}))
            .shuffle(false)
            .build();
    boolean[] seen = new boolean[3];
    for (int epoch = 0; epoch < 30; epoch++) {
      try (BatchIterator it = batches.epoch(epoch)) {
        var batch = it.next();
        assertThat(batch.getFeatures(0).dataType()).isEqualTo(DataType.INT);
        assertThat(batch.getFeatures(0).shape()).containsExactly(3, 2);
        assertThat(batch.getFeatures(1).toFloatMatrix())
            .isDeepEqualTo(new float[][] {{1}, {2}, {3}});
        assertThat(batch.numLabelsArrays()).isZero();
        int[][] ids = batch.getFeatures(0).toIntMatrix();
        assertThat(ids[1]).containsExactly(5, 6);
        assertThat(List.of(texts[2])).anyMatch(row -> Arrays.equals(row, ids[2]));
        seen[(ids[2][0] - 7) / 2] = true;
      }
    }
    assertThat(seen).containsOnly(true);
  }

  @Test
  void closingEarlyLeavesNoThread() throws Exception {
    Batches batches = source(1, 400, 4).build();
    for (int i = 0; i < 20; i++) {
      BatchIterator it = batches.epoch(i);
      it.next();
      it.close();
      it.close();
      assertThat(it.hasNext()).isFalse();
      batches.epoch(i).next(); // dropped without closing
    }
    assertThat(batches.background().getPoolSize()).isLessThanOrEqualTo(1);
    for (int i = 0; i < 60 && batches.background().getPoolSize() > 0; i++) {
      Thread.sleep(100);
    }
    assertThat(batches.background().getPoolSize()).isZero();
    assertThat(read(batches, 2, 98)).hasSize(2); // and it starts again when needed
  }

  @Test
  void failuresOfTheBackgroundThreadArrive() {
    Pictures broken = new AugmenterTest.Fixed(3, 2, 2, new float[8][]); // null planes
    Batches batches =
        Batches.builder(4, new Seeds(1))
            .feature(Column.pictures(broken, CHANGE, Normalization.NONE))
            .build();
    try (BatchIterator it = batches.epoch(0)) {
      assertThatThrownBy(it::next).isInstanceOf(NullPointerException.class);
      assertThat(it.hasNext()).isFalse();
    }
  }

  @Test
  void badSettingsAreNamed() {
    Column three = Column.classes(new int[3]);
    assertThatThrownBy(() -> Batches.builder(0, new Seeds(1))).hasMessageContaining("batchSize");
    assertThatThrownBy(() -> Batches.builder(1, new Seeds(1)).build())
        .hasMessageContaining("at least one feature");
    assertThatThrownBy(
            () ->
                Batches.builder(1, new Seeds(1))
                    .feature(three)
                    .label(Column.classes(new int[4]))
                    .build())
        .hasMessageContaining("3 and 4 examples");
    assertThatThrownBy(() -> Batches.builder(4, new Seeds(1)).feature(three).build())
        .hasMessageContaining("3 examples give no batch of 4");
    Batches batches = Batches.builder(1, new Seeds(1)).feature(three).build();
    assertThatThrownBy(() -> batches.epoch(0, 4)).hasMessageContaining("firstBatch");
    assertThatThrownBy(() -> batches.epoch(-1)).hasMessageContaining("epoch");
    assertThatThrownBy(() -> Column.oneHot(new int[] {0, 3}, 3))
        .hasMessageContaining("label 3 of example 1");
    assertThatThrownBy(() -> Column.ids(new int[][] {{1}, {1, 2}}))
        .hasMessageContaining("example 1");
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 3, 4})
  void adaptsIterators(int first) {
    DataSet data = new DataSet(Nd4j.rand(DataType.FLOAT, 12, 2), Nd4j.rand(DataType.FLOAT, 12, 1));
    MultiDataSetIterator iterator = new MultiDataSetIteratorAdapter(new ViewIterator(data, 3));
    BatchSource source = IteratorBatches.of(iterator);
    List<String> all = read(source, 0, 0);
    assertThat(all).hasSize(4);
    assertThat(read(source, 1, first)).isEqualTo(all.subList(first, 4));
    assertThatThrownBy(() -> source.epoch(0, 5)).hasMessageContaining("has 4 batches");
  }

  private static Batches.Builder source(long seed, int size, int batchSize) {
    Pictures pictures = AugmenterTest.random(3, size, 6, 6, new SplittableRandom(11));
    return Batches.builder(batchSize, new Seeds(seed))
        .feature(Column.pictures(pictures, CHANGE, Normalization.NONE))
        .label(Column.classes(IntStream.range(0, size).toArray()));
  }

  private static List<String> read(BatchSource source, long epoch, int first) {
    List<String> batches = new ArrayList<>();
    try (BatchIterator it = source.epoch(epoch, first)) {
      while (it.hasNext()) {
        assertThat(it.position()).isEqualTo(first + batches.size());
        var batch = it.next();
        StringBuilder text = new StringBuilder();
        for (INDArray array : batch.getFeatures()) {
          text.append(Arrays.toString(array.dup().data().asFloat()));
        }
        text.append(Arrays.toString(batch.getLabels(0).dup().data().asFloat()));
        batches.add(text.toString());
      }
    }
    return batches;
  }
}
