package io.lapidary.model.sae;

import io.lapidary.Check;
import io.lapidary.engine.ActivationEdit;
import io.lapidary.engine.Graph;
import io.lapidary.engine.Init;
import io.lapidary.engine.Ops;
import io.lapidary.engine.Parameters;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Puts an autoencoder into a model and changes its codes there (Pach et al. 2025, section 3.4): an
 * activation v [B, T, d] or [B, d] becomes {@code decode(f ⊙ gain + value) + direction}, with f the
 * codes of v. Gains start at 1, values and direction at 0: the plain reconstruction.
 *
 * <p>The changes are live: set between two runs they take effect without building the model's
 * graphs again. They count for every token, unless only some are chosen.
 */
public final class SaeIntervention implements ActivationEdit {
  private static final String GAIN = "gain";
  private static final String VALUE = "value";
  private static final String DIRECTION = "direction";

  private final SparseAutoencoder sae;
  private final boolean keepError;
  private final Tokens tokens;
  private final Parameters changes;

  /** Which tokens of [B, T, d] are changed; the others pass as they are. */
  public enum Tokens {
    /** Every one. */
    ALL,
    /** The first, where towers have their class token. */
    FIRST,
    /** All but the first. */
    REST
  }

  /**
   * @param sae of the width of the activation
   * @param keepError whether what the autoencoder misses, v − decode(f), is added back, so that
   *     unchanged codes leave the model as it is; the paper does not
   */
  public SaeIntervention(SparseAutoencoder sae, boolean keepError, Tokens tokens) {
    this.sae = Check.present("sae", sae);
    this.keepError = keepError;
    this.tokens = Check.present("tokens", tokens);
    sae.requireThreshold();
    DataType type = sae.parameters().type();
    changes = new Parameters(type, 0);
    long f = sae.config().latentWidth();
    changes.getOrCreate(GAIN, Init.constant(1), f);
    changes.getOrCreate(VALUE, Init.zeros(), f);
    changes.getOrCreate(DIRECTION, Init.zeros(), sae.config().inputWidth());
  }

  /** As the paper does: every token, no error term. */
  public SaeIntervention(SparseAutoencoder sae) {
    this(sae, false, Tokens.ALL);
  }

  /** Back to the plain reconstruction. */
  public SaeIntervention reset() {
    changes.get(GAIN).assign(1);
    changes.get(VALUE).assign(0);
    changes.get(DIRECTION).assign(0);
    return this;
  }

  /** The latent has this activation, whatever the input. */
  public SaeIntervention replace(int latent, double activation) {
    return change(latent, 0, activation);
  }

  /** The latent's activation is raised by this much; lowered below 0 where negative. */
  public SaeIntervention add(int latent, double activation) {
    return change(latent, 1, activation);
  }

  /** The latent's activation is multiplied. */
  public SaeIntervention scale(int latent, double factor) {
    return change(latent, factor, 0);
  }

  /** The latent is off. */
  public SaeIntervention ablate(int latent) {
    return change(latent, 0, 0);
  }

  /** All latents are off, except for what is set afterwards. */
  public SaeIntervention ablateAll() {
    changes.get(GAIN).assign(0);
    changes.get(VALUE).assign(0);
    return this;
  }

  /** A vector [d] that is added to the result, as difference-in-means steering does. */
  public SaeIntervention direction(INDArray vector) {
    changes.put(DIRECTION, vector);
    return this;
  }

  private SaeIntervention change(int latent, double gain, double value) {
    Check.between("latent", latent, 0, sae.config().latentWidth() - 1);
    Check.that(Double.isFinite(gain) && Double.isFinite(value), "changes must be finite");
    changes.get(GAIN).putScalar(latent, gain);
    changes.get(VALUE).putScalar(latent, value);
    return this;
  }

  @Override
  public SDVariable apply(Graph g, SDVariable x) {
    long[] shape = g.shape(x);
    int d = sae.config().inputWidth();
    Check.that(
        shape[shape.length - 1] == d,
        "the autoencoder is for activations of width %d, these have %d",
        d,
        shape[shape.length - 1]);
    Check.that(
        tokens == Tokens.ALL || shape.length == 3, "only [B, T, d] has tokens to choose from");
    Ops ops = g.ops();
    SDVariable rows = shape.length == 2 ? x : ops.reshape(x, -1, d);
    SDVariable result = ops.reshape(changed(g, rows), shape);
    return tokens == Tokens.ALL ? result : ops.where(chosen(g, shape[1]), result, x);
  }

  private SDVariable changed(Graph g, SDVariable rows) {
    Ops ops = g.ops();
    long f = sae.config().latentWidth();
    SDVariable codes = g.over(sae.parameters(), () -> sae.encode(g, rows));
    SDVariable gain = change(g, GAIN, f);
    SDVariable value = change(g, VALUE, f);
    SDVariable after = ops.add(ops.mul(codes, gain), value);
    SDVariable decoded = g.over(sae.parameters(), () -> sae.decode(g, after));
    if (keepError) {
      SDVariable before = g.over(sae.parameters(), () -> sae.decode(g, codes));
      decoded = ops.add(decoded, ops.sub(rows, before));
    }
    return ops.add(decoded, change(g, DIRECTION, sae.config().inputWidth()));
  }

  private SDVariable change(Graph g, String name, long size) {
    return g.over(changes, () -> g.buffer(name, Init.zeros(), size));
  }

  /** 1 at the chosen tokens [1, T, 1]. */
  private SDVariable chosen(Graph g, long count) {
    float[] mask = new float[Math.toIntExact(count)];
    for (int t = 0; t < mask.length; t++) {
      mask[t] = (t == 0) == (tokens == Tokens.FIRST) ? 1 : 0;
    }
    return g.constant(Nd4j.createFromArray(mask).castTo(g.type()).reshape('c', 1, count, 1));
  }
}
