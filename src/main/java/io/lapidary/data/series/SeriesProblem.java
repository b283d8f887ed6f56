package io.lapidary.data.series;

import io.lapidary.Check;

/**
 * A classification problem with its official split.
 *
 * @param train series to learn from
 * @param test series to score; same classes and channels as {@code train}
 */
public record SeriesProblem(SeriesSet train, SeriesSet test) {

  public SeriesProblem {
    Check.that(
        train.classes().equals(test.classes()),
        "%s: train has the classes %s, test has %s",
        train.name(),
        train.classes(),
        test.classes());
    Check.that(
        train.channels() == test.channels(),
        "%s: train has %d channels, test has %d",
        train.name(),
        train.channels(),
        test.channels());
  }

  /** Name of the problem. */
  public String name() {
    return train.name();
  }

  /** Length of the longest series of both parts. */
  public int maxLength() {
    return Math.max(train.maxLength(), test.maxLength());
  }
}
