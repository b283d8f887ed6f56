package io.lapidary.data.series;

import io.lapidary.Check;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Labelled series of one problem, for example its training part.
 *
 * @param name name of the problem
 * @param classes class names in sorted order; a label counts into this list
 * @param cases at least one, all with the same number of channels; lengths may differ
 */
public record SeriesSet(String name, List<String> classes, List<TimeSeries> cases) {

  public SeriesSet {
    classes = List.copyOf(classes);
    cases = List.copyOf(cases);
    Check.that(!cases.isEmpty(), "%s: holds no series", name);
    Check.that(!classes.isEmpty(), "%s: has no classes", name);
    for (int i = 0; i < cases.size(); i++) {
      TimeSeries one = cases.get(i);
      Check.that(
          one.channels() == cases.get(0).channels(),
          "%s: case %d has %d channels, case 0 has %d",
          name,
          i,
          one.channels(),
          cases.get(0).channels());
      Check.that(
          one.label() < classes.size(),
          "%s: case %d has label %d, expected 0 to %d",
          name,
          i,
          one.label(),
          classes.size() - 1);
    }
  }

  /** Number of cases. */
  public int size() {
    return cases.size();
  }

  /** Channels of every case. */
  public int channels() {
    return cases.get(0).channels();
  }

  /** Length of the shortest case. */
  public int minLength() {
    return cases.stream().mapToInt(TimeSeries::length).min().getAsInt();
  }

  /** Length of the longest case. */
  public int maxLength() {
    return cases.stream().mapToInt(TimeSeries::length).max().getAsInt();
  }

  /** Whether all cases have one length. */
  public boolean equalLength() {
    return minLength() == maxLength();
  }

  /** Whether any value of any case is missing. */
  public boolean hasMissing() {
    return cases.stream().anyMatch(TimeSeries::hasMissing);
  }

  /** Label of every case. */
  public int[] labels() {
    return cases.stream().mapToInt(TimeSeries::label).toArray();
  }

  /** The same problem with other cases. */
  public SeriesSet with(List<TimeSeries> others) {
    return new SeriesSet(name, classes, others);
  }

  /** The cases at these places, in this order. */
  public SeriesSet subset(int... places) {
    return with(IntStream.of(places).mapToObj(cases::get).toList());
  }
}
