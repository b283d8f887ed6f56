package io.lapidary.report;

import com.fasterxml.jackson.annotation.JsonProperty;

/** On which side of its threshold a value must lie for a claim to hold. */
public enum Direction {
  @JsonProperty("above")
  ABOVE(">"),
  @JsonProperty("at least")
  AT_LEAST(">="),
  @JsonProperty("below")
  BELOW("<"),
  @JsonProperty("at most")
  AT_MOST("<=");

  private final String sign;

  Direction(String sign) {
    this.sign = sign;
  }

  /** The comparison in plain ASCII, for example {@code >=}. */
  public String sign() {
    return sign;
  }

  /** True when {@code value} lies on this side of {@code threshold}; false for NaN. */
  public boolean satisfied(double value, double threshold) {
    return switch (this) {
      case ABOVE -> value > threshold;
      case AT_LEAST -> value >= threshold;
      case BELOW -> value < threshold;
      case AT_MOST -> value <= threshold;
    };
  }
}
