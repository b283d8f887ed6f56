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

/** Adam step of a ReLU autoencoder with an L1 penalty of 0.001 on its latents. */
record SparseAutoencoderStep(int width, int latents, int batch) implements Workload {
  @Override
  public Task build(DataType type, long seed) {
    Graph g = new Graph(new Parameters(type, seed), true);
    Ops ops = g.ops();
    SDVariable x = g.placeholder("x", batch, width);
    SDVariable encoder = g.parameter("W_enc", Init.normal(0.04), width, latents);
    SDVariable encoderBias = g.parameter("b_enc", Init.zeros(), latents);
    SDVariable decoder = g.parameter("W_dec", Init.normal(0.04), latents, width);
    SDVariable decoderBias = g.parameter("b_dec", Init.zeros(), width);
    SDVariable z = ops.relu(ops.dense(ops.sub(x, decoderBias), encoder, encoderBias));
    SDVariable r = ops.dense(z, decoder, decoderBias);
    SDVariable error = ops.mean(ops.sum(ops.square(ops.sub(r, x)), false, 1), false);
    SDVariable penalty = ops.mul(ops.mean(ops.sum(ops.abs(z), false, 1), false), 1e-3);
    SDVariable loss = g.name(ops.add(error, penalty), "loss");
    Map<String, INDArray> feeds = Map.of("x", new Draws(type, seed).normal("x", batch, width));
    return Task.training(g, feeds, loss, g.parameters(), OptimizerConfig.adam(1e-3));
  }
}
