package io.lapidary.app.bench;

import io.lapidary.engine.Graph;
import io.lapidary.engine.Init;
import io.lapidary.engine.Parameters;
import java.util.List;
import java.util.Map;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;

/** One matrix product, [rows, inner] times [inner, columns], of arrays that stay where they are. */
record Gemm(int rows, int inner, int columns) implements Workload {
  @Override
  public Task build(DataType type, long seed) {
    Graph g = new Graph(new Parameters(type, seed), false);
    SDVariable x = g.parameter("x", Init.uniform(1), rows, inner);
    SDVariable w = g.parameter("w", Init.uniform(1), inner, columns);
    return Task.inference(g, Map.of(), List.of(g.ops().matmul(x, w)));
  }
}
