package io.lapidary.app.bench;

import io.lapidary.engine.Graph;
import io.lapidary.engine.Init;
import io.lapidary.engine.Ops;
import io.lapidary.engine.Parameters;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;

/** Mean-pooled hidden states of every layer of a vision transformer, without training. */
record VitEmbed(int image, int patch, int width, int heads, int layers, int mlp, int batch)
    implements Workload {
  @Override
  public Task build(DataType type, long seed) {
    Graph g = new Graph(new Parameters(type, seed), false);
    Ops ops = g.ops();
    SDVariable x = g.placeholder("x", batch, 3, image, image);
    int fan = 3 * patch * patch;
    SDVariable kernel = g.parameter("conv.weight", Init.fanIn(fan), width, 3, patch, patch);
    SDVariable bias = g.parameter("conv.bias", Init.fanIn(fan), width);
    int patches = (image / patch) * (image / patch);
    SDVariable map = ops.conv2d(x, kernel, bias, Ops.Window.of(patch, 0));
    SDVariable tokens = ops.permute(ops.reshape(map, batch, width, patches), 0, 2, 1);
    SDVariable first = g.parameter("cls", Init.zeros(), 1, 1, width);
    SDVariable positions = g.parameter("pos", Init.normal(0.02), 1, patches + 1, width);
    SDVariable t =
        ops.add(ops.concat(1, ops.broadcastTo(first, batch, 1, width), tokens), positions);
    List<SDVariable> states = new ArrayList<>();
    for (int i = 0; i < layers; i++) {
      t = Blocks.preNorm(g, "b." + i, t, heads, mlp, Ops.AttentionMask.FULL, 0);
      states.add(g.name(ops.mean(t, false, 1), "state." + i));
    }
    return Task.inference(
        g, Map.of("x", new Draws(type, seed).normal("x", batch, 3, image, image)), states);
  }
}
