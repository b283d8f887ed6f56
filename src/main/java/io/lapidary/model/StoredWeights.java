package io.lapidary.model;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.lapidary.engine.Parameters;
import io.lapidary.io.CheckpointFolder;
import io.lapidary.io.Dtype;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The weights of a model and the names under which its folder stores them, which differ from those
 * of the model by a prefix at most.
 */
final class StoredWeights {
  private static final String COUNTER = "num_batches_tracked"; // the one whole number among weights

  private final Parameters parameters;
  private final Map<String, String> storedNames;

  private StoredWeights(Parameters parameters, Map<String, String> storedNames) {
    this.parameters = parameters;
    this.storedNames = storedNames;
  }

  /** Weights of a fresh model, stored under its own names. */
  static StoredWeights of(Parameters parameters, TensorTable table) {
    Map<String, String> names = new LinkedHashMap<>();
    table.needed().keySet().forEach(name -> names.put(name, name));
    return new StoredWeights(parameters, names);
  }

  /**
   * Reads all tensors of the table as FLOAT.
   *
   * @throws io.lapidary.InputException when one is missing, unexpected or of another shape
   */
  static StoredWeights load(CheckpointFolder folder, TensorTable table) {
    Map<String, long[]> expected = table.in(folder);
    Parameters parameters = new Parameters(DataType.FLOAT, 0);
    Map<String, String> names = new LinkedHashMap<>();
    folder.readEach(
        expected,
        DataType.FLOAT,
        table::isUnread,
        (name, array) -> {
          parameters.adopt(name, array);
          names.put(name, folder.resolve(name).orElseThrow());
        });
    return new StoredWeights(parameters, names);
  }

  Parameters parameters() {
    return parameters;
  }

  /** Writes a folder under the stored names. */
  void save(Path folder, ObjectNode config, Dtype type) {
    Map<String, INDArray> arrays = new LinkedHashMap<>();
    storedNames.forEach(
        (name, stored) -> {
          INDArray array = parameters.get(name);
          arrays.put(stored, name.endsWith(COUNTER) ? array.castTo(DataType.LONG) : array);
        });
    config.put("dtype", pythonName(type));
    CheckpointFolder.save(folder, config, arrays, type);
  }

  private static String pythonName(Dtype type) {
    return switch (type) {
      case F16 -> "float16";
      case BF16 -> "bfloat16";
      case F32 -> "float32";
      case F64 -> "float64";
      default -> type.name().toLowerCase(Locale.ROOT);
    };
  }
}
