package io.lapidary.model;

import static org.assertj.core.api.Assertions.assertThat;

import io.lapidary.io.CheckpointFolder;
import io.lapidary.io.Jsons;
import io.lapidary.io.SafetensorsFile;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.nd4j.linalg.api.ndarray.INDArray;

/** A tiny checkpoint with the outputs of the Python library. */
record Golden(Path folder) {
  static Golden of(String family) {
    return new Golden(Path.of("src/test/resources/golden").resolve(family));
  }

  INDArray get(String name) {
    try (SafetensorsFile file = SafetensorsFile.open(folder.resolve("golden.safetensors"))) {
      return file.read(name);
    }
  }

  void assertClose(INDArray actual, String name) {
    assertClose(actual, get(name), tolerance(), name);
  }

  static void assertClose(INDArray actual, INDArray expected, double tolerance, String name) {
    assertThat(actual.shape()).as(name).isEqualTo(expected.shape());
    double largest = actual.sub(expected).amaxNumber().doubleValue();
    assertThat(largest).as(name).isLessThanOrEqualTo(tolerance);
  }

  double tolerance() {
    return Jsons.readObject(folder.resolve("golden.json")).get("tolerance").doubleValue();
  }

  /** Every tensor of two folders under its stored name, as stored: equal names, types, values. */
  static void assertSameTensors(Path actual, Path expected) {
    assertThat(tensors(actual)).isEqualTo(tensors(expected));
  }

  private static Map<String, INDArray> tensors(Path path) {
    Map<String, INDArray> tensors = new LinkedHashMap<>();
    try (CheckpointFolder folder = CheckpointFolder.open(path)) {
      List<String> names = new ArrayList<>(folder.names());
      names.sort(null);
      names.forEach(n -> tensors.put(n, folder.read(n, folder.info(n).dtype().dataType())));
    }
    return tensors;
  }

  /** Writes the folder again with some tensors changed, in shards of {@code shardBytes}. */
  void copyTo(
      Path target,
      java.util.function.Consumer<com.fasterxml.jackson.databind.node.ObjectNode> config,
      java.util.function.Consumer<Map<String, INDArray>> tensors,
      io.lapidary.io.Dtype type,
      long shardBytes) {
    try (CheckpointFolder open = CheckpointFolder.open(folder)) {
      var json = open.config();
      config.accept(json);
      Map<String, INDArray> all = tensors(folder);
      tensors.accept(all);
      CheckpointFolder.save(target, open.layout(), json, all, type, shardBytes);
    }
  }
}
