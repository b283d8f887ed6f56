package io.lapidary.train;

import io.lapidary.Check;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Named arrays of an optimizer, zero at first use; names are {@code kind/weight}. */
final class StateArrays implements AutoCloseable {
  private final Set<String> kinds;
  private final Map<String, INDArray> arrays = new LinkedHashMap<>();

  StateArrays(String... kinds) {
    this.kinds = Set.of(kinds);
  }

  INDArray get(String kind, String weight, INDArray like) {
    INDArray array =
        arrays.computeIfAbsent(
            kind + "/" + weight, key -> Nd4j.zeros(like.dataType(), like.shape().clone()).detach());
    Check.that(
        Arrays.equals(array.shape(), like.shape()),
        "optimizer state %s/%s has shape %s, its weight %s",
        kind,
        weight,
        Arrays.toString(array.shape()),
        Arrays.toString(like.shape()));
    return array;
  }

  Map<String, INDArray> all() {
    return Collections.unmodifiableMap(arrays);
  }

  void restore(Map<String, INDArray> state) {
    for (String name : state.keySet()) {
      int slash = name.indexOf('/');
      Check.that(
          slash > 0 && kinds.contains(name.substring(0, slash)),
          "optimizer state %s is not one of this optimizer (%s)",
          name,
          kinds);
    }
    close();
    state.forEach((name, array) -> arrays.put(name, array.dup('c')));
  }

  @Override
  public void close() {
    arrays.values().forEach(INDArray::close);
    arrays.clear();
  }
}
