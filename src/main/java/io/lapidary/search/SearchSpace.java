package io.lapidary.search;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.deeplearning4j.arbiter.optimize.api.AbstractParameterSpace;
import org.deeplearning4j.arbiter.optimize.api.ParameterSpace;

/** All parameters as one space of Arbiter; a point of it is a value for every key. */
final class SearchSpace extends AbstractParameterSpace<Map<String, Object>> {
  private final Map<String, ParameterSpace<?>> spaces = new LinkedHashMap<>();

  SearchSpace(Map<String, ParameterRange> parameters) {
    parameters.forEach((key, range) -> spaces.put(key, range.space()));
  }

  @Override
  public Map<String, Object> getValue(double[] point) {
    Map<String, Object> values = new LinkedHashMap<>();
    spaces.forEach((key, space) -> values.put(key, space.getValue(point)));
    return values;
  }

  @Override
  public int numParameters() {
    return spaces.size();
  }

  @Override
  @SuppressWarnings("rawtypes")
  public List<ParameterSpace> collectLeaves() {
    return new ArrayList<>(spaces.values());
  }

  @Override
  public boolean isLeaf() {
    return false;
  }

  @Override
  public void setIndices(int... indices) {
    throw new UnsupportedOperationException(
        "indices belong to the single parameters, got " + Arrays.toString(indices));
  }
}
