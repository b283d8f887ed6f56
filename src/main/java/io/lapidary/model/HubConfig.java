package io.lapidary.model;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.lapidary.InputException;

/**
 * Typed reading of a Hugging Face {@code config.json}. Such files leave out defaults and hold many
 * keys of other libraries, so a missing key gives its default and an unknown one is ignored; a
 * value of a wrong kind is an {@link InputException} that names file and key.
 */
final class HubConfig {
  private final ObjectNode node;
  private final String where;

  /**
   * Reads {@code node}.
   *
   * @param where file and key path, for messages
   */
  HubConfig(ObjectNode node, String where) {
    this.node = node;
    this.where = where;
  }

  /** The object under {@code key}, empty when missing or null. */
  HubConfig group(String key) {
    JsonNode value = node.get(key);
    if (value != null && !value.isNull() && !value.isObject()) {
      throw wrong(key, "a group of keys", value);
    }
    ObjectNode group = value instanceof ObjectNode object ? object : node.objectNode();
    return new HubConfig(group, where + ": " + key);
  }

  /** This group, with the keys of {@code other} in place of its own. */
  HubConfig overriddenBy(HubConfig other) {
    ObjectNode merged = node.deepCopy();
    other.node.fields().forEachRemaining(e -> merged.set(e.getKey(), e.getValue()));
    return new HubConfig(merged, where);
  }

  boolean has(String key) {
    return node.hasNonNull(key);
  }

  int integer(String key, int otherwise) {
    JsonNode value = node.get(key);
    if (value == null || value.isNull()) {
      return otherwise;
    }
    if (!value.isIntegralNumber() || !value.canConvertToInt()) {
      throw wrong(key, "a whole number", value);
    }
    return value.intValue();
  }

  double number(String key, double otherwise) {
    JsonNode value = node.get(key);
    if (value == null || value.isNull()) {
      return otherwise;
    }
    if (!value.isNumber()) {
      throw wrong(key, "a number", value);
    }
    return value.doubleValue();
  }

  String text(String key, String otherwise) {
    JsonNode value = node.get(key);
    if (value == null || value.isNull()) {
      return otherwise;
    }
    if (!value.isTextual()) {
      throw wrong(key, "text", value);
    }
    return value.textValue();
  }

  /** Runs {@code make}, so that a value which a record rejects is reported with the file. */
  <T> T build(java.util.function.Supplier<T> make) {
    try {
      return make.get();
    } catch (IllegalArgumentException e) {
      throw new InputException(where + ": " + e.getMessage(), e);
    }
  }

  private InputException wrong(String key, String expected, JsonNode found) {
    String shown = found.toString();
    return InputException.of(
        "%s: %s must be %s, found %s",
        where, key, expected, shown.length() > 40 ? shown.substring(0, 40) + "…" : shown);
  }
}
