package io.lapidary.io;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializerProvider;
import com.fasterxml.jackson.databind.cfg.CoercionAction;
import com.fasterxml.jackson.databind.cfg.CoercionInputShape;
import com.fasterxml.jackson.databind.cfg.MapperBuilder;
import com.fasterxml.jackson.databind.exc.InvalidFormatException;
import com.fasterxml.jackson.databind.exc.MismatchedInputException;
import com.fasterxml.jackson.databind.exc.UnrecognizedPropertyException;
import com.fasterxml.jackson.databind.exc.ValueInstantiationException;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.databind.ser.std.StdSerializer;
import com.fasterxml.jackson.databind.type.LogicalType;
import io.lapidary.InputException;
import java.io.IOException;
import java.lang.reflect.RecordComponent;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;

/** Binds a tree to a record without silent conversions; each failure becomes one clear line. */
final class StrictBinding {
  private StrictBinding() {}

  /** Turns on every check; type names in the data are never followed. */
  static <M extends ObjectMapper, B extends MapperBuilder<M, B>> B strict(B builder) {
    SimpleModule paths = new SimpleModule();
    paths.addSerializer(Path.class, new PathAsText());
    return builder
        .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
        .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
        .enable(DeserializationFeature.FAIL_ON_NUMBERS_FOR_ENUMS)
        .enable(DeserializationFeature.WRAP_EXCEPTIONS)
        .disable(DeserializationFeature.ACCEPT_FLOAT_AS_INT)
        .disable(MapperFeature.ALLOW_COERCION_OF_SCALARS)
        .withCoercionConfig(
            LogicalType.Textual,
            text ->
                text.setCoercion(CoercionInputShape.Integer, CoercionAction.Fail)
                    .setCoercion(CoercionInputShape.Float, CoercionAction.Fail)
                    .setCoercion(CoercionInputShape.Boolean, CoercionAction.Fail))
        .addModule(paths);
  }

  /**
   * Reads {@code tree} as a {@code type}.
   *
   * @param where for a key path such as {@code model.width} (empty for the whole), the file and
   *     line it came from
   */
  static <T> T bind(
      ObjectMapper mapper, JsonNode tree, Class<T> type, UnaryOperator<String> where) {
    return bind(mapper, tree, type, "", where);
  }

  /** As above for a tree that stands at {@code prefix} in the file. */
  static <T> T bind(
      ObjectMapper mapper,
      JsonNode tree,
      Class<T> type,
      String prefix,
      UnaryOperator<String> where) {
    try {
      T value = mapper.treeToValue(tree, type);
      if (value == null) {
        throw InputException.of("%s: the file is empty", where.apply(""));
      }
      return value;
    } catch (JsonMappingException e) {
      String stray = stray(e, tree);
      String below = stray == null ? path(e.getPath()) : stray;
      String path = prefix.isEmpty() || below.isEmpty() ? prefix + below : prefix + "." + below;
      String problem = stray == null ? problem(e, tree) : unknown(components(e));
      throw new InputException(
          String.format(
              "%s: %s%s",
              where.apply(path), path.isEmpty() ? "" : Texts.line(path) + ": ", problem),
          e);
    } catch (JsonProcessingException e) {
      throw new InputException(where.apply("") + ": " + Texts.line(e.getOriginalMessage()), e);
    }
  }

  /** A short word for a kind of value. */
  static String kind(JsonNode node) {
    return switch (node.getNodeType()) {
      case OBJECT, POJO -> "a group of keys";
      case ARRAY -> "a list";
      case STRING -> "the text " + Texts.quote(node.asText());
      case NUMBER -> "the number " + Texts.line(node.asText());
      case BOOLEAN -> "the truth value " + node.asText();
      case NULL, MISSING -> "nothing";
      case BINARY -> "bytes";
    };
  }

  private static String problem(JsonMappingException e, JsonNode tree) {
    if (e instanceof UnrecognizedPropertyException unknown) {
      return unknown(
          unknown.getKnownPropertyIds() == null
              ? List.of()
              : unknown.getKnownPropertyIds().stream().map(Object::toString).toList());
    }
    if (e instanceof ValueInstantiationException rejected && rejected.getCause() != null) {
      return Texts.line(rejected.getCause().getMessage());
    }
    JsonNode found = at(tree, e.getPath());
    if (e instanceof InvalidFormatException format && format.getTargetType().isEnum()) {
      String allowed =
          Arrays.stream(format.getTargetType().getEnumConstants())
              .map(Object::toString)
              .collect(Collectors.joining(", "));
      return "expected one of " + allowed + ", found " + kind(found);
    }
    if (found.isMissingNode() && e.getPath().size() > 0) {
      return "a value is missing" + wanted(e);
    }
    if (e instanceof MismatchedInputException mismatch && mismatch.getTargetType() != null) {
      return "expected " + name(mismatch.getTargetType()) + ", found " + kind(found);
    }
    if (e.getCause() instanceof IllegalArgumentException rejected) {
      return Texts.line(rejected.getMessage());
    }
    String reason = Texts.line(e.getOriginalMessage());
    return "found " + kind(found) + ", which does not fit (" + reason + ")";
  }

  private static String unknown(List<String> known) {
    String names = Texts.some(known.stream().sorted().toList(), 30).replace("'", "");
    return "unknown key; known here: " + names;
  }

  /**
   * The path of an unknown key beside a missing one, or null: Jackson reports the missing key
   * first, but a misspelt name is the likelier cause.
   */
  private static String stray(JsonMappingException e, JsonNode tree) {
    List<String> known = components(e);
    if (known.isEmpty() || !at(tree, e.getPath()).isMissingNode()) {
      return null;
    }
    List<JsonMappingException.Reference> above = e.getPath().subList(0, e.getPath().size() - 1);
    for (Iterator<String> keys = at(tree, above).fieldNames(); keys.hasNext(); ) {
      String key = keys.next();
      if (!known.contains(key)) {
        return above.isEmpty() ? key : path(above) + "." + key;
      }
    }
    return null;
  }

  /** Names of the components of the record in which the error arose. */
  private static List<String> components(JsonMappingException e) {
    int size = e.getPath().size();
    return size > 0 && e.getPath().get(size - 1).getFrom() instanceof Class<?> c && c.isRecord()
        ? Arrays.stream(c.getRecordComponents()).map(RecordComponent::getName).toList()
        : List.of();
  }

  private static String wanted(JsonMappingException e) {
    return e instanceof MismatchedInputException mismatch && mismatch.getTargetType() != null
        ? ": expected " + name(mismatch.getTargetType())
        : "";
  }

  private static String name(Class<?> type) {
    if (type == int.class || type == long.class || type == Integer.class || type == Long.class) {
      return "a whole number";
    }
    if (Number.class.isAssignableFrom(type) || type == double.class || type == float.class) {
      return "a number";
    }
    if (type == boolean.class || type == Boolean.class) {
      return "true or false";
    }
    if (type == String.class || type == Path.class) {
      return "text";
    }
    if (type.isArray() || Iterable.class.isAssignableFrom(type)) {
      return "a list";
    }
    return type.isEnum()
        ? "one of " + Arrays.toString(type.getEnumConstants())
        : "a group of keys (" + type.getSimpleName().toLowerCase(Locale.ROOT) + ")";
  }

  private static String path(List<JsonMappingException.Reference> references) {
    StringBuilder path = new StringBuilder();
    for (JsonMappingException.Reference reference : references) {
      if (reference.getFieldName() == null) {
        path.append('[').append(reference.getIndex()).append(']');
      } else {
        path.append(path.isEmpty() ? "" : ".").append(reference.getFieldName());
      }
    }
    return path.toString();
  }

  private static JsonNode at(JsonNode tree, List<JsonMappingException.Reference> references) {
    JsonNode node = tree;
    for (JsonMappingException.Reference reference : references) {
      node =
          reference.getFieldName() == null
              ? node.path(reference.getIndex())
              : node.path(reference.getFieldName());
    }
    return node;
  }

  /** Paths as they were given; Jackson's own form is an absolute URI. */
  private static final class PathAsText extends StdSerializer<Path> {
    private static final long serialVersionUID = 1L;

    PathAsText() {
      super(Path.class);
    }

    @Override
    public void serialize(Path value, JsonGenerator json, SerializerProvider provider)
        throws IOException {
      json.writeString(value.toString());
    }
  }
}
