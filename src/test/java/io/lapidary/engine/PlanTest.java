package io.lapidary.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lapidary.Seeds;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class PlanTest {
  @TempDir private Path temporary;

  private static SDVariable mlp(Graph g, int batch) {
    Ops o = g.ops();
    SDVariable x = g.placeholder("x", batch, 8);
    SDVariable w1 = g.parameter("w1", Init.fanIn(8), 16, 8);
    SDVariable w2 = g.parameter("w2", Init.fanIn(16), 4, 16);
    SDVariable h = o.gelu(o.linear(o.layerNorm(x, null, null, 1e-5), w1, null));
    SDVariable ids = g.placeholder("ids", DataType.INT, batch);
    return o.crossEntropy(o.linear(h, w2, null), ids);
  }

  private static Map<String, INDArray> batch(int size, long seed) {
    return Map.of(
        "x",
        Nd4j.createFromArray(new Seeds(seed).random().doubles(size * 8L).toArray())
            .castTo(DataType.FLOAT)
            .reshape(size, 8),
        "ids",
        Nd4j.createFromArray(new Seeds(seed).random().ints(size, 0, 4).toArray()));
  }

  @Test
  void anotherBatchSizeSharesTheParameters() {
    Parameters store = new Parameters(DataType.FLOAT, 1);
    Graph small = new Graph(store, true);
    SDVariable smallLoss = mlp(small, 3);
    Graph large = new Graph(store, true);
    SDVariable largeLoss = mlp(large, 7);
    for (Graph graph : List.of(small, large)) { // no copies, however many graphs there are
      assertThat(graph.sameDiff().getVariable("w2").getArr()).isSameAs(store.get("w2"));
    }
    try (Plan a = Plan.compile(small, smallLoss);
        Plan b = Plan.compile(large, largeLoss)) {
      double before = b.run(batch(7, 1)).get(largeLoss.name()).getDouble(0);
      a.run(batch(3, 1));
      store.get("w2").muli(2);
      double after = b.run(batch(7, 1)).get(largeLoss.name()).getDouble(0);
      assertThat(after).isNotEqualTo(before);
      INDArray expected =
          large.sameDiff().output(batch(7, 1), largeLoss.name()).get(largeLoss.name());
      assertThat(after).isCloseTo(expected.getDouble(0), org.assertj.core.data.Offset.offset(1e-6));
    }
  }

  @Test
  void buffersAreShared() {
    Graph g = new Graph(new Parameters(DataType.FLOAT, 1), true);
    SDVariable y = g.placeholder("x", 64, 64);
    SDVariable w = g.parameter("w", Init.fanIn(64), 64, 64);
    for (int i = 0; i < 20; i++) {
      y = g.ops().tanh(g.ops().linear(y, w, null));
    }
    try (Plan plan = Plan.compile(g, y)) {
      assertThat(plan.stats().bytes()).isLessThanOrEqualTo(2 * 64 * 64 * 4);
      assertThat(plan.stats().unsharedBytes()).isGreaterThan(15 * 64 * 64 * 4);
    }
  }

  @Test
  void memoryIsFlatOverTwoThousandSteps() {
    Parameters store = new Parameters(DataType.FLOAT, 1);
    Graph g = new Graph(store, true);
    SDVariable loss = mlp(g, 32);
    List<SDVariable> gradients = Gradients.of(g, loss, g.parameters());
    Map<String, INDArray> feeds = batch(32, 3);
    try (Plan plan = Plan.compile(g, gradients)) {
      long settled = 0;
      for (int step = 0; step < 2000; step++) {
        plan.run(feeds);
        if (step == 500) {
          settled = Pointer.physicalBytes();
        }
      }
      assertThat(Pointer.physicalBytes() - settled).isLessThan(32L << 20);
    }
  }

  @Test
  void badInputIsNamed() {
    Graph g = new Graph(new Parameters(DataType.FLOAT, 1), true);
    SDVariable loss = mlp(g, 3);
    try (Plan plan = Plan.compile(g, loss)) {
      assertThatThrownBy(() -> plan.run(Map.of("x", batch(3, 1).get("x"))))
          .hasMessageContaining("input ids is missing");
      assertThatThrownBy(() -> plan.run(batch(4, 1)))
          .hasMessageContaining("must have shape [3")
          .hasMessageContaining("got [4");
      for (int bad : new int[] {-1, 4}) {
        Map<String, INDArray> feeds =
            Map.of("x", batch(3, 1).get("x"), "ids", Nd4j.createFromArray(0, bad, 1));
        assertThatThrownBy(() -> plan.run(feeds))
            .isInstanceOf(IndexOutOfBoundsException.class)
            .hasMessageContaining("ids[1] is " + bad);
      }
    }
  }

  @Test
  void noiseFollowsTheSeed() {
    Graph g = new Graph(new Parameters(DataType.FLOAT, 1), true);
    SDVariable y = g.ops().dropout(g.constant(1, 100, 100), 0.25);
    try (Plan plan = Plan.compile(g, y)) {
      plan.seed(new Seeds(7));
      INDArray first = plan.run().get(y.name()).dup();
      INDArray second = plan.run().get(y.name()).dup();
      plan.seed(new Seeds(7));
      assertThat(plan.run().get(y.name())).isEqualTo(first).isNotEqualTo(second);
      assertThat(first.meanNumber().doubleValue())
          .isCloseTo(1, org.assertj.core.data.Offset.offset(0.03));
    }
  }

  @Test
  void frozenWeightsCostNothing() {
    Parameters store = new Parameters(DataType.FLOAT, 1);
    Graph full = new Graph(store, true);
    List<SDVariable> all = Gradients.of(full, mlp(full, 8), full.parameters());
    Graph head = new Graph(store, true);
    SDVariable loss = mlp(head, 8);
    List<SDVariable> last = Gradients.of(head, loss, List.of(head.variable("w2")));
    try (Plan a = Plan.compile(full, all);
        Plan b = Plan.compile(head, last)) {
      assertThat(b.stats().calls()).isLessThan(a.stats().calls());
    }
  }

  @Test
  void firstNonFiniteOpIsNamed() {
    Graph g = new Graph(new Parameters(DataType.FLOAT, 1), true);
    SDVariable x = g.placeholder("x", 2);
    SDVariable y = g.ops().exp(g.name(g.ops().log(x), "bad"));
    try (Plan plan = Plan.compile(g, y)) {
      assertThat(plan.firstNonFinite(Map.of("x", Nd4j.createFromArray(1f, 2f)))).isNull();
      assertThat(plan.firstNonFinite(Map.of("x", Nd4j.createFromArray(1f, -2f)))).contains("log");
    }
  }

  @Test
  void theGraphIsSavedAndLoadedBySameDiffItself() throws IOException {
    Parameters store = new Parameters(DataType.FLOAT, 1);
    Graph g = new Graph(store, true);
    SDVariable loss = mlp(g, 3);
    g.name(loss, "loss");
    SameDiff graph = g.sameDiff();
    Map<String, INDArray> feeds = batch(3, 5);
    INDArray before = graph.output(feeds, "loss").get("loss");
    Path file = temporary.resolve("graph.fb");
    graph.save(file.toFile(), false);
    assertThat(SameDiff.load(file.toFile(), false).output(feeds, "loss").get("loss"))
        .isEqualTo(before);
  }
}
