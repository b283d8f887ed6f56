package io.lapidary.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lapidary.engine.Gradients;
import io.lapidary.engine.Graph;
import io.lapidary.engine.Parameters;
import io.lapidary.engine.Plan;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class SmallModelsTest {

  @Test
  void convNetThreeHasThePublishedSize() {
    Parameters store = new Parameters(DataType.FLOAT, 1);
    Graph g = new Graph(store, true);
    ConvNet net = ConvNet.three(10);
    SDVariable logits = net.logits(g, g.placeholder("x", 2, 3, 32, 32));
    assertThat(g.shape(logits)).containsExactly(2, 10);
    assertThat(store.count()).isEqualTo(320_010);
    assertThatThrownBy(() -> net.logits(g, g.placeholder("small", 2, 3, 4, 4)))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void mlpLearnsExclusiveOr() {
    Parameters store = new Parameters(DataType.FLOAT, 2);
    Graph g = new Graph(store, true);
    SDVariable x = g.placeholder("x", 4, 2);
    SDVariable ids = g.placeholder("y", DataType.INT, 4);
    SDVariable logits = new Mlp(List.of(8, 2), "tanh").apply(g, x);
    SDVariable loss = g.ops().crossEntropy(logits, ids);
    List<SDVariable> wanted = new ArrayList<>(Gradients.of(g, loss, g.parameters()));
    wanted.add(loss);
    Map<String, INDArray> feeds =
        Map.of(
            "x",
            Nd4j.createFromArray(new float[][] {{0, 0}, {0, 1}, {1, 0}, {1, 1}}),
            "y",
            Nd4j.createFromArray(0, 1, 1, 0));
    try (Plan plan = Plan.compile(g, wanted)) {
      for (int step = 0; step < 500; step++) {
        plan.run(feeds);
        for (int i = 0; i < g.parameters().size(); i++) {
          INDArray w = store.get(g.parameters().get(i).name());
          w.subi(plan.output(wanted.get(i)).mul(0.5));
        }
      }
      assertThat(plan.output(loss).getDouble(0)).isLessThan(0.05);
    }
  }

  @Test
  void rejectsSizesThatMakeNoModel() {
    assertThatThrownBy(() -> new ConvNet(0, 128, 10)).hasMessageContaining("depth");
    assertThatThrownBy(() -> new Mlp(List.of(), "relu")).hasMessageContaining("at least one layer");
    assertThatThrownBy(() -> new Mlp(List.of(4, 0), "relu")).hasMessageContaining("got 0");
  }
}
