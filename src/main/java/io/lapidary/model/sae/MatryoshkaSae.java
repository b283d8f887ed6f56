package io.lapidary.model.sae;

import io.lapidary.Check;
import io.lapidary.engine.Ops;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * Batch top-k codes whose prefixes reconstruct, too: the mean over groups of the error of the
 * reconstruction from the first m latents, m the running sum of the group sizes. Codes are selected
 * over all latents together; there is no k per group.
 *
 * @param k mean number of active latents per row
 * @param groupSizes latents of each group, coarse first; their sum is the number of latents
 * @param dead how dead latents are brought back
 * @param tracking how the threshold follows the smallest positive code
 * @param legacyDoubleMean divides the reconstruction loss by the number of groups once more, as the
 *     authors' code does
 */
public record MatryoshkaSae(
    int k,
    List<Integer> groupSizes,
    DeadLatents dead,
    ThresholdTracking tracking,
    boolean legacyDoubleMean)
    implements SaeVariant {

  /** Checks ranges. */
  public MatryoshkaSae {
    Check.positive("k", k);
    groupSizes = List.copyOf(groupSizes);
    Check.that(!groupSizes.isEmpty(), "groupSizes must name at least one group");
    groupSizes.forEach(
        size ->
            Check.that(
                size > 0,
                "each group needs at least one latent, got the sizes %s; use more latents or"
                    + " larger fractions",
                size));
    Check.present("dead", dead);
    Check.present("tracking", tracking);
  }

  /**
   * Sizes from fractions: floor(fraction·F) each, the rest to the last.
   *
   * @throws IllegalArgumentException when a group would be empty
   */
  public static List<Integer> sizes(List<Double> fractions, int latentWidth) {
    double sum = fractions.stream().mapToDouble(Double::doubleValue).sum();
    Check.that(Math.abs(sum - 1) < 1e-6, "group fractions must sum to 1, got %s", sum);
    Integer[] sizes = new Integer[fractions.size()];
    int left = latentWidth;
    for (int i = 0; i < sizes.length; i++) {
      boolean last = i == sizes.length - 1;
      sizes[i] = last ? left : (int) Math.floor(fractions.get(i) * latentWidth);
      left -= sizes[i];
      Check.that(
          sizes[i] > 0,
          "group %d of fraction %s has no latent of %d; use more latents or a larger fraction",
          i,
          fractions.get(i),
          latentWidth);
    }
    return List.of(sizes);
  }

  @Override
  public String type() {
    return "matryoshka_batch_top_k";
  }

  @Override
  public void check(int latentWidth) {
    Selection.check(k, latentWidth);
    int sum = groupSizes.stream().mapToInt(Integer::intValue).sum();
    Check.that(sum == latentWidth, "groupSizes %s sum to %d, not %d", groupSizes, sum, latentWidth);
  }

  @Override
  public boolean tracksThreshold() {
    return true;
  }

  @Override
  public SaeForward train(SaeGraph s, SDVariable x) {
    Ops ops = s.ops();
    SDVariable active = ops.relu(s.preActivations(x));
    SDVariable codes = Selection.overBatch(s, active, k);
    s.followThreshold(Selection.minimum(s, codes), tracking);
    SDVariable sum = null;
    SDVariable reconstruction = s.decoderBias();
    int begin = 0;
    for (int size : groupSizes) {
      SDVariable part = ops.slice(codes, 1, begin, size);
      SDVariable rows = ops.slice(s.decoder(), 0, begin, size);
      reconstruction = ops.add(ops.matmul(part, rows), reconstruction);
      SDVariable error = s.squaredError(x, reconstruction);
      sum = sum == null ? error : ops.add(sum, error);
      begin += size;
    }
    double groups = groupSizes.size();
    Map<String, SDVariable> losses = new LinkedHashMap<>();
    losses.put("reconstruction", ops.mul(sum, 1 / (legacyDoubleMean ? groups * groups : groups)));
    Selection.addAuxiliary(s, x, reconstruction, active, codes, dead, losses);
    return new SaeForward(codes, reconstruction, losses);
  }

  @Override
  public SDVariable encode(SaeGraph s, SDVariable x) {
    return Selection.aboveThreshold(s, x);
  }
}
