package io.lapidary.method.tivit.baseline;

import io.lapidary.Check;
import io.lapidary.data.series.SeriesSet;

/** Checks of series before a classifier takes them. */
final class Complete {
  private Complete() {}

  /** Requires that no value is missing. */
  static void require(SeriesSet set) {
    for (int i = 0; i < set.size(); i++) {
      Check.that(
          !set.cases().get(i).hasMissing(),
          "%s: case %d has a missing value; fill it before, see SeriesPreparation.complete",
          set.name(),
          i + 1);
    }
  }

  /** Requires complete series of one length, which is given back. */
  static int requireEqualLength(SeriesSet set) {
    require(set);
    Check.that(
        set.equalLength(),
        "%s: the series have %d to %d values; bring them to one length before, see"
            + " SeriesPreparation.complete",
        set.name(),
        set.minLength(),
        set.maxLength());
    return set.maxLength();
  }

  /** Requires the length and channels that a transform was fitted to. */
  static void requireLike(SeriesSet set, int channels, int length) {
    Check.that(length > 0, "fit comes before transform");
    int own = requireEqualLength(set);
    Check.that(
        own == length && set.channels() == channels,
        "%s: series of %d channels and %d values, fitted to %d channels and %d values",
        set.name(),
        set.channels(),
        own,
        channels,
        length);
  }
}
