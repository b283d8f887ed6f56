package io.lapidary.app.bench;

import io.lapidary.engine.Graph;
import io.lapidary.engine.Init;
import io.lapidary.engine.Ops;
import io.lapidary.engine.Parameters;
import io.lapidary.train.OptimizerConfig;
import java.util.Map;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Momentum step of the ConvNet that dataset distillation papers use: blocks of 3×3 convolution,
 * instance norm, ReLU and 2×2 average pooling, then a linear classifier.
 */
record ConvNetStep(int image, int channels, int blocks, int classes, int batch)
    implements Workload {
  @Override
  public Task build(DataType type, long seed) {
    Graph g = new Graph(new Parameters(type, seed), true);
    Ops ops = g.ops();
    SDVariable h = g.placeholder("x", batch, 3, image, image);
    SDVariable labels = g.placeholder("y", DataType.INT, batch);
    for (int i = 0; i < blocks; i++) {
      h = block(g, "b." + i, h);
    }
    SDVariable logits = Blocks.linear(g, "out", ops.reshape(h, batch, -1), classes, true);
    SDVariable loss = g.name(ops.crossEntropy(logits, labels), "loss");
    Draws draws = new Draws(type, seed);
    Map<String, INDArray> feeds =
        Map.of("x", draws.normal("x", batch, 3, image, image), "y", draws.ids("y", classes, batch));
    return Task.training(g, feeds, loss, g.parameters(), OptimizerConfig.sgd(0.01, 0.9));
  }

  private SDVariable block(Graph g, String name, SDVariable x) {
    Ops ops = g.ops();
    long in = g.size(x, 1);
    SDVariable kernel = g.parameter(name + ".weight", Init.fanIn(9 * in), channels, in, 3, 3);
    SDVariable bias = g.parameter(name + ".bias", Init.fanIn(9 * in), channels);
    SDVariable gain = g.parameter(name + ".norm.weight", Init.ones(), channels);
    SDVariable shift = g.parameter(name + ".norm.bias", Init.zeros(), channels);
    SDVariable y = ops.conv2d(x, kernel, bias, Ops.Window.of(1, 1));
    SDVariable normal = ops.instanceNorm(y, gain, shift, Blocks.EPSILON);
    return ops.averagePool(ops.relu(normal), 2, 2, 0);
  }
}
