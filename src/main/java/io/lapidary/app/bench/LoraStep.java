package io.lapidary.app.bench;

import io.lapidary.engine.Graph;
import io.lapidary.engine.Init;
import io.lapidary.engine.Ops;
import io.lapidary.engine.Parameters;
import io.lapidary.train.OptimizerConfig;
import java.util.List;
import java.util.Map;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * AdamW step of a LLaMA-like model that is frozen but for low-rank adapters of scale 2 on queries
 * and values.
 */
record LoraStep(
    int vocabulary, int context, int width, int heads, int layers, int mlp, int rank, int batch)
    implements Workload {

  @Override
  public Task build(DataType type, long seed) {
    Graph g = new Graph(new Parameters(type, seed), true);
    Ops ops = g.ops();
    int tokens = batch * context;
    SDVariable ids = g.placeholder("ids", DataType.INT, batch, context);
    SDVariable next = g.placeholder("next", DataType.INT, tokens);
    SDVariable table = g.parameter("e.weight", Init.normal(1), vocabulary, width);
    SDVariable cos = g.constant(angles(type, true));
    SDVariable sin = g.constant(angles(type, false));
    SDVariable x = ops.embedding(table, ids);
    for (int i = 0; i < layers; i++) {
      x = block(g, "b." + i, x, cos, sin);
    }
    SDVariable last = rmsNorm(g, "n", x);
    SDVariable logits = ops.reshape(ops.linear(last, table, null), tokens, vocabulary);
    SDVariable loss = g.name(ops.crossEntropy(logits, next), "loss");
    Draws draws = new Draws(type, seed);
    Map<String, INDArray> feeds =
        Map.of(
            "ids", draws.ids("ids", vocabulary, batch, context),
            "next", draws.ids("next", vocabulary, tokens));
    List<SDVariable> adapters =
        g.parameters().stream().filter(v -> v.name().contains(".lora_")).toList();
    return Task.training(g, feeds, loss, adapters, OptimizerConfig.adamW(1e-3, 0.01));
  }

  private SDVariable block(Graph g, String name, SDVariable x, SDVariable cos, SDVariable sin) {
    Ops ops = g.ops();
    SDVariable y = rmsNorm(g, name + ".n1", x);
    SDVariable q = Blocks.splitHeads(g, Blocks.adapted(g, name + ".q", y, width, rank), heads);
    SDVariable k = Blocks.splitHeads(g, Blocks.linear(g, name + ".k", y, width, false), heads);
    SDVariable v = Blocks.splitHeads(g, Blocks.adapted(g, name + ".v", y, width, rank), heads);
    SDVariable mixed =
        Blocks.attention(
            g, ops.rotary(q, cos, sin), ops.rotary(k, cos, sin), v, Ops.AttentionMask.CAUSAL);
    SDVariable o = Blocks.linear(g, name + ".o", Blocks.mergeHeads(g, mixed), width, false);
    SDVariable h = ops.add(x, o);
    SDVariable z = rmsNorm(g, name + ".n2", h);
    SDVariable gate = ops.silu(Blocks.linear(g, name + ".g", z, mlp, false));
    SDVariable up = Blocks.linear(g, name + ".u", z, mlp, false);
    return ops.add(h, Blocks.linear(g, name + ".w", ops.mul(gate, up), width, false));
  }

  private SDVariable rmsNorm(Graph g, String name, SDVariable x) {
    return g.ops().rmsNorm(x, g.parameter(name + ".weight", Init.ones(), width), Blocks.EPSILON);
  }

  /** Cosines or sines [T, d] of the rotary angles with base 10000, each in both halves. */
  private INDArray angles(DataType type, boolean cosine) {
    int d = width / heads;
    double[][] values = new double[context][d];
    for (int t = 0; t < context; t++) {
      for (int i = 0; i < d; i++) {
        double angle = t * Math.pow(1e4, -2.0 * (i % (d / 2)) / d);
        values[t][i] = cosine ? Math.cos(angle) : Math.sin(angle);
      }
    }
    return Nd4j.createFromArray(values).castTo(type);
  }
}
