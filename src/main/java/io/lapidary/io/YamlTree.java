package io.lapidary.io;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.lapidary.AtomicFiles;
import io.lapidary.InputException;
import java.io.IOException;
import java.io.Reader;
import java.io.StringReader;
import java.math.BigInteger;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.regex.Pattern;
import org.yaml.snakeyaml.DumperOptions;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;
import org.yaml.snakeyaml.error.MarkedYAMLException;
import org.yaml.snakeyaml.error.YAMLException;
import org.yaml.snakeyaml.nodes.MappingNode;
import org.yaml.snakeyaml.nodes.Node;
import org.yaml.snakeyaml.nodes.NodeTuple;
import org.yaml.snakeyaml.nodes.ScalarNode;
import org.yaml.snakeyaml.nodes.SequenceNode;

/**
 * One YAML document as a tree, with the line of every key. Plain scalars follow YAML 1.2: only
 * {@code true}/{@code false} are truth values, {@code 1e-3} is a number, {@code no} and {@code
 * 1:30} are text. Tags never create objects; size, depth and alias expansion are bounded.
 *
 * @param tree groups, lists and scalars
 * @param where file and line by key path, such as {@code model.layers[2].width}
 */
record YamlTree(JsonNode tree, Map<String, String> where) {
  private static final int LARGEST_FILE = 3_000_000;
  private static final int MOST_NODES = 200_000;
  private static final Pattern INTEGER = Pattern.compile("[-+]?[0-9]+");
  private static final Pattern DECIMAL =
      Pattern.compile("[-+]?(\\.[0-9]+|[0-9]+(\\.[0-9]*)?)([eE][-+]?[0-9]+)?");

  /** Reads a file. */
  static YamlTree read(Path file) {
    try (Reader reader = Jsons.open(file, LARGEST_FILE)) {
      return parse(reader, file.toString());
    } catch (CharacterCodingException e) {
      throw new InputException(file + ": not valid UTF-8 text", e);
    } catch (IOException e) {
      throw new InputException(
          String.format("%s: cannot be read (%s)", file, Texts.line(AtomicFiles.reason(e))), e);
    }
  }

  /** Reads a value from a command line or another short text. */
  static JsonNode value(String text, String source) {
    try {
      return parse(new StringReader(text), source).tree();
    } catch (IOException e) {
      throw new InputException(source + ": " + Texts.line(e.getMessage()), e);
    }
  }

  /** The value of a plain scalar. */
  static JsonNode scalar(String text) {
    JsonNodeFactory nodes = JsonNodeFactory.instance;
    switch (text) {
      case "", "~", "null", "Null", "NULL" -> {
        return nodes.nullNode();
      }
      case "true", "True", "TRUE" -> {
        return nodes.booleanNode(true);
      }
      case "false", "False", "FALSE" -> {
        return nodes.booleanNode(false);
      }
      case ".nan", ".NaN", ".NAN" -> {
        return nodes.numberNode(Double.NaN);
      }
      case ".inf", "+.inf", ".Inf", ".INF" -> {
        return nodes.numberNode(Double.POSITIVE_INFINITY);
      }
      case "-.inf", "-.Inf", "-.INF" -> {
        return nodes.numberNode(Double.NEGATIVE_INFINITY);
      }
      default -> {
        if (text.length() < 100 && INTEGER.matcher(text).matches()) {
          BigInteger value = new BigInteger(text);
          return value.bitLength() < 32
              ? nodes.numberNode(value.intValue())
              : value.bitLength() < 64
                  ? nodes.numberNode(value.longValue())
                  : nodes.numberNode(value);
        }
        if (text.length() < 100 && DECIMAL.matcher(text).matches()) {
          return nodes.numberNode(Double.parseDouble(text));
        }
        return nodes.textNode(text);
      }
    }
  }

  private static YamlTree parse(Reader reader, String source) throws IOException {
    LoaderOptions options = new LoaderOptions();
    options.setCodePointLimit(LARGEST_FILE);
    options.setNestingDepthLimit(50);
    options.setAllowDuplicateKeys(false);
    try {
      Node root = new Yaml(new SafeConstructor(options)).compose(reader);
      Builder builder = new Builder(source);
      JsonNode tree =
          root == null ? JsonNodeFactory.instance.nullNode() : builder.build(root, "", 0);
      return new YamlTree(tree, builder.where);
    } catch (MarkedYAMLException e) {
      int line = e.getProblemMark() == null ? 1 : e.getProblemMark().getLine() + 1;
      throw new InputException(
          String.format("%s, line %d: not valid YAML: %s", source, line, problem(e)), e);
    } catch (YAMLException e) {
      if (e.getCause() instanceof IOException io) {
        throw io;
      }
      throw new InputException(source + ": not valid YAML: " + Texts.line(e.getMessage()), e);
    }
  }

  private static String problem(MarkedYAMLException e) {
    String context = e.getContext() == null ? "" : e.getContext() + ", ";
    return Texts.line(context + e.getProblem());
  }

  private static final class Builder {
    private final String source;
    private final Map<String, String> where = new HashMap<>();
    private int nodes;

    Builder(String source) {
      this.source = source;
    }

    JsonNode build(Node node, String path, int depth) {
      if (++nodes > MOST_NODES || depth > 50) {
        throw InputException.of("%s: too many or too deeply nested values", place(node));
      }
      if (!path.isEmpty()) {
        where.putIfAbsent(path, place(node));
      }
      if (node instanceof MappingNode mapping) {
        return group(mapping, path, depth);
      }
      if (node instanceof SequenceNode sequence) {
        ArrayNode list = JsonNodeFactory.instance.arrayNode();
        for (Node item : sequence.getValue()) {
          list.add(build(item, path + "[" + list.size() + "]", depth + 1));
        }
        return list;
      }
      ScalarNode scalar = (ScalarNode) node;
      return scalar.getScalarStyle() == DumperOptions.ScalarStyle.PLAIN
          ? scalar(scalar.getValue())
          : JsonNodeFactory.instance.textNode(scalar.getValue());
    }

    private ObjectNode group(MappingNode mapping, String path, int depth) {
      ObjectNode group = JsonNodeFactory.instance.objectNode();
      for (NodeTuple tuple : mapping.getValue()) {
        if (!(tuple.getKeyNode() instanceof ScalarNode name)) {
          throw InputException.of(
              "%s: a key must be a word, found a list or group", place(tuple.getKeyNode()));
        }
        String key = name.getValue();
        if (group.has(key)) {
          throw InputException.of("%s: duplicate key %s", place(name), Texts.quote(key));
        }
        String below = path.isEmpty() ? key : path + "." + key;
        where.putIfAbsent(below, place(name));
        group.set(key, build(tuple.getValueNode(), below, depth + 1));
      }
      return group;
    }

    private String place(Node node) {
      return source + ", line " + (node.getStartMark().getLine() + 1);
    }
  }
}
