package io.lapidary.layer;

import io.lapidary.Check;
import io.lapidary.engine.Graph;
import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * Residual block of ResNets (He et al. 2016): f(shortcut(x) + layers(x)). The basic kind has two
 * convolutions 3x3; the bottleneck has 1x1, 3x3, 1x1 with a quarter of the channels between. Every
 * convolution is followed by a batch norm, all but the last by ReLU, whatever the activation of the
 * whole is, as in the Python library. Parameter names: {@code layer.N.convolution}, {@code
 * layer.N.normalization} and {@code shortcut.*}, the latter where size or channels change.
 *
 * @param bottleneck which kind
 * @param out channels after the block
 * @param stride step of the convolution that shrinks the picture
 * @param strideFirst whether that is the first 1x1 convolution of a bottleneck, not the 3x3 one
 * @param activation of the sum, f, as checkpoints name it
 */
public record ResidualBlock(
    boolean bottleneck, int out, int stride, boolean strideFirst, String activation) {
  /** Channels of a bottleneck are its outputs divided by this. */
  public static final int REDUCTION = 4;

  /** Checks the fields. */
  public ResidualBlock {
    Check.positive("out", out);
    Check.positive("stride", stride);
    Check.present("activation", activation);
    Check.that(
        !bottleneck || out % REDUCTION == 0,
        "channels of a bottleneck must be a multiple of %d, got %d",
        REDUCTION,
        out);
  }

  /** One convolution of the block. */
  public record Step(String name, int out, int kernel, int stride) {}

  /** The convolutions in order. */
  public List<Step> steps() {
    if (!bottleneck) {
      return List.of(new Step("layer.0", out, 3, stride), new Step("layer.1", out, 3, 1));
    }
    int narrow = out / REDUCTION;
    return List.of(
        new Step("layer.0", narrow, 1, strideFirst ? stride : 1),
        new Step("layer.1", narrow, 3, strideFirst ? 1 : stride),
        new Step("layer.2", out, 1, 1));
  }

  /** Whether the shortcut is a convolution for inputs of {@code in} channels. */
  public boolean projects(long in) {
    return in != out || stride != 1;
  }

  /** Adds the block: [B, C, H, W] to [B, out, ⌈H/stride⌉, ⌈W/stride⌉]. */
  public SDVariable apply(Graph g, String name, SDVariable x) {
    SDVariable shortcut =
        projects(g.size(x, 1)) ? Convolutions.normed(g, name + ".shortcut", x, out, 1, stride) : x;
    SDVariable y = x;
    for (Step step : steps()) {
      y = y == x ? y : g.ops().relu(y);
      y = Convolutions.normed(g, name + "." + step.name, y, step.out, step.kernel, step.stride);
    }
    return g.ops().activation(activation, g.ops().add(y, shortcut));
  }
}
