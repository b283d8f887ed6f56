package io.lapidary.data;

import io.lapidary.Check;
import java.util.List;

/**
 * How far pictures may be changed at random, and the plain form when nothing is random.
 *
 * @param minScale smallest zoom; below 1 shows the picture smaller with background around it
 * @param maxScale largest zoom; above 1 crops
 * @param translate largest shift along each axis, as a part of the side, in [0, 1]
 * @param flip whether half of the pictures are mirrored left to right
 * @param brightness colours are multiplied by 1 ± this, in [0, 1]
 * @param contrast distance from the mean grey is multiplied by 1 ± this, in [0, 1]
 * @param saturation distance from grey is multiplied by 1 ± this, in [0, 1]
 * @param hue largest turn of the colour wheel in degrees, in [0, 180]
 * @param randomBackground whether every picture gets a random plain background
 * @param background background where it is not random: one value per channel, or one for all
 */
public record Augmentation(
    double minScale,
    double maxScale,
    double translate,
    boolean flip,
    double brightness,
    double contrast,
    double saturation,
    double hue,
    boolean randomBackground,
    List<Float> background) {

  /** Checks the ranges. */
  public Augmentation {
    Check.positive("minScale", minScale);
    Check.that(
        maxScale >= minScale && maxScale < 100,
        "maxScale must be in [minScale=%s, 100), got %s",
        minScale,
        maxScale);
    Check.between("translate", translate, 0, 1);
    Check.between("brightness", brightness, 0, 1);
    Check.between("contrast", contrast, 0, 1);
    Check.between("saturation", saturation, 0, 1);
    Check.between("hue", hue, 0, 180);
    background = List.copyOf(background);
    Check.that(
        background.size() == 1 || background.size() == 3,
        "background needs 1 or 3 values, got %d",
        background.size());
    background.forEach(value -> Check.between("background", value, 0, 1));
  }

  /** No change; transparent parts show {@code background}. */
  public static Augmentation none(float... background) {
    return builder().background(background).build();
  }

  /** Starts from no change on white. */
  public static Builder builder() {
    return new Builder();
  }

  /** Sets one range after another; see the record's parameters. */
  public static final class Builder {
    private double minScale = 1;
    private double maxScale = 1;
    private double translate;
    private boolean flip;
    private double brightness;
    private double contrast;
    private double saturation;
    private double hue;
    private boolean randomBackground;
    private List<Float> background = List.of(1f);

    private Builder() {}

    /** Zoom range. */
    public Builder scale(double min, double max) {
      minScale = min;
      maxScale = max;
      return this;
    }

    /** Largest shift as a part of the side. */
    public Builder translate(double part) {
      translate = part;
      return this;
    }

    /** Mirrors half of the pictures. */
    public Builder flip(boolean on) {
      flip = on;
      return this;
    }

    /** Colour jitter. */
    public Builder colour(
        double newBrightness, double newContrast, double newSaturation, double hueDegrees) {
      brightness = newBrightness;
      contrast = newContrast;
      saturation = newSaturation;
      hue = hueDegrees;
      return this;
    }

    /** A random plain background for every picture. */
    public Builder randomBackground(boolean on) {
      randomBackground = on;
      return this;
    }

    /** The background where it is not random; none given = white. */
    public Builder background(float... colour) {
      List<Float> values = new java.util.ArrayList<>();
      for (float value : colour) {
        values.add(value);
      }
      background = values.isEmpty() ? List.of(1f) : values;
      return this;
    }

    /** Checks and freezes. */
    public Augmentation build() {
      return new Augmentation(
          minScale,
          maxScale,
          translate,
          flip,
          brightness,
          contrast,
          saturation,
          hue,
          randomBackground,
          background);
    }
  }
}
