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
    int vocabulary, int context, int width, int heads, int layers, int mlp, int batch, Scope scope)
    implements Workload {
  private static final int RANK = 8;

  /** What a step trains. */
  enum Scope {
    /** Nothing: the loss alone. */
    NONE,
    /** All weights. */
    ALL,
    /** Adapters of rank 8 on queries and values; the rest is frozen. */
    ADAPTERS,
    /** An output layer of its own; the rest is frozen. */
    HEAD
  }

  @Override
  public Task build(DataType type, long seed) {
    Graph g = new Graph(new Parameters(type, seed), scope != Scope.NONE);
    Ops ops = g.ops();
    int tokens = batch * context;
    SDVariable ids = g.placeholder("ids", DataType.INT, batch, context);
    SDVariable next = g.placeholder("next", DataType.INT, tokens);
    SDVariable table = g.parameter("e.weight", Init.normal(0.02), vocabulary, width);
    SDVariable positions = g.parameter("p", Init.normal(0.02), 1, context, width);
    SDVariable x = ops.add(ops.embedding(table, ids), positions);
    for (int i = 0; i < layers; i++) {
      x =
          Blocks.preNorm(
              g,
              "b." + i,
              x,
              heads,
              mlp,
              Ops.AttentionMask.CAUSAL,
              scope == Scope.ADAPTERS ? RANK : 0);
    }
    SDVariable head =
        scope == Scope.HEAD
            ? g.parameter("head.weight", Init.normal(0.02), vocabulary, width)
            : table;
    SDVariable logits = ops.reshape(ops.linear(x, head, null), tokens, vocabulary);
    SDVariable loss = g.name(ops.crossEntropy(logits, next), "loss");
    Draws draws = new Draws(type, seed);
    Map<String, INDArray> feeds =
        Map.of(
            "ids", draws.ids("ids", vocabulary, batch, context),
            "next", draws.ids("next", vocabulary, tokens));
    return scope == Scope.NONE
        ? Task.inference(g, feeds, List.of(loss))
        : Task.training(g, feeds, loss, trained(g), OptimizerConfig.adam(1e-3));
  }

  private List<SDVariable> trained(Graph g) {
    return switch (scope) {
      case NONE -> List.of();
      case ALL -> g.parameters();
      case ADAPTERS -> g.parameters().stream().filter(v -> v.name().contains(".lora_")).toList();
      case HEAD -> List.of(g.variable("head.weight"));
    };
  }
}
