package io.lapidary.io;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.fasterxml.jackson.dataformat.yaml.YAMLGenerator;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import com.fasterxml.jackson.dataformat.yaml.util.StringQuotingChecker;
import io.lapidary.AtomicFiles;
import io.lapidary.InputException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;

/**
 * Configuration files in YAML (or JSON), read strictly into records.
 *
 * <ul>
 *   <li>{@code extends: base.yaml}, relative to the file that says so, is read first; groups are
 *       merged key by key, everything else is replaced.
 *   <li>Overrides such as {@code train.batchSize=32} come last; their value is YAML.
 *   <li>Unknown and duplicate keys, wrong types, missing primitives and whatever the record's
 *       constructor rejects with an IllegalArgumentException are errors that name file, line and
 *       key. A missing key of any other type reaches the constructor as null, where it can be given
 *       its default.
 * </ul>
 */
public final class ConfigFiles {
  private static final String EXTENDS = "extends";
  private static final int LONGEST_CHAIN = 20;

  private static final YAMLMapper MAPPER =
      StrictBinding.strict(
              YAMLMapper.builder(
                  YAMLFactory.builder()
                      .disable(YAMLGenerator.Feature.WRITE_DOC_START_MARKER)
                      .disable(YAMLGenerator.Feature.SPLIT_LINES)
                      .enable(YAMLGenerator.Feature.MINIMIZE_QUOTES)
                      .stringQuotingChecker(new QuoteWhatReadsDifferently())
                      .build()))
          .build();

  private ConfigFiles() {}

  /** Reads a file without overrides. */
  public static <T> T load(Path file, Class<T> type) {
    return load(file, Map.of(), type);
  }

  /**
   * Reads a file, what it extends, and the overrides.
   *
   * @param overrides value by key path, such as {@code model.width} to {@code 128}
   * @param type a record, or another type Jackson can make
   * @throws InputException one line with the place and the problem
   */
  public static <T> T load(Path file, Map<String, String> overrides, Class<T> type) {
    Resolved resolved = resolve(file, overrides);
    return StrictBinding.bind(MAPPER, resolved.tree, type, path -> resolved.place(file, path));
  }

  /**
   * Reads one group of a file as a record of its own; the other keys are left to another call.
   *
   * @param group a key at the top of the file; an absent one counts as a group without keys
   * @throws InputException as {@link #load}, with key paths from the top of the file
   */
  public static <T> T loadGroup(
      Path file, Map<String, String> overrides, String group, Class<T> type) {
    Resolved resolved = resolve(file, overrides);
    JsonNode tree = resolved.tree.get(group);
    return StrictBinding.bind(
        MAPPER,
        tree == null || tree.isNull() ? MAPPER.createObjectNode() : tree,
        type,
        group,
        path -> resolved.place(file, path));
  }

  /**
   * The merged tree of a file, what it extends, and the overrides, before any record sees it.
   *
   * @throws InputException as {@link #load}, for the files only
   */
  public static ObjectNode tree(Path file, Map<String, String> overrides) {
    return resolve(file, overrides).tree;
  }

  /**
   * Reads a tree as a record.
   *
   * @param source what to call the tree in messages, such as a file name
   */
  public static <T> T bind(JsonNode tree, String source, Class<T> type) {
    return StrictBinding.bind(MAPPER, tree, type, path -> source);
  }

  /** The value as YAML that {@link #load} reads back as an equal value. */
  public static String toYaml(Object value) {
    try {
      return MAPPER.writeValueAsString(value);
    } catch (JsonProcessingException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Writes the value as YAML in one step. */
  public static void write(Path file, Object value) {
    AtomicFiles.writeText(file, toYaml(value));
  }

  private static Resolved resolve(Path file, Map<String, String> overrides) {
    Resolved resolved = new Resolved(MAPPER.createObjectNode(), new HashMap<>());
    addFile(resolved, file, new LinkedHashSet<>());
    overrides.forEach((path, value) -> override(resolved, path, value));
    return resolved;
  }

  private static void addFile(Resolved resolved, Path file, Set<Path> chain) {
    if (!chain.add(file.toAbsolutePath().normalize()) || chain.size() > LONGEST_CHAIN) {
      throw InputException.of(
          "%s: extends itself through %d files; take out one 'extends'", file, chain.size());
    }
    YamlTree yaml = YamlTree.read(file);
    if (yaml.tree().isNull()) {
      return; // an empty file, or comments only
    }
    if (!(yaml.tree() instanceof ObjectNode tree)) {
      throw InputException.of(
          "%s: expected keys and values, found %s", file, StrictBinding.kind(yaml.tree()));
    }
    JsonNode base = tree.remove(EXTENDS);
    if (base != null) {
      if (!base.isTextual() || base.asText().isBlank()) {
        throw InputException.of(
            "%s: %s: expected the name of one file, found %s",
            yaml.where().get(EXTENDS), EXTENDS, StrictBinding.kind(base));
      }
      addFile(resolved, sibling(file, base.asText(), yaml.where().get(EXTENDS)), chain);
    }
    merge(resolved.tree, tree);
    resolved.where.putAll(yaml.where());
  }

  private static Path sibling(Path file, String name, String place) {
    try {
      return file.resolveSibling(name);
    } catch (java.nio.file.InvalidPathException e) {
      throw new InputException(place + ": " + Texts.quote(name) + " is not a file name", e);
    }
  }

  private static void merge(ObjectNode into, ObjectNode from) {
    for (Iterator<Map.Entry<String, JsonNode>> fields = from.fields(); fields.hasNext(); ) {
      Map.Entry<String, JsonNode> field = fields.next();
      if (field.getValue() instanceof ObjectNode group
          && into.get(field.getKey()) instanceof ObjectNode old) {
        merge(old, group);
      } else {
        into.set(field.getKey(), field.getValue());
      }
    }
  }

  private static void override(Resolved resolved, String path, String text) {
    String source = "--set " + Texts.line(path + "=" + text);
    String[] keys = path.split("\\.", -1);
    ObjectNode group = resolved.tree;
    for (int i = 0; i < keys.length - 1; i++) {
      JsonNode below = group.get(keys[i]);
      if (below == null || below.isNull()) {
        below = group.putObject(keys[i]);
      } else if (!below.isObject()) {
        throw InputException.of(
            "%s: %s is %s, not a group of keys; set it as a whole",
            source, Texts.quote(keys[i]), StrictBinding.kind(below));
      }
      group = (ObjectNode) below;
    }
    String last = keys[keys.length - 1];
    if (last.isBlank()) {
      throw InputException.of("%s: expected key=value, such as --set train.epochs=3", source);
    }
    JsonNode value = YamlTree.value(text, source);
    if (value instanceof ObjectNode some && group.get(last) instanceof ObjectNode old) {
      merge(old, some);
    } else {
      group.set(last, value);
    }
    resolved.where.keySet().removeIf(key -> below(key, path));
    resolved.where.put(path, source);
  }

  private static boolean below(String key, String path) {
    return key.startsWith(path)
        && (key.length() == path.length() || ".[".indexOf(key.charAt(path.length())) >= 0);
  }

  /** A merged tree and the place of each of its keys. */
  private record Resolved(ObjectNode tree, Map<String, String> where) {

    /** The place of the key, else of the nearest key above it, else the file. */
    String place(Path file, String path) {
      for (String at = path; !at.isEmpty(); at = parent(at)) {
        if (where.containsKey(at)) {
          return where.get(at);
        }
      }
      return file.toString();
    }

    private static String parent(String path) {
      return path.substring(0, Math.max(0, Math.max(path.lastIndexOf('.'), path.lastIndexOf('['))));
    }
  }

  /** Keeps text text: {@code "1e-3"} stays quoted. */
  private static final class QuoteWhatReadsDifferently extends StringQuotingChecker {
    private static final long serialVersionUID = 1L;
    private final StringQuotingChecker usual = new StringQuotingChecker.Default();

    @Override
    public boolean needToQuoteName(String name) {
      return usual.needToQuoteName(name);
    }

    @Override
    public boolean needToQuoteValue(String value) {
      return usual.needToQuoteValue(value)
          || !value.equals(value.strip())
          || !YamlTree.scalar(value).isTextual();
    }
  }
}
