package io.lapidary.report;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.cfg.CoercionAction;
import com.fasterxml.jackson.databind.cfg.CoercionInputShape;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.type.LogicalType;
import io.lapidary.AtomicFiles;
import io.lapidary.InputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * Result files: JSON with a fixed order of keys, written in one step and read strictly. A number
 * that is not finite is written as null with a note beside it.
 */
public final class ResultFiles {
  private static final long LARGEST = 256L << 20;
  private static final ObjectMapper JSON =
      JsonMapper.builder()
          .addModule(new ResultModule())
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .enable(DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES)
          .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
          .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
          .enable(DeserializationFeature.FAIL_ON_NUMBERS_FOR_ENUMS)
          .disable(DeserializationFeature.ACCEPT_FLOAT_AS_INT)
          .disable(MapperFeature.ALLOW_COERCION_OF_SCALARS)
          .withCoercionConfig(
              LogicalType.Textual,
              config ->
                  config
                      .setCoercion(CoercionInputShape.Integer, CoercionAction.Fail)
                      .setCoercion(CoercionInputShape.Float, CoercionAction.Fail)
                      .setCoercion(CoercionInputShape.Boolean, CoercionAction.Fail))
          .build();

  private ResultFiles() {}

  /** {@code <experiments>/<experiment>/results/<scale>.json}. */
  public static Path path(Path experiments, String experiment, String scale) {
    return experiments.resolve(experiment).resolve("results").resolve(scale + ".json");
  }

  /**
   * Writes a result below the experiments folder in one step and returns its file.
   *
   * @throws InputException when the folder cannot be written
   */
  public static Path write(Path experiments, Result result) {
    Path file = path(experiments, result.experiment(), result.scale());
    AtomicFiles.writeText(file, toJson(result));
    return file;
  }

  /** The text of a result file: indented, lines end in {@code \n}. */
  public static String toJson(Result result) {
    DefaultIndenter indenter = new DefaultIndenter("  ", "\n");
    DefaultPrettyPrinter printer = new DefaultPrettyPrinter().withObjectIndenter(indenter);
    try {
      return JSON.writer(printer).writeValueAsString(result) + "\n";
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("result cannot be written as JSON: " + e.getMessage(), e);
    }
  }

  /** The configuration record as plain JSON values, for {@link Provenance#config}. */
  @SuppressWarnings("unchecked")
  public static Map<String, Object> configOf(Record config) {
    return JSON.convertValue(config, Map.class);
  }

  /**
   * Reads a result file.
   *
   * @throws InputException when the file is missing, is not JSON, lacks or repeats a key, has an
   *     unknown one, or holds values that contradict each other
   */
  public static Result read(Path file) {
    try {
      if (Files.isRegularFile(file) && Files.size(file) > LARGEST) {
        throw InputException.of(
            "%s: %d bytes is too large for a result file; run the experiment again",
            file, Files.size(file));
      }
      return parse(file.toString(), Files.readString(file));
    } catch (java.nio.charset.CharacterCodingException e) {
      throw new InputException(
          file + ": not UTF-8 text, expected a result file; run the experiment again", e);
    } catch (IOException e) {
      throw new InputException(
          String.format(
              "%s: cannot be read (%s); run the experiment first", file, AtomicFiles.reason(e)),
          e);
    }
  }

  /** Every result file {@code <experiments>/*}{@code /results/*.json}, read, in order of path. */
  public static List<Result> readAll(Path experiments) {
    List<Result> results = new ArrayList<>();
    for (Path file : list(experiments)) {
      results.add(read(file));
    }
    return results;
  }

  /** Every {@code <experiments>/*}{@code /results/*.json}, sorted; empty without such a folder. */
  public static List<Path> list(Path experiments) {
    List<Path> files = new ArrayList<>();
    for (Path experiment : children(experiments)) {
      for (Path file : children(experiment.resolve("results"))) {
        String name = file.getFileName().toString();
        if (name.endsWith(".json") && !name.startsWith(".")) {
          files.add(file);
        }
      }
    }
    return files;
  }

  static Result parse(String where, String text) {
    try {
      Result result = JSON.readValue(text, Result.class);
      if (result == null) {
        throw InputException.of(
            "%s: holds null, expected a result; run the experiment again", where);
      }
      return result;
    } catch (JsonProcessingException e) {
      throw new InputException(
          String.format("%s: %s; run the experiment again", where, reason(e)), e);
    }
  }

  private static String reason(JsonProcessingException e) {
    StringBuilder text = new StringBuilder();
    if (e.getLocation() != null && e.getLocation().getLineNr() > 0) {
      text.append("line ").append(e.getLocation().getLineNr()).append(": ");
    }
    if (e instanceof JsonMappingException mapping && !mapping.getPath().isEmpty()) {
      for (JsonMappingException.Reference step : mapping.getPath()) {
        if (step.getFieldName() == null) {
          text.append('[').append(step.getIndex()).append(']');
        } else {
          text.append(text.toString().matches("(line \\d+: )?") ? "" : ".")
              .append(step.getFieldName());
        }
      }
      text.append(": ");
    }
    Throwable cause = e;
    while (cause.getCause() != null && !(cause instanceof IllegalArgumentException)) {
      cause = cause.getCause();
    }
    String message =
        cause instanceof IllegalArgumentException
            ? cause.getMessage()
            : cause instanceof NullPointerException
                ? "null where a value is needed"
                : e.getOriginalMessage();
    return text.append(String.valueOf(message).lines().findFirst().orElse("malformed")).toString();
  }

  private static List<Path> children(Path folder) {
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    try (Stream<Path> paths = Files.list(folder)) {
      return paths.sorted().toList();
    } catch (IOException e) {
      throw new InputException(
          String.format("%s: cannot be listed (%s)", folder, AtomicFiles.reason(e)), e);
    }
  }

  static ObjectMapper mapper() {
    return JSON;
  }
}
