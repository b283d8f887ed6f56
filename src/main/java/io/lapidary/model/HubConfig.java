package io.lapidary.model;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.lapidary.InputException;
import io.lapidary.io.CheckpointFolder;
import java.util.ArrayList;
import java.util.List;

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

  /** The configuration of an open folder. */
  static HubConfig of(CheckpointFolder folder) {
    return new HubConfig(
        folder.config(), folder.folder().resolve(folder.layout().configFile()).toString());
  }

  /** The error for a {@code model_type} that a class does not read. */
  InputException unsupported(String expected, String type) {
    return InputException.of(
        "%s: expected model_type %s, found %s%s",
        where, expected, type.isEmpty() ? "none" : type, ownCode());
  }

  /** A remark for refusals of folders that bring code of their own; empty for others. */
  String ownCode() {
    return has("auto_map") ? "; the code that the folder names (auto_map) is never run" : "";
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

  /** Whether the key is written, be it as null. */
  boolean mentions(String key) {
    return node.has(key);
  }

  /** Whether the value is text. */
  boolean isText(String key) {
    return node.path(key).isTextual();
  }

  /** All keys, in the order of the file. */
  List<String> keys() {
    List<String> keys = new ArrayList<>();
    node.fieldNames().forEachRemaining(keys::add);
    return keys;
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

  boolean flag(String key, boolean otherwise) {
    JsonNode value = node.get(key);
    if (value == null || value.isNull()) {
      return otherwise;
    }
    if (!value.isBoolean()) {
      throw wrong(key, "true or false", value);
    }
    return value.booleanValue();
  }

  /** Whole numbers in a list. */
  List<Integer> integers(String key, List<Integer> otherwise) {
    JsonNode value = node.get(key);
    if (value == null || value.isNull()) {
      return otherwise;
    }
    List<Integer> list = new ArrayList<>();
    for (JsonNode item : value) {
      if (!item.isIntegralNumber() || !item.canConvertToInt()) {
        throw wrong(key, "a list of whole numbers", value);
      }
      list.add(item.intValue());
    }
    if (!value.isArray()) {
      throw wrong(key, "a list of whole numbers", value);
    }
    return list;
  }

  /** Whether {@code key} is there with a value other than null, false, 0, "" or an empty group. */
  boolean set(String key) {
    JsonNode value = node.get(key);
    if (value == null || value.isNull()) {
      return false;
    }
    return switch (value.getNodeType()) {
      case BOOLEAN -> value.booleanValue();
      case NUMBER -> value.doubleValue() != 0;
      case STRING -> !value.textValue().isEmpty();
      default -> !value.isEmpty();
    };
  }

  /** The error for a key whose value stands for something that is not built here. */
  InputException notSupported(String key) {
    return InputException.of("%s: %s %s is not supported", where, key, node.get(key).toString());
  }

  /** A whole number that must be there. */
  int requiredInteger(String key) {
    if (!has(key)) {
      throw InputException.of("%s: %s is missing; it must be a whole number", where, key);
    }
    return integer(key, 0);
  }

  /** One whole number or a list of them; empty when missing or null. */
  List<Integer> integers(String key) {
    JsonNode value = node.get(key);
    if (value == null || value.isNull()) {
      return List.of();
    }
    List<Integer> all = new ArrayList<>();
    for (JsonNode item : value.isArray() ? value : List.of(value)) {
      if (!item.isIntegralNumber() || !item.canConvertToInt()) {
        throw wrong(key, "a whole number or a list of them", value);
      }
      all.add(item.intValue());
    }
    return List.copyOf(all);
  }

  /** A list of numbers; empty when missing or null. */
  List<Double> numbers(String key) {
    JsonNode value = node.get(key);
    if (value == null || value.isNull()) {
      return List.of();
    }
    List<Double> all = new ArrayList<>();
    for (JsonNode item : value) {
      all.add(item.isNumber() ? item.doubleValue() : Double.NaN);
    }
    if (!value.isArray() || all.contains(Double.NaN)) {
      throw wrong(key, "a list of numbers", value);
    }
    return List.copyOf(all);
  }

  /** A list of texts; empty when missing or null. */
  List<String> texts(String key) {
    JsonNode value = node.get(key);
    if (value == null || value.isNull()) {
      return List.of();
    }
    List<String> all = new ArrayList<>();
    for (JsonNode item : value) {
      if (item.isTextual()) {
        all.add(item.textValue());
      }
    }
    if (!value.isArray() || all.size() != value.size()) {
      throw wrong(key, "a list of texts", value);
    }
    return List.copyOf(all);
  }

  /** An error of this file. */
  InputException error(String format, Object... args) {
    return InputException.of("%s: %s", where, String.format(java.util.Locale.ROOT, format, args));
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
