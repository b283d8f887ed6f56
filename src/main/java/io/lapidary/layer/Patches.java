package io.lapidary.layer;

import io.lapidary.Check;
import io.lapidary.engine.Graph;
import io.lapidary.engine.Init;
import io.lapidary.engine.Overlay;
import java.util.Arrays;
import org.nd4j.autodiff.samediff.SDVariable;

/** Image patches as tokens (Dosovitskiy et al. 2021). */
public final class Patches {
  private Patches() {}

  /**
   * A convolution whose stride is its kernel, written as one matrix product. Shapes: image [B, C,
   * H, W], result [B, ⌊H/p⌋ ⌊W/p⌋, width] row by row; parameters {@code name.weight} [width, C, p,
   * p] and {@code name.bias} [width], fresh weights normal with deviation 0.02. Pixels beyond the
   * last whole patch are not read.
   */
  public static SDVariable embed(
      Graph g, String name, SDVariable image, int patch, long width, boolean bias) {
    Check.positive("patch", patch);
    SDVariable tokens = split(g, name, image, patch);
    long channels = g.size(image, 1);
    long area = (long) patch * patch;
    SDVariable kernel =
        g.parameter(name + ".weight", Init.normal(0.02), width, channels, patch, patch);
    SDVariable weight = g.ops().reshape(kernel, width, channels * area);
    SDVariable offset = bias ? g.parameter(name + ".bias", Init.zeros(), width) : null;
    Overlay.WeightedMap map =
        new Overlay.WeightedMap(name, Overlay.Layout.PATCHES, g.shape(kernel));
    return g.overlaid(map, tokens, g.ops().linear(tokens, weight, offset));
  }

  /**
   * The pixels of every patch: image [B, C, H, W] gives [B, ⌊H/p⌋ ⌊W/p⌋, C p p], channel by
   * channel.
   *
   * @param name of what wants them, for errors
   */
  public static SDVariable split(Graph g, String name, SDVariable image, int patch) {
    long[] s = g.shape(image);
    Check.that(
        s.length == 4 && s[2] >= patch && s[3] >= patch,
        "%s: patches of %d pixels need images [B, C, H, W] at least as large, got %s",
        name,
        patch,
        Arrays.toString(s));
    long rows = s[2] / patch;
    long columns = s[3] / patch;
    SDVariable whole =
        g.ops().slice(g.ops().slice(image, 2, 0, rows * patch), 3, 0, columns * patch);
    long area = (long) patch * patch;
    SDVariable cells = g.ops().reshape(whole, s[0], s[1], rows, patch, columns, patch);
    SDVariable ordered = g.ops().permute(cells, 0, 2, 4, 1, 3, 5);
    return g.ops().reshape(ordered, s[0], rows * columns, s[1] * area);
  }

  /**
   * Puts one learned vector before the tokens of every image: x [B, T, n] gives [B, 1 + T, n];
   * parameter {@code name} [n], fresh ones normal with deviation 1/√n.
   */
  public static SDVariable prependToken(Graph g, String name, SDVariable x) {
    return prependToken(g, name, x, g.size(x, 2));
  }

  /**
   * As {@link #prependToken(Graph, String, SDVariable)} with a parameter of another shape of n
   * values, such as [1, 1, n].
   */
  public static SDVariable prependToken(Graph g, String name, SDVariable x, long... stored) {
    long[] s = g.shape(x);
    SDVariable token = g.parameter(name, Init.normal(1 / Math.sqrt(s[2])), stored);
    SDVariable first = g.ops().broadcastTo(g.ops().reshape(token, 1, 1, s[2]), s[0], 1, s[2]);
    return g.ops().concat(1, first, x);
  }
}
