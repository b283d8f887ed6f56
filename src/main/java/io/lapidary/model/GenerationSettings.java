package io.lapidary.model;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.lapidary.io.CheckpointFolder;
import io.lapidary.io.Jsons;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * {@code generation_config.json}, where the Python library keeps what counts while generating: of
 * it the ids that end a text, which stand above those of {@code config.json}. Its defaults for
 * drawing tokens are not taken over.
 */
final class GenerationSettings {
  private static final String FILE = "generation_config.json";
  private static final String END = "eos_token_id";

  private GenerationSettings() {}

  /** The configuration of a folder with the ids that end a text. */
  static ObjectNode over(CheckpointFolder folder) {
    Path file = folder.folder().resolve(FILE);
    ObjectNode config = folder.config();
    if (!Files.isRegularFile(file)) {
      return config;
    }
    List<Integer> ends = new HubConfig(Jsons.readObject(file), file.toString()).integers(END);
    if (ends.isEmpty()) {
      return config;
    }
    ObjectNode copy = config.deepCopy();
    put(copy, ends);
    if (copy.path("text_config") instanceof ObjectNode text) {
      put(text, ends);
    }
    return copy;
  }

  private static void put(ObjectNode config, List<Integer> ends) {
    ArrayNode list = config.putArray(END);
    ends.forEach(list::add);
  }
}
