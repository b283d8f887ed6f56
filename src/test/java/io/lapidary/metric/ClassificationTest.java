package io.lapidary.metric;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.nd4j.evaluation.classification.Evaluation;
import org.nd4j.evaluation.classification.ROC;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class ClassificationTest {
  private static final INDArray SCORES =
      Nd4j.createFromArray(
          new float[][] {{3, 2, 1}, {3, 2, 1}, {1, 1, 1}, {0, Float.NaN, 1}, {-1, -3, -2}});

  @Test
  void topK() {
    INDArray ids = Nd4j.createFromArray(0, 1, 0, 2, 2);
    TopKAccuracy first = new TopKAccuracy(1);
    TopKAccuracy second = new TopKAccuracy(2);
    first.update(SCORES, ids);
    second.update(SCORES, ids);
    assertThat(first.value()).isEqualTo(MetricValue.of("accuracy", 0.2, 5));
    assertThat(second.value()).isEqualTo(MetricValue.of("top-2 accuracy", 0.8, 5));
    assertThat(first.interval().contains(0.2)).isTrue();
    assertThat(new TopKAccuracy(1).value().value()).isNaN();
  }

  @Test
  void labelsComeAsIdsOrOneHot() {
    INDArray ids = Nd4j.createFromArray(new int[][] {{2}, {0}});
    INDArray oneHot = Nd4j.createFromArray(new float[][] {{0, 0, 1}, {1, 0, 0}});
    INDArray scores = Nd4j.createFromArray(new float[][] {{0, 0, 1}, {0, 1, 0}});
    for (INDArray labels : new INDArray[] {ids, oneHot, Nd4j.createFromArray(2, 0)}) {
      ConfusionMatrix matrix = new ConfusionMatrix(List.of("a", "b", "c"));
      matrix.update(scores, labels);
      assertThat(matrix.count(2, 2)).isEqualTo(1);
      assertThat(matrix.count(0, 1)).isEqualTo(1);
      assertThat(matrix.value().value()).isEqualTo(0.5);
      assertThat(matrix.shares().get(2)).containsExactly(0.0, 0.0, 1.0);
      assertThat(matrix.shares().get(1)).containsOnly(Double.NaN);
    }
  }

  @Test
  void agreesWithNd4j() {
    SplittableRandom random = new SplittableRandom(3);
    ConfusionMatrix matrix = new ConfusionMatrix(List.of("a", "b", "c", "d"));
    Evaluation direct = new Evaluation(4);
    for (int batch = 0; batch < 3; batch++) {
      INDArray scores = Nd4j.create(10, 4);
      INDArray labels = Nd4j.zeros(10, 4);
      for (int i = 0; i < 10; i++) {
        labels.putScalar(i, random.nextInt(4), 1);
        for (int c = 0; c < 4; c++) {
          scores.putScalar(i, c, random.nextDouble());
        }
      }
      matrix.update(scores, labels);
      direct.eval(labels, scores);
    }
    Evaluation ours = matrix.toEvaluation();
    assertThat(ours.accuracy()).isCloseTo(direct.accuracy(), within(1e-12));
    assertThat(ours.f1()).isCloseTo(direct.f1(), within(1e-12));
    assertThat(matrix.value().value()).isCloseTo(direct.accuracy(), within(1e-12));
    assertThat(matrix.balancedAccuracy().value()).isCloseTo(direct.recall(), within(1e-9));
  }

  @Test
  void areaUnderTheCurve() {
    Auroc auroc = new Auroc();
    assertThat(auroc.value().value()).isNaN();
    auroc.update(
        Nd4j.createFromArray(0.1, 0.4, 0.35, 0.8), Nd4j.createFromArray(0.0, 0.0, 1.0, 1.0));
    assertThat(auroc.value()).isEqualTo(MetricValue.of("AUROC", 0.75, 4));
    Auroc ties = new Auroc();
    ties.add(1, true);
    ties.add(1, false);
    assertThat(ties.value().value()).isEqualTo(0.5);
    SplittableRandom random = new SplittableRandom(9);
    INDArray scores = Nd4j.create(random.doubles(500).toArray());
    INDArray labels = scores.dup();
    for (int i = 0; i < 500; i++) {
      labels.putScalar(i, random.nextDouble() < scores.getDouble(i) ? 1 : 0);
    }
    Auroc large = new Auroc();
    large.update(scores, labels);
    ROC roc = new ROC(0);
    roc.eval(labels.reshape(500, 1), scores.reshape(500, 1));
    assertThat(large.value().value()).isCloseTo(roc.calculateAUC(), within(1e-9));
  }

  @Test
  void badInputIsNamed() {
    TopKAccuracy metric = new TopKAccuracy(1);
    assertThatThrownBy(() -> metric.update(SCORES, Nd4j.createFromArray(0, 1)))
        .hasMessageContaining("ids [5] or one-hot [5, 3], got [2]");
    assertThatThrownBy(() -> metric.update(SCORES, Nd4j.createFromArray(0, 1, 2, 3, 0)))
        .hasMessageContaining("label of example 3 must be a whole number in [0, 3)");
    assertThatThrownBy(() -> metric.update(SCORES, Nd4j.zeros(5, 3)))
        .hasMessageContaining("example 0 is not one-hot");
    assertThatThrownBy(
            () ->
                new ConfusionMatrix(List.of("a", "b", "c"))
                    .update(SCORES, Nd4j.createFromArray(0, 1, 2, 0, 0)))
        .hasMessageContaining("example 3 is NaN");
    assertThatThrownBy(() -> new Auroc().update(Nd4j.ones(2), Nd4j.valueArrayOf(2, 0.5)))
        .hasMessageContaining("label 0 must be 0 or 1");
  }
}
