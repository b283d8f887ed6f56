package io.lapidary.data;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import io.lapidary.AtomicFiles;
import io.lapidary.InputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;

/**
 * Checksums recorded at the first fetch of files whose publisher gives none; later fetches must
 * match. A JSON object from {@code data set/file} to SHA-256.
 */
final class ChecksumLock {
  private static final ObjectMapper JSON =
      new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

  private final Path file;

  ChecksumLock(Path file) {
    this.file = file;
  }

  /** The recorded checksum, or an empty text. */
  String get(String key) {
    return read().getOrDefault(key, "");
  }

  void put(String key, String sha256) {
    Map<String, String> all = read();
    all.put(key, sha256);
    try {
      AtomicFiles.writeText(file, JSON.writeValueAsString(all) + "\n");
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a map of texts always has a JSON form", e);
    }
  }

  private Map<String, String> read() {
    if (!Files.exists(file)) {
      return new TreeMap<>();
    }
    try {
      Map<String, String> all = JSON.readValue(file.toFile(), new TypeReference<>() {});
      Map<String, String> checked = new TreeMap<>(all);
      checked.forEach(
          (key, sha256) -> {
            if (sha256 == null || !sha256.matches("[0-9a-f]{64}")) {
              throw InputException.of(
                  "%s: '%s' has no SHA-256; remove that line to record it anew", file, key);
            }
          });
      return checked;
    } catch (JsonProcessingException | NullPointerException e) {
      throw new InputException(
          String.format("%s: not a JSON object of checksums; remove it to record anew", file), e);
    } catch (IOException e) {
      throw Hashes.unreadable(file, e);
    }
  }
}
