package io.lapidary.engine;

import io.lapidary.Check;
import io.lapidary.Seeds;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * The named arrays of a model: weights and buffers. Graphs of several batch sizes are built over
 * one store and share its live arrays, so a change in place reaches all of them. Fresh entries
 * depend on the seed and their name only.
 */
public final class Parameters {
  private final DataType type;
  private final Seeds seeds;
  private final Map<String, INDArray> arrays = new LinkedHashMap<>();

  /** An empty store whose fresh entries have type {@code FLOAT} or {@code DOUBLE}. */
  public Parameters(DataType type, long seed) {
    Check.that(
        type == DataType.FLOAT || type == DataType.DOUBLE,
        "parameters are FLOAT or DOUBLE, got %s",
        type);
    this.type = type;
    this.seeds = new Seeds(seed).stream("parameters");
  }

  /** Type of all entries. */
  public DataType type() {
    return type;
  }

  /** Whether {@code name} exists. */
  public boolean contains(String name) {
    return arrays.containsKey(name);
  }

  /** The live array of {@code name}. */
  public INDArray get(String name) {
    INDArray array = arrays.get(name);
    Check.that(array != null, "there is no parameter %s", name);
    return array;
  }

  /**
   * The live array of {@code name}, made by {@code init} at the first call; later calls must agree
   * on the shape.
   */
  public INDArray getOrCreate(String name, Init init, long... shape) {
    INDArray array = arrays.get(name);
    if (array == null) {
      double[] values = init.values(shape, seeds.stream(name).random());
      array = Nd4j.createUninitialized(type, shape, 'c'); // not a view: SameDiff copies views
      array.assign(Nd4j.createFromArray(values).reshape('c', shape));
      arrays.put(name, array);
    }
    Check.that(
        Arrays.equals(array.shape(), shape),
        "parameter %s has shape %s, but the graph needs %s",
        name,
        Arrays.toString(array.shape()),
        Arrays.toString(shape));
    return array;
  }

  /**
   * Puts a copy of {@code value}: into the live array when {@code name} exists (same shape), as a
   * new entry otherwise.
   */
  public void put(String name, INDArray value) {
    INDArray array = arrays.get(name);
    if (array == null) {
      INDArray copy = Nd4j.createUninitialized(type, value.shape(), 'c');
      arrays.put(name, copy.assign(value));
      return;
    }
    Check.that(
        Arrays.equals(array.shape(), value.shape()),
        "parameter %s has shape %s, got %s",
        name,
        Arrays.toString(array.shape()),
        Arrays.toString(value.shape()));
    array.assign(value);
  }

  /**
   * Makes {@code value} itself the live array of a new name, without a copy; the caller must not
   * close it. Views, other types and other orders are copied and closed, as is the value of a name
   * that exists.
   */
  public void adopt(String name, INDArray value) {
    boolean plain = !value.isView() && value.ordering() == 'c' && value.dataType() == type;
    if (plain && !arrays.containsKey(name)) {
      arrays.put(name, value);
      return;
    }
    put(name, value);
    value.close();
  }

  /** All entries in order of creation; the arrays are live. */
  public Map<String, INDArray> all() {
    return Collections.unmodifiableMap(arrays);
  }

  /** Number of values over all entries. */
  public long count() {
    return arrays.values().stream().mapToLong(INDArray::length).sum();
  }
}
