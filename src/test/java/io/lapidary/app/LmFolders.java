package io.lapidary.app;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Folders of tiny models with a tokenizer of the words w0 to w98. */
final class LmFolders {
  private LmFolders() {}

  /** Copies a golden model to {@code to} and gives it a tokenizer. */
  static Path copy(String golden, Path to) throws IOException {
    Files.createDirectories(to);
    for (String file : new String[] {"config.json", "model.safetensors"}) {
      Files.copy(Path.of("src/test/resources/golden", golden, file), to.resolve(file));
    }
    writeTokenizer(to);
    return to;
  }

  /** Writes {@code tokenizer.json}. */
  static void writeTokenizer(Path folder) throws IOException {
    StringBuilder vocabulary = new StringBuilder();
    for (int i = 0; i < 99; i++) {
      vocabulary.append(i == 0 ? "" : ",").append("\"w").append(i).append("\":").append(i);
    }
    Files.writeString(
        folder.resolve("tokenizer.json"),
        "{\"version\":\"1.0\",\"truncation\":null,\"padding\":null,\"added_tokens\":[],"
            + "\"normalizer\":null,\"pre_tokenizer\":{\"type\":\"WhitespaceSplit\"},"
            + "\"post_processor\":null,\"decoder\":null,\"model\":{\"type\":\"WordLevel\","
            + "\"vocab\":{"
            + vocabulary
            + "},\"unk_token\":\"w0\"}}");
  }
}
