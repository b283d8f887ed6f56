package io.lapidary.report;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.JsonSerializer;
import com.fasterxml.jackson.databind.SerializerProvider;
import com.fasterxml.jackson.databind.deser.std.StdDeserializer;
import com.fasterxml.jackson.databind.exc.InvalidFormatException;
import com.fasterxml.jackson.databind.exc.MismatchedInputException;
import com.fasterxml.jackson.databind.module.SimpleModule;
import io.lapidary.metric.Interval;
import io.lapidary.metric.MetricValue;
import java.io.IOException;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.Set;

/**
 * How results look in JSON where records do not say it: intervals as {@code [low, high]} with null
 * for an infinite end, numbers that are not finite as null, times as ISO-8601.
 */
final class ResultModule extends SimpleModule {
  private static final long serialVersionUID = 1L;

  ResultModule() {
    super("lapidary-results");
    addSerializer(Double.class, new NumberWriter());
    addSerializer(double.class, new NumberWriter());
    addDeserializer(Double.class, new NumberReader());
    addDeserializer(double.class, new NumberReader());
    addSerializer(Interval.class, new IntervalWriter());
    addDeserializer(Interval.class, new IntervalReader());
    addSerializer(MetricValue.class, new MetricWriter());
    addDeserializer(MetricValue.class, new MetricReader());
    addSerializer(Instant.class, new InstantWriter());
    addDeserializer(Instant.class, new InstantReader());
  }

  private static final class NumberWriter extends JsonSerializer<Double> {
    @Override
    public void serialize(Double value, JsonGenerator json, SerializerProvider provider)
        throws IOException {
      number(json, value);
    }
  }

  private static void number(JsonGenerator json, double value) throws IOException {
    if (!Double.isFinite(value)) {
      json.writeNull();
    } else if (value == Math.rint(value) && Math.abs(value) < 1e15) {
      json.writeNumber((long) value);
    } else {
      json.writeNumber(value);
    }
  }

  private static final class NumberReader extends StdDeserializer<Double> {
    private static final long serialVersionUID = 1L;

    NumberReader() {
      super(Double.class);
    }

    @Override
    public Double deserialize(JsonParser json, DeserializationContext context) throws IOException {
      if (!json.currentToken().isNumeric()) {
        throw MismatchedInputException.from(
            json, Double.class, "expected a number, found " + shown(json));
      }
      double value = json.getDoubleValue();
      if (!Double.isFinite(value)) {
        throw MismatchedInputException.from(
            json, Double.class, "number out of range: " + shown(json));
      }
      return value;
    }

    @Override
    public Double getNullValue(DeserializationContext context) {
      return Double.NaN;
    }
  }

  private static String shown(JsonParser json) throws IOException {
    String text = json.getText();
    return text == null || text.length() > 40 ? json.currentToken().toString() : "'" + text + "'";
  }

  private static final class IntervalWriter extends JsonSerializer<Interval> {
    @Override
    public void serialize(Interval value, JsonGenerator json, SerializerProvider provider)
        throws IOException {
      json.writeStartArray();
      number(json, value.low());
      number(json, value.high());
      json.writeEndArray();
    }
  }

  private static final class IntervalReader extends StdDeserializer<Interval> {
    private static final long serialVersionUID = 1L;

    IntervalReader() {
      super(Interval.class);
    }

    @Override
    public Interval deserialize(JsonParser json, DeserializationContext context)
        throws IOException {
      JsonNode node = context.readTree(json);
      if (!node.isArray() || node.size() != 2) {
        throw MismatchedInputException.from(
            json, Interval.class, "expected an interval [low, high]");
      }
      return new Interval(
          end(json, node.get(0), Double.NEGATIVE_INFINITY),
          end(json, node.get(1), Double.POSITIVE_INFINITY));
    }

    private static double end(JsonParser json, JsonNode node, double infinite) throws IOException {
      if (!node.isNull() && !node.isNumber()) {
        throw MismatchedInputException.from(
            json, Interval.class, "expected an interval [low, high] of numbers");
      }
      return node.isNull() ? infinite : node.doubleValue();
    }
  }

  private static final class MetricWriter extends JsonSerializer<MetricValue> {
    @Override
    public void serialize(MetricValue metric, JsonGenerator json, SerializerProvider provider)
        throws IOException {
      json.writeStartObject();
      json.writeStringField("name", metric.name());
      json.writeFieldName("value");
      number(json, metric.value());
      json.writeStringField("unit", metric.unit());
      json.writeNumberField("count", metric.count());
      if (!Double.isFinite(metric.value())) {
        json.writeStringField("note", Double.toString(metric.value()));
      }
      json.writeEndObject();
    }
  }

  private static final class MetricReader extends StdDeserializer<MetricValue> {
    private static final long serialVersionUID = 1L;
    private static final Set<String> KEYS = Set.of("name", "value", "unit", "count", "note");

    MetricReader() {
      super(MetricValue.class);
    }

    @Override
    public MetricValue deserialize(JsonParser json, DeserializationContext context)
        throws IOException {
      JsonNode node = context.readTree(json);
      for (String key : (Iterable<String>) node::fieldNames) {
        if (!KEYS.contains(key)) {
          throw problem(json, "unknown key '" + key + "' in a metric");
        }
      }
      if (!node.path("name").isTextual()
          || !node.path("unit").isTextual()
          || !node.path("count").isIntegralNumber()
          || !(node.path("value").isNumber() || node.path("value").isNull())) {
        throw problem(json, "a metric needs name, value, unit and count, found " + node);
      }
      double value =
          node.get("value").isNull() ? notFinite(json, node) : node.get("value").asDouble();
      return new MetricValue(
          node.get("name").textValue(),
          value,
          node.get("unit").textValue(),
          node.get("count").longValue());
    }

    private static double notFinite(JsonParser json, JsonNode node) throws IOException {
      return switch (node.path("note").asText("NaN")) {
        case "NaN" -> Double.NaN;
        case "Infinity" -> Double.POSITIVE_INFINITY;
        case "-Infinity" -> Double.NEGATIVE_INFINITY;
        default -> throw problem(json, "the note of a metric must be NaN, Infinity or -Infinity");
      };
    }

    private static MismatchedInputException problem(JsonParser json, String message) {
      return MismatchedInputException.from(json, MetricValue.class, message);
    }
  }

  private static final class InstantWriter extends JsonSerializer<Instant> {
    @Override
    public void serialize(Instant value, JsonGenerator json, SerializerProvider provider)
        throws IOException {
      json.writeString(value.toString());
    }
  }

  private static final class InstantReader extends StdDeserializer<Instant> {
    private static final long serialVersionUID = 1L;

    InstantReader() {
      super(Instant.class);
    }

    @Override
    public Instant deserialize(JsonParser json, DeserializationContext context) throws IOException {
      try {
        if (json.currentToken() == JsonToken.VALUE_STRING) {
          return Instant.parse(json.getText());
        }
      } catch (DateTimeException e) {
        throw InvalidFormatException.from(
            json, "expected a time as 2024-05-01T12:00:00Z, found " + shown(json), e);
      }
      throw MismatchedInputException.from(
          json, Instant.class, "expected a time as 2024-05-01T12:00:00Z");
    }
  }
}
