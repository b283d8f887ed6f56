package io.lapidary.app;

import io.lapidary.InputException;
import io.lapidary.io.SafetensorsFile;
import java.nio.file.Path;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** A safetensors file with a tensor {@code activations} [rows, width] of F32, F16 or BF16. */
final class ActivationFile {
  private static final String TENSOR = "activations";

  private ActivationFile() {}

  /** All rows as FLOAT; the caller closes them. */
  static INDArray read(Path file) {
    try (SafetensorsFile source = SafetensorsFile.open(file)) {
      long[] shape = source.info(TENSOR).shape();
      if (shape.length != 2 || shape[0] == 0 || shape[1] == 0) {
        throw InputException.of(
            "%s: tensor '%s' must have shape [rows, width] with at least one row, got %s",
            file, TENSOR, java.util.Arrays.toString(shape));
      }
      return source.read(TENSOR, DataType.FLOAT);
    }
  }
}
