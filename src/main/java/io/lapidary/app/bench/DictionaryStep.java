package io.lapidary.app.bench;

import io.lapidary.engine.Graph;
import io.lapidary.model.sae.DeadLatents;
import io.lapidary.model.sae.MatryoshkaSae;
import io.lapidary.model.sae.SaeForward;
import io.lapidary.model.sae.SaeVariant;
import io.lapidary.model.sae.SparseAutoencoder;
import io.lapidary.model.sae.SparseAutoencoderConfig;
import io.lapidary.model.sae.ThresholdTracking;
import io.lapidary.model.sae.TopKSae;
import io.lapidary.train.OptimizerConfig;
import java.util.List;
import java.util.Map;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * One step of dictionary learning as {@code sae train} takes it, with 20 active latents a row and
 * no dead ones: losses, threshold and counters, tangent gradient, Adam, rows of norm 1.
 *
 * @param nested Matryoshka BatchTopK with four groups in place of TopK
 */
record DictionaryStep(boolean nested, int width, int latents, int batch) implements Workload {
  private static final int ACTIVE = 20;
  private static final List<Double> GROUPS = List.of(0.0625, 0.125, 0.25, 0.5625);

  @Override
  public Task build(DataType type, long seed) {
    DeadLatents dead = new DeadLatents(0, 10_000_000);
    ThresholdTracking tracking = new ThresholdTracking(0.999, 0);
    SaeVariant variant =
        nested
            ? new MatryoshkaSae(ACTIVE, MatryoshkaSae.sizes(GROUPS, latents), dead, tracking, false)
            : new TopKSae(ACTIVE, dead, tracking);
    SparseAutoencoder sae =
        SparseAutoencoder.fresh(new SparseAutoencoderConfig(width, latents, variant), type, seed);
    Graph g = new Graph(sae.parameters(), true);
    SDVariable x = g.placeholder("x", batch, width);
    SaeForward forward = sae.train(g, x, true);
    SDVariable loss = forward.losses().values().stream().reduce(g.ops()::add).orElseThrow();
    Map<String, INDArray> feeds = Map.of("x", new Draws(type, seed).normal("x", batch, width));
    return Task.training(g, feeds, g.name(loss, "loss"), g.parameters(), OptimizerConfig.adam(1e-3))
        .then(sae::normalizeDecoder);
  }
}
