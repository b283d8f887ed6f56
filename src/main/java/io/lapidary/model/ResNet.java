package io.lapidary.model;

import io.lapidary.Check;
import io.lapidary.InputException;
import io.lapidary.engine.Graph;
import io.lapidary.engine.Parameters;
import io.lapidary.io.CheckpointFolder;
import io.lapidary.io.Dtype;
import io.lapidary.layer.Convolutions;
import io.lapidary.layer.LoraAdapters;
import io.lapidary.layer.ResidualBlock;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * ResNet (He et al. 2016) without its classifier: a convolution 7x7 and a max pooling, each of
 * stride 2, stages of residual blocks, and the mean over the last feature map. Layout and names are
 * those of Hugging Face checkpoints of {@code model_type} resnet. Pictures may have any size.
 *
 * <p>Batch norms use running statistics in inference graphs, the batch in training graphs. The
 * array methods may be called from several threads, one at a time runs.
 */
public final class ResNet implements AutoCloseable {
  private static final String STEM = "embedder.embedder";
  private static final int LARGEST_BATCH = 64; // larger inputs run in pieces

  private final ResNetConfig config;
  private final StoredWeights weights;
  private final LoraAdapters adapters;
  private final BatchRunner runner;

  private ResNet(ResNetConfig config, StoredWeights weights, LoraAdapters adapters) {
    this.config = config;
    this.weights = weights;
    this.adapters = Check.present("adapters", adapters);
    this.runner = new BatchRunner(weights.parameters(), LARGEST_BATCH, 6);
  }

  /** A model over a store; parameters that the store lacks are made when a graph asks for them. */
  public ResNet(ResNetConfig config, Parameters parameters) {
    this(
        Check.present("config", config),
        StoredWeights.of(Check.present("parameters", parameters), table(config)),
        LoraAdapters.NONE);
  }

  /** A fresh model of type FLOAT; same seed, same weights. */
  public static ResNet create(ResNetConfig config, long seed) {
    ResNet made = new ResNet(config, new Parameters(DataType.FLOAT, seed));
    made.sameDiff(1, 32, 32);
    return made;
  }

  /**
   * Loads a Hugging Face folder.
   *
   * @throws InputException when a file, a tensor or a value is missing or does not fit
   */
  public static ResNet load(Path folder) {
    try (CheckpointFolder open = CheckpointFolder.open(folder)) {
      return load(open);
    }
  }

  /** Loads an open Hugging Face folder; see {@link #load(Path)}. */
  public static ResNet load(CheckpointFolder folder) {
    ResNetConfig config = ResNetConfig.of(HubConfig.of(folder));
    return new ResNet(config, StoredWeights.load(folder, table(config)), LoraAdapters.NONE);
  }

  private static TensorTable table(ResNetConfig config) {
    TensorTable table = new TensorTable();
    normed(table, STEM, config.channels(), config.embeddingSize(), 7);
    for (ResNetConfig.Block block : config.blocks()) {
      ResidualBlock shape = block.shape();
      if (shape.projects(block.in())) {
        normed(table, block.name() + ".shortcut", block.in(), shape.out(), 1);
      }
      long in = block.in();
      for (ResidualBlock.Step step : shape.steps()) {
        normed(table, block.name() + "." + step.name(), in, step.out(), step.kernel());
        in = step.out();
      }
    }
    return table.unread("classifier\\..*");
  }

  private static void normed(TensorTable table, String name, long in, long out, int kernel) {
    String norm = name + ".normalization";
    table
        .put(name + ".convolution.weight", out, in, kernel, kernel)
        .norm(norm, out)
        .put(norm + ".running_mean", out)
        .put(norm + ".running_var", out)
        .optional(norm + ".num_batches_tracked");
  }

  /**
   * Writes a folder that {@link #load} and the Python library read.
   *
   * @param type of the stored weights: F32, F16 or BF16
   */
  public void save(Path folder, Dtype type) {
    weights.save(folder, config.toJson(), type);
  }

  /** Sizes. */
  public ResNetConfig config() {
    return config;
  }

  /** Live weights and statistics, shared by all graphs of this model. */
  public Parameters parameters() {
    return weights.parameters();
  }

  /** The same weights under adapters: graphs of the result have them, those of this model not. */
  public ResNet with(LoraAdapters others) {
    return new ResNet(config, weights, others);
  }

  /**
   * What the network computes.
   *
   * @param lastHidden last feature map [B, C, h, w]
   * @param pooled its mean over the pixels [B, C]
   */
  public record Output(SDVariable lastHidden, SDVariable pooled) {}

  /** Adds the network to a graph: pixels normalised as for training, [B, channels, H, W]. */
  public Output build(Graph g, SDVariable pixels) {
    Check.that(
        g.size(pixels, 1) == config.channels(),
        "images must be [B, %d, H, W], got %s",
        config.channels(),
        Arrays.toString(g.shape(pixels)));
    return adapters.over(g, () -> layers(g, pixels));
  }

  private Output layers(Graph g, SDVariable pixels) {
    SDVariable stem = Convolutions.normed(g, STEM, pixels, config.embeddingSize(), 7, 2);
    SDVariable x = g.ops().maxPool(g.ops().activation(config.activation(), stem), 3, 2, 1);
    for (ResNetConfig.Block block : config.blocks()) {
      x = block.shape().apply(g, block.name(), x);
    }
    return new Output(x, g.ops().mean(x, false, 2, 3));
  }

  /**
   * The network as one SameDiff graph over the live weights, for {@code batch} pictures: input
   * {@code pixel_values}, outputs {@code last_hidden_state} and {@code pooler_output}.
   */
  public SameDiff sameDiff(int batch, int height, int width) {
    Graph g = new Graph(parameters(), false);
    Output out = build(g, g.placeholder("pixel_values", batch, config.channels(), height, width));
    g.name(out.pooled(), "pooler_output");
    g.name(out.lastHidden(), "last_hidden_state");
    return g.sameDiff();
  }

  /** Last feature map [B, C, h, w] of pictures [B, channels, H, W]; the caller closes it. */
  public INDArray lastHidden(INDArray pixels) {
    return run("last", pixels, Output::lastHidden);
  }

  /** One vector per picture [B, C]; the caller closes it. */
  public INDArray pooled(INDArray pixels) {
    return run("pooled", pixels, Output::pooled);
  }

  private INDArray run(String task, INDArray pixels, Function<Output, SDVariable> output) {
    Check.that(
        pixels.rank() == 4,
        "images must be [B, channels, H, W], got %s",
        Arrays.toString(pixels.shape()));
    return runner
        .run(
            task, parameters().type(), pixels, (g, input) -> List.of(output.apply(build(g, input))))
        .get(0);
  }

  /** Frees the plans; the weights stay. */
  @Override
  public void close() {
    runner.close();
  }
}
