package io.lapidary.io;

import com.fasterxml.jackson.databind.JsonNode;
import io.lapidary.InputException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/** Finds the weights of a model folder: one file, or shards listed by an index. */
final class CheckpointShards {
  private CheckpointShards() {}

  /** Opens the single file, or every shard of the index; the open file by tensor name. */
  static Map<String, SafetensorsFile> open(Path folder, CheckpointFolder.Layout layout) {
    Path single = folder.resolve(layout.weightsFile());
    Path index = folder.resolve(layout.indexFile());
    Map<String, SafetensorsFile> owners = new LinkedHashMap<>();
    if (Files.exists(single)) { // the Python library looks for it first, too
      SafetensorsFile file = SafetensorsFile.open(single);
      file.names().forEach(name -> owners.put(name, file));
      return owners;
    }
    if (!Files.exists(index)) {
      throw noWeights(folder, layout);
    }
    JsonNode weightMap = Jsons.readObject(index).path("weight_map");
    if (!weightMap.isObject() || weightMap.isEmpty()) {
      throw InputException.of("%s: expected a weight_map from tensor to file name", index);
    }
    Map<String, SafetensorsFile> shards = new LinkedHashMap<>();
    try {
      weightMap
          .fields()
          .forEachRemaining(
              entry -> {
                SafetensorsFile shard = shard(index, entry.getKey(), entry.getValue(), shards);
                owners.put(entry.getKey(), shard);
              });
    } catch (RuntimeException e) {
      shards.values().forEach(SafetensorsFile::close);
      throw e;
    }
    return owners;
  }

  private static SafetensorsFile shard(
      Path index, String tensor, JsonNode value, Map<String, SafetensorsFile> opened) {
    String name = value.asText("");
    if (!value.isTextual() || name.isBlank() || !name.matches("[^./\\\\:\\x00][^/\\\\:\\x00]*")) {
      throw InputException.of(
          "%s: tensor %s: expected the name of a file in the same folder, found %s",
          index, Texts.quote(tensor), StrictBinding.kind(value));
    }
    SafetensorsFile shard = opened.get(name);
    if (shard == null) {
      Path path = index.resolveSibling(name);
      if (!Files.exists(path)) {
        throw InputException.of(
            "%s: shard %s is missing (it holds tensor %s); fetch it",
            index, Texts.quote(name), Texts.quote(tensor));
      }
      shard = SafetensorsFile.open(path);
      opened.put(name, shard);
    }
    if (!shard.names().contains(tensor)) {
      throw InputException.of(
          "%s: tensor %s is missing; %s expects it there",
          shard.file(), Texts.quote(tensor), index.getFileName());
    }
    return shard;
  }

  private static InputException noWeights(Path folder, CheckpointFolder.Layout layout) {
    String[] files = folder.toFile().list((dir, name) -> name.matches(".*\\.(bin|pt|pth|ckpt)"));
    if (files != null && files.length > 0) {
      return InputException.of(
          "%s: only pickled weights (%s), which can run code and are not read; load the model in"
              + " Python and call save_pretrained(folder, safe_serialization=True)",
          folder, Texts.quote(files[0]));
    }
    return InputException.of(
        "%s: expected %s or %s, found neither; fetch the weights",
        folder, layout.weightsFile(), layout.indexFile());
  }
}
