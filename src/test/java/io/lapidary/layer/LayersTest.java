package io.lapidary.layer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lapidary.engine.Graph;
import io.lapidary.engine.Ops;
import io.lapidary.engine.Parameters;
import io.lapidary.engine.Plan;
import java.util.Map;
import java.util.function.BiFunction;
import org.junit.jupiter.api.Test;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.ops.transforms.Transforms;

class LayersTest {
  private final Parameters store = new Parameters(DataType.DOUBLE, 7);

  private INDArray run(INDArray x, BiFunction<Graph, SDVariable, SDVariable> build) {
    Graph g = new Graph(store, false);
    SDVariable y = build.apply(g, g.placeholder("x", x.dataType(), x.shape()));
    try (Plan plan = Plan.compile(g, y)) {
      plan.run(Map.of("x", x));
      return plan.output(y).dup();
    }
  }

  private static INDArray random(long... shape) {
    Nd4j.getRandom().setSeed(5);
    return Nd4j.randn(DataType.DOUBLE, shape);
  }

  private static void assertClose(INDArray actual, INDArray expected) {
    assertThat(actual.shape()).isEqualTo(expected.shape());
    assertThat(actual.sub(expected).amaxNumber().doubleValue()).isLessThan(1e-10);
  }

  private void fill(String name) {
    store.put(name, random(store.get(name).shape()));
  }

  @Test
  void linearIsTheProductWithTheTransposedWeight() {
    INDArray x = random(2, 3, 4);
    run(x, (g, v) -> Layers.linear(g, "l", v, 5, true));
    fill("l.bias");
    INDArray y = run(x, (g, v) -> Layers.linear(g, "l", v, 5, true));
    INDArray rows = x.reshape(6, 4).mmul(store.get("l.weight").transpose());
    assertClose(y, rows.addRowVector(store.get("l.bias")).reshape(2, 3, 5));
    assertThat(store.get("l.weight").shape()).containsExactly(5, 4);
  }

  @Test
  void attentionIsTheSameHeadByHead() {
    INDArray x = random(2, 5, 6);
    INDArray y =
        run(x, (g, v) -> Attention.clip(3).apply(g, "a", v, Ops.AttentionMask.CAUSAL, null));
    for (int b = 0; b < 2; b++) {
      INDArray row = x.slice(b);
      INDArray mixed = Nd4j.zeros(DataType.DOUBLE, 5, 6);
      for (int h = 0; h < 3; h++) {
        INDArray q = head(row, "a.q_proj.weight", h);
        INDArray k = head(row, "a.k_proj.weight", h);
        INDArray v = head(row, "a.v_proj.weight", h);
        INDArray scores = q.mmul(k.transpose()).divi(Math.sqrt(2));
        for (int i = 0; i < 5; i++) {
          for (int j = i + 1; j < 5; j++) {
            scores.putScalar(i, j, -1e9);
          }
        }
        INDArray out = Transforms.softmax(scores).mmul(v);
        for (int i = 0; i < 5; i++) {
          mixed.putScalar(i, 2 * h, out.getDouble(i, 0));
          mixed.putScalar(i, 2 * h + 1, out.getDouble(i, 1));
        }
      }
      assertClose(y.slice(b).dup(), mixed.mmul(store.get("a.out_proj.weight").transpose()));
    }
  }

  private INDArray head(INDArray x, String weight, int head) {
    INDArray all = x.mmul(store.get(weight).transpose());
    return all.getColumns(2 * head, 2 * head + 1);
  }

  @Test
  void patchEmbeddingIsAStridedConvolution() {
    INDArray x = random(2, 3, 9, 7); // the last row and the last column fit no patch
    run(x, (g, v) -> Patches.embed(g, "p", v, 2, 5, true));
    fill("p.bias");
    INDArray tokens = run(x, (g, v) -> Patches.embed(g, "p", v, 2, 5, true));
    INDArray map =
        run(
            x,
            (g, v) ->
                g.ops()
                    .conv2d(
                        v,
                        g.parameter("p.weight", null, 5, 3, 2, 2),
                        g.parameter("p.bias", null, 5),
                        Ops.Window.of(2, 0)));
    assertClose(tokens, map.reshape(2, 5, 12).permute(0, 2, 1));
  }

  @Test
  void loraStartsFromTheBaseAndAddsTheLowRankProduct() {
    LoraAdapters all = LoraAdapters.of("", Lora.of(2, 6), map -> true);
    INDArray x = random(3, 4);
    INDArray base = run(x, (g, v) -> Layers.linear(g, "l", v, 5, false));
    assertClose(run(x, (g, v) -> g.with(all, () -> Layers.linear(g, "l", v, 5, false))), base);
    fill("l.lora_B.weight");
    INDArray merged =
        store
            .get("l.weight")
            .add(store.get("l.lora_B.weight").mmul(store.get("l.lora_A.weight")).mul(3));
    assertClose(
        run(x, (g, v) -> g.with(all, () -> Layers.linear(g, "l", v, 5, false))),
        x.mmul(merged.transpose()));
    assertThat(new Lora(4, 6, 0, true).scale()).isEqualTo(3);
    assertThat(Lora.names("l")).isSubsetOf(store.all().keySet());
  }

  @Test
  void parametersHaveTheNamesAndShapesOfCheckpoints() {
    INDArray x = random(1, 3, 4);
    run(
        x,
        (g, v) ->
            new EncoderBlock(2, 8, "gelu", 1e-5, 1).apply(g, "b", v, Ops.AttentionMask.FULL, null));
    assertThat(store.all().keySet())
        .containsExactlyInAnyOrder(
            "b.layer_norm1.weight",
            "b.layer_norm1.bias",
            "b.self_attn.q_proj.weight",
            "b.self_attn.q_proj.bias",
            "b.self_attn.k_proj.weight",
            "b.self_attn.k_proj.bias",
            "b.self_attn.v_proj.weight",
            "b.self_attn.v_proj.bias",
            "b.self_attn.out_proj.weight",
            "b.self_attn.out_proj.bias",
            "b.layer_norm2.weight",
            "b.layer_norm2.bias",
            "b.mlp.fc1.weight",
            "b.mlp.fc1.bias",
            "b.mlp.fc2.weight",
            "b.mlp.fc2.bias");
    assertThat(store.get("b.mlp.fc1.weight").shape()).containsExactly(8, 4);
  }

  @Test
  void convolutionBlockHalvesTheImage() {
    INDArray y = run(random(2, 3, 7, 6), (g, v) -> Convolutions.block(g, "conv", "norm", v, 5));
    assertThat(y.shape()).containsExactly(2, 5, 3, 3);
    assertThat(y.minNumber().doubleValue()).isNotNegative();
  }

  @Test
  void namesTheLayerThatDoesNotFit() {
    assertThatThrownBy(
            () ->
                run(
                    random(2, 3, 4),
                    (g, v) ->
                        Attention.clip(3).apply(g, "block.7", v, Ops.AttentionMask.FULL, null)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("block.7")
        .hasMessageContaining("[2, 3, 4]");
    assertThatThrownBy(
            () -> run(random(2, 3, 4, 4), (g, v) -> Patches.embed(g, "p", v, 5, 2, true)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("patches of 5 pixels");
    assertThatThrownBy(() -> new Lora(0, 1, 0, false)).hasMessageContaining("rank");
  }
}
