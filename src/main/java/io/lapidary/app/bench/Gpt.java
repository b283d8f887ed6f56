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

/**
 * A small GPT with tied embedding, learned positions and no final norm: an Adam step, or only its
 * loss.
 */
record Gpt(
    int vocabulary,
    int context,
    int width,
    int heads,
    int layers,
    int mlp,
    int batch,
    boolean training)
    implements Workload {
  @Override
  public Task build(DataType type, long seed) {
    Graph g = new Graph(new Parameters(type, seed), training);
    Ops ops = g.ops();
    int tokens = batch * context;
    SDVariable ids = g.placeholder("ids", DataType.INT, batch, context);
    SDVariable next = g.placeholder("next", DataType.INT, tokens);
    SDVariable table = g.parameter("e.weight", Init.normal(0.02), vocabulary, width);
    SDVariable positions = g.parameter("p", Init.normal(0.02), 1, context, width);
    SDVariable x = ops.add(ops.embedding(table, ids), positions);
    for (int i = 0; i < layers; i++) {
      x = Blocks.preNorm(g, "b." + i, x, heads, mlp, Ops.AttentionMask.CAUSAL);
    }
    SDVariable logits = ops.reshape(ops.linear(x, table, null), tokens, vocabulary);
    SDVariable loss = g.name(ops.crossEntropy(logits, next), "loss");
    Draws draws = new Draws(type, seed);
    Map<String, INDArray> feeds =
        Map.of(
            "ids", draws.ids("ids", vocabulary, batch, context),
            "next", draws.ids("next", vocabulary, tokens));
    return training
        ? Task.training(g, feeds, loss, g.parameters(), OptimizerConfig.adam(1e-3))
        : Task.inference(g, feeds, List.of(loss));
  }
}
