package io.lapidary.io;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.lapidary.AtomicFiles;
import io.lapidary.InputException;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * JSON files, strictly: UTF-8, no duplicate keys, nothing after the value, bounded size; into
 * records no unknown keys, no missing primitives and no silent conversions. Written files are
 * indented and replaced in one step.
 */
public final class Jsons {
  private static final long LARGEST_FILE = 16L << 20;

  private static final JsonMapper MAPPER =
      StrictBinding.strict(
              JsonMapper.builder()
                  .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                  .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
                  .enable(SerializationFeature.INDENT_OUTPUT))
          .build();

  static {
    MAPPER
        .getFactory()
        .setStreamReadConstraints(StreamReadConstraints.builder().maxNestingDepth(100).build());
  }

  private Jsons() {}

  /** An empty object to fill. */
  public static ObjectNode object() {
    return MAPPER.createObjectNode();
  }

  /**
   * Reads a file that holds one JSON object.
   *
   * @throws InputException when it is missing, too large, not JSON, or another kind of value
   */
  public static ObjectNode readObject(Path file) {
    JsonNode tree = tree(file);
    if (tree instanceof ObjectNode object) {
      return object;
    }
    throw InputException.of("%s: expected a JSON object, found %s", file, StrictBinding.kind(tree));
  }

  /**
   * Reads a file that holds one JSON array.
   *
   * @throws InputException when it is missing, too large, not JSON, or another kind of value
   */
  public static ArrayNode readArray(Path file) {
    JsonNode tree = tree(file);
    if (tree instanceof ArrayNode array) {
      return array;
    }
    throw InputException.of("%s: expected a JSON array, found %s", file, StrictBinding.kind(tree));
  }

  /**
   * Reads a file into a record or another plain type.
   *
   * @throws InputException also for unknown keys, wrong types, missing values and values that the
   *     record rejects
   */
  public static <T> T read(Path file, Class<T> type) {
    return StrictBinding.bind(MAPPER, tree(file), type, path -> file.toString());
  }

  /** The value as a tree: records, maps, lists, numbers, text. */
  public static JsonNode toTree(Object value) {
    return MAPPER.valueToTree(value);
  }

  /** The value as indented text that ends with a line break. */
  public static String toText(Object value) {
    try {
      return MAPPER.writeValueAsString(value) + "\n";
    } catch (JsonProcessingException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Writes the value as {@link #toText}, in one step. */
  public static void write(Path file, Object value) {
    AtomicFiles.writeText(file, toText(value));
  }

  private static JsonNode tree(Path file) {
    try (Reader reader = open(file, LARGEST_FILE)) {
      return MAPPER.readTree(reader);
    } catch (JsonProcessingException e) {
      throw new InputException(
          String.format(
              "%s%s: not valid JSON: %s",
              file,
              e.getLocation() == null ? "" : ", line " + e.getLocation().getLineNr(),
              Texts.line(e.getOriginalMessage())),
          e);
    } catch (CharacterCodingException e) {
      throw new InputException(file + ": not valid UTF-8 text", e);
    } catch (IOException e) {
      throw new InputException(
          String.format("%s: cannot be read (%s)", file, Texts.line(AtomicFiles.reason(e))), e);
    }
  }

  /** Opens a text file of bounded size; bytes that are not UTF-8 fail on reading. */
  static Reader open(Path file, long largest) throws IOException {
    if (!Files.isRegularFile(file)) {
      throw InputException.of(
          "%s: expected a file, found %s",
          file, Files.exists(file) ? "something that is not a file" : "nothing of that name");
    }
    if (Files.size(file) > largest) {
      throw InputException.of(
          "%s: larger than %d bytes, which no file of this kind is", file, largest);
    }
    InputStream bytes = Files.newInputStream(file);
    return new InputStreamReader(bytes, StandardCharsets.UTF_8.newDecoder());
  }
}
