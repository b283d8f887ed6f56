package io.lapidary.layer;

import io.lapidary.Check;
import io.lapidary.engine.Graph;
import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Rotary positions (Su et al. 2021) in the half-split convention of Hugging Face, with the ways in
 * which checkpoints stretch them to longer texts. Frequency j is θ^(−2j/R); dimensions from R on
 * are not turned.
 *
 * @param theta base θ of the frequencies
 * @param size R, number of turned dimensions of a head; even
 * @param maxPositions {@code max_position_embeddings}
 * @param scaling how the frequencies are stretched
 */
public record Rotary(double theta, int size, int maxPositions, Scaling scaling) {

  /** Checks the fields. */
  public Rotary {
    Check.positive("rope_theta", theta);
    Check.that(size > 0 && size % 2 == 0, "the rotary size must be even and above 0, got %d", size);
    Check.positive("max_position_embeddings", maxPositions);
    Check.present("scaling", scaling);
    scaling.check(size);
  }

  /** Without scaling. */
  public static Rotary plain(double theta, int size, int maxPositions) {
    return new Rotary(theta, size, maxPositions, Scaling.NONE);
  }

  /** Kinds of scaling, by their name in a configuration. */
  public enum Kind {
    /** Frequencies as they are. */
    DEFAULT,
    /** All frequencies divided by the factor (Chen et al. 2023). */
    LINEAR,
    /** A larger θ for texts beyond the trained length. */
    DYNAMIC,
    /** Low frequencies divided, high ones kept, a ramp between (Llama 3.1). */
    LLAMA3,
    /** A factor per frequency, one list for short and one for long texts (Ding et al. 2024). */
    LONGROPE,
    /** Division by ramp over the dimensions, with a temperature (Peng et al. 2023). */
    YARN
  }

  /**
   * How frequencies are stretched. Fields that a kind does not use are ignored.
   *
   * @param kind which formula
   * @param factor how many times longer texts become
   * @param originalPositions length of texts in training; 0 means {@code maxPositions}
   * @param low {@code low_freq_factor} of llama3, {@code beta_slow} of yarn
   * @param high {@code high_freq_factor} of llama3, {@code beta_fast} of yarn
   * @param shortFactor divisors of longrope for texts within the original length
   * @param longFactor divisors of longrope for longer texts
   * @param attentionFactor factor of cos and sin; NaN for the formula of the kind
   * @param truncate whether yarn rounds the ends of its ramp to whole dimensions
   */
  public record Scaling(
      Kind kind,
      double factor,
      int originalPositions,
      double low,
      double high,
      List<Double> shortFactor,
      List<Double> longFactor,
      double attentionFactor,
      boolean truncate) {
    /** No scaling. */
    public static final Scaling NONE = of(Kind.DEFAULT, 1);

    /** Checks the fields. */
    public Scaling {
      Check.present("kind", kind);
      Check.positive("rope scaling factor", factor);
      Check.notNegative("original_max_position_embeddings", originalPositions);
      shortFactor = List.copyOf(shortFactor);
      longFactor = List.copyOf(longFactor);
      Check.that(
          kind != Kind.LLAMA3 || (low > 0 && high > low),
          "llama3 scaling needs 0 < low_freq_factor < high_freq_factor, got %s and %s",
          low,
          high);
    }

    /** A kind that needs the factor only. */
    public static Scaling of(Kind kind, double factor) {
      double low = 1;
      double high = kind == Kind.YARN ? 32 : 4;
      return new Scaling(kind, factor, 0, low, high, List.of(), List.of(), Double.NaN, true);
    }

    private void check(int size) {
      Check.that(
          kind != Kind.LONGROPE
              || (shortFactor.size() == size / 2 && longFactor.size() == size / 2),
          "longrope needs %d values each in short_factor and long_factor, got %d and %d",
          size / 2,
          shortFactor.size(),
          longFactor.size());
    }
  }

  /** Whether the frequencies depend on the length of the text. */
  public boolean dependsOnLength() {
    return scaling.kind == Kind.DYNAMIC || scaling.kind == Kind.LONGROPE;
  }

  private int original() {
    return scaling.originalPositions > 0 ? scaling.originalPositions : maxPositions;
  }

  /**
   * Angles per position step, R/2 values.
   *
   * @param length of the text
   */
  public double[] frequencies(long length) {
    double base = theta;
    if (scaling.kind == Kind.DYNAMIC && length > original()) {
      double stretch = scaling.factor * length / original() - (scaling.factor - 1);
      base *= Math.pow(stretch, size / (size - 2.0));
    }
    double[] frequencies = new double[size / 2];
    for (int j = 0; j < frequencies.length; j++) {
      frequencies[j] = scaled(Math.pow(base, -2.0 * j / size), j, length);
    }
    return frequencies;
  }

  private double scaled(double frequency, int j, long length) {
    return switch (scaling.kind) {
      case DEFAULT, DYNAMIC -> frequency;
      case LINEAR -> frequency / scaling.factor;
      case LLAMA3 -> llama3(frequency);
      case LONGROPE ->
          frequency / (length > original() ? scaling.longFactor : scaling.shortFactor).get(j);
      case YARN -> {
        double low = yarnDimension(scaling.high);
        double high = yarnDimension(scaling.low);
        low = Math.max(scaling.truncate ? Math.floor(low) : low, 0);
        high = Math.min(scaling.truncate ? Math.ceil(high) : high, size - 1.0);
        double ramp = (j - low) / (high == low ? 0.001 : high - low);
        double divided = Math.max(0, Math.min(1, ramp));
        yield frequency / scaling.factor * divided + frequency * (1 - divided);
      }
    };
  }

  private double llama3(double frequency) {
    double wave = 2 * Math.PI / frequency;
    if (wave < original() / scaling.high) {
      return frequency;
    }
    if (wave > original() / scaling.low) {
      return frequency / scaling.factor;
    }
    double smooth = (original() / wave - scaling.low) / (scaling.high - scaling.low);
    return (1 - smooth) * frequency / scaling.factor + smooth * frequency;
  }

  /** The dimension that turns {@code rotations} times within the original length. */
  private double yarnDimension(double rotations) {
    return size * Math.log(original() / (rotations * 2 * Math.PI)) / (2 * Math.log(theta));
  }

  /** Factor of cos and sin. */
  public double amplitude() {
    if (!Double.isNaN(scaling.attentionFactor)) {
      return scaling.attentionFactor;
    }
    return switch (scaling.kind) {
      case YARN -> scaling.factor <= 1 ? 1 : 0.1 * Math.log(scaling.factor) + 1;
      case LONGROPE -> {
        double times =
            scaling.originalPositions > 0 ? (double) maxPositions / original() : scaling.factor;
        yield times <= 1 ? 1 : Math.sqrt(1 + Math.log(times) / Math.log(original()));
      }
      default -> 1;
    };
  }

  /**
   * Cosines and sines of positions 0 … positions − 1 as constants [positions, R], the angles
   * repeated in both halves.
   *
   * @param length of the text, for the kinds that depend on it
   */
  public SDVariable[] tables(Graph g, int positions, long length) {
    double[] frequencies = frequencies(length);
    float[][] cos = new float[positions][size];
    float[][] sin = new float[positions][size];
    for (int p = 0; p < positions; p++) {
      for (int j = 0; j < size; j++) {
        double angle = p * frequencies[j % frequencies.length];
        cos[p][j] = (float) (Math.cos(angle) * amplitude());
        sin[p][j] = (float) (Math.sin(angle) * amplitude());
      }
    }
    return new SDVariable[] {constant(g, cos), constant(g, sin)};
  }

  private static SDVariable constant(Graph g, float[][] values) {
    INDArray array = Nd4j.createFromArray(values);
    return g.constant(array.dataType() == g.type() ? array : array.castTo(g.type()));
  }
}
