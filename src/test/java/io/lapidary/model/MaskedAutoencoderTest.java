package io.lapidary.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.lapidary.Seeds;
import io.lapidary.data.BatchIterator;
import io.lapidary.data.Batches;
import io.lapidary.data.Column;
import io.lapidary.engine.Gradients;
import io.lapidary.engine.Graph;
import io.lapidary.engine.Parameters;
import io.lapidary.engine.Plan;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class MaskedAutoencoderTest {
  private static final VisionConfig ENCODER =
      new VisionConfig(VisionFamily.VIT, 8, 4, 3, 8, 16, 2, 2, "gelu", 1e-6, true, false, false);
  private static final int KEPT = 1;
  private static final int BATCH = 3;

  private static Map<String, INDArray> masks(long seed) {
    Batches.Builder batches = Batches.builder(BATCH, new Seeds(seed));
    for (Column.PatchMask part : Column.PatchMask.values()) {
      batches.feature(Column.patchMasks(BATCH, ENCODER.patches(), KEPT, part));
    }
    Map<String, INDArray> masks = new HashMap<>();
    try (BatchIterator one = batches.build().epoch(0)) {
      INDArray[] arrays = one.next().getFeatures();
      masks.put("kept", arrays[0].dup());
      masks.put("masked", arrays[1].dup());
      masks.put("restored", arrays[2].dup());
    }
    return masks;
  }

  @Test
  void masksOfABatchBelongTogether() {
    int[][] kept = masks(4).get("kept").toIntMatrix();
    int[][] masked = masks(4).get("masked").toIntMatrix();
    int[][] restored = masks(4).get("restored").toIntMatrix();
    for (int b = 0; b < BATCH; b++) {
      assertThat(kept[b][0]).isEqualTo(b * 5); // the class token
      int patch = kept[b][1] - b * 5 - 1;
      Set<Integer> all = new HashSet<>(Set.of(patch));
      for (int m : masked[b]) {
        all.add(m - b * 4);
        assertThat(restored[b][m - b * 4]).isEqualTo(BATCH * KEPT);
      }
      assertThat(all).containsExactlyInAnyOrder(0, 1, 2, 3);
      assertThat(restored[b][patch]).isEqualTo(b * KEPT);
    }
    assertThatThrownBy(() -> Column.patchMasks(1, 4, 4, Column.PatchMask.KEPT))
        .hasMessageContaining("[1, 4)");
  }

  @Test
  void gradientsMatchFiniteDifferences() {
    MaskedAutoencoder model = new MaskedAutoencoder(ENCODER, KEPT, 6, 1, 2);
    Parameters parameters = new Parameters(DataType.DOUBLE, 5);
    Graph g = new Graph(parameters, true);
    SDVariable loss =
        model.loss(
            g,
            g.placeholder("pixels", BATCH, 3, 8, 8),
            g.placeholder("kept", DataType.INT, BATCH, 2),
            g.placeholder("masked", DataType.INT, BATCH, 3),
            g.placeholder("restored", DataType.INT, BATCH, 4));
    Nd4j.getRandom().setSeed(3);
    Map<String, INDArray> feeds = masks(2);
    feeds.put("pixels", Nd4j.rand(DataType.DOUBLE, BATCH, 3, 8, 8));
    List<SDVariable> weights = g.parameters();
    List<SDVariable> gradients = Gradients.of(g, loss, weights);
    List<SDVariable> outputs = new ArrayList<>(gradients);
    outputs.add(loss);
    try (Plan plan = Plan.compile(g, outputs)) {
      plan.run(feeds);
      List<INDArray> analytic = gradients.stream().map(v -> plan.output(v).dup('c')).toList();
      for (int w = 0; w < weights.size(); w++) {
        INDArray array = parameters.get(weights.get(w).name());
        for (long i = 0; i < array.length(); i += Math.max(1, array.length() / 5)) {
          double value = array.getDouble(i);
          array.putScalar(i, value + 1e-5);
          plan.run(feeds);
          final double up = plan.output(loss).getDouble(0);
          array.putScalar(i, value - 1e-5);
          plan.run(feeds);
          final double down = plan.output(loss).getDouble(0);
          array.putScalar(i, value);
          assertThat(analytic.get(w).getDouble(i))
              .as("%s[%d]", weights.get(w).name(), i)
              .isCloseTo((up - down) / 2e-5, within(1e-6));
        }
      }
    }
  }

  @Test
  void allTokensInTheirOrderAreThePlainEncoder() {
    VisionEncoder encoder = VisionEncoder.create(ENCODER, 7);
    INDArray pixels = Nd4j.rand(DataType.FLOAT, 2, 3, 8, 8);
    Graph g = new Graph(encoder.parameters(), false);
    SDVariable rows =
        g.constant(Nd4j.createFromArray(new int[][] {{0, 1, 2, 3, 4}, {5, 6, 7, 8, 9}}));
    SDVariable last =
        VisionTransformer.build(g, "", ENCODER, g.constant(pixels), rows).lastHidden();
    try (Plan plan = Plan.compile(g, last)) {
      plan.run(Map.of());
      assertThat(plan.output(last).equalsWithEps(encoder.states(pixels).lastHidden(), 1e-5))
          .isTrue();
    }
  }

  @Test
  void featuresOfEveryLayerInOnePass() {
    VisionEncoder encoder = VisionEncoder.create(ENCODER, 7);
    INDArray pixels = Nd4j.rand(DataType.FLOAT, 70, 3, 8, 8);
    List<INDArray> states = encoder.states(pixels).hiddenStates();
    List<INDArray> means = encoder.layerFeatures(pixels, false);
    List<INDArray> tokens = encoder.layerFeatures(pixels, true);
    assertThat(means).hasSize(3);
    for (int layer = 0; layer < 3; layer++) {
      assertThat(means.get(layer).equalsWithEps(states.get(layer).mean(1), 1e-5)).isTrue();
      INDArray first =
          states
              .get(layer)
              .get(
                  org.nd4j.linalg.indexing.NDArrayIndex.all(),
                  org.nd4j.linalg.indexing.NDArrayIndex.point(0),
                  org.nd4j.linalg.indexing.NDArrayIndex.all());
      assertThat(tokens.get(layer).equalsWithEps(first.dup(), 1e-5)).isTrue();
    }
  }

  @Test
  void wrongSizesAreRefused() {
    assertThatThrownBy(() -> new MaskedAutoencoder(ENCODER, 4, 6, 1, 2))
        .hasMessageContaining("kept must be in [1, 4)");
    assertThatThrownBy(() -> new MaskedAutoencoder(ENCODER, 1, 6, 1, 4))
        .hasMessageContaining("heads must divide");
  }
}
