package io.lapidary.search;

import io.lapidary.Check;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.deeplearning4j.arbiter.optimize.api.ParameterSpace;
import org.deeplearning4j.arbiter.optimize.distribution.LogUniformDistribution;
import org.deeplearning4j.arbiter.optimize.parameter.continuous.ContinuousParameterSpace;
import org.deeplearning4j.arbiter.optimize.parameter.discrete.DiscreteParameterSpace;
import org.deeplearning4j.arbiter.optimize.parameter.integer.IntegerParameterSpace;

/**
 * Values that a parameter may take; exactly one of the components is given.
 *
 * @param range least and largest of evenly drawn numbers
 * @param log least, above 0, and largest of numbers whose logarithm is evenly drawn
 * @param integers least and largest of evenly drawn whole numbers, both included
 * @param values anything that may stand in a file: numbers, names, true or false
 */
public record ParameterRange(
    List<Double> range, List<Double> log, List<Integer> integers, List<Object> values) {

  /** Checks the bounds. */
  public ParameterRange {
    Check.that(
        Stream.of(range, log, integers, values).filter(Objects::nonNull).count() == 1,
        "give exactly one of range, log, integers and values");
    if (range != null) {
      bounds("range", range, Double.NEGATIVE_INFINITY);
    }
    if (log != null) {
      bounds("log", log, 0);
    }
    if (integers != null) {
      bounds("integers", integers, Double.NEGATIVE_INFINITY);
    }
    if (values != null) {
      Check.that(!values.isEmpty(), "values must hold at least one value");
      Check.that(
          values.stream().allMatch(v -> v != null && !(v instanceof List)),
          "values must be numbers, names, true or false");
      values = List.copyOf(values);
    }
  }

  private static void bounds(String name, List<? extends Number> pair, double above) {
    Check.that(
        pair.size() == 2 && pair.stream().allMatch(Objects::nonNull),
        "%s must be [least, largest], got %s",
        name,
        pair);
    double least = pair.get(0).doubleValue();
    double largest = pair.get(1).doubleValue();
    Check.that(
        Double.isFinite(least) && Double.isFinite(largest) && least < largest && least > above,
        "%s must be [least, largest] with least below largest%s, got %s",
        name,
        above == 0 ? " and above 0" : "",
        pair);
  }

  /** One of the values. */
  public Object example() {
    if (values != null) {
      return values.get(0);
    }
    if (integers != null) { // a conditional would turn it into a double
      return integers.get(0);
    }
    return range != null ? range.get(0) : log.get(0);
  }

  /** The space that Arbiter draws from. */
  ParameterSpace<?> space() {
    if (range != null) {
      return new ContinuousParameterSpace(range.get(0), range.get(1));
    }
    if (log != null) {
      return new ContinuousParameterSpace(new LogUniformDistribution(log.get(0), log.get(1)));
    }
    return integers != null
        ? new IntegerParameterSpace(integers.get(0), integers.get(1))
        : new DiscreteParameterSpace<>(values);
  }
}
