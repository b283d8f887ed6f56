package io.lapidary.model;

import com.fasterxml.jackson.databind.JsonNode;
import io.lapidary.Check;
import io.lapidary.InputException;
import io.lapidary.io.Jsons;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * How a sentence encoder makes one vector of a text.
 *
 * @param pooling of the token states
 * @param unitLength whether vectors are scaled to unit length, so that the dot product of two is
 *     their cosine
 * @param lowerCase whether texts are put into lower case first
 * @param longest number of ids to which texts are cut
 */
public record SentenceSettings(
    TextPooling pooling, boolean unitLength, boolean lowerCase, int longest) {
  private static final String POOLING = "1_Pooling";

  /** Checks the fields. */
  public SentenceSettings {
    Check.present("pooling", pooling);
    Check.positive("longest", longest);
  }

  /** The mean at unit length. */
  public static SentenceSettings mean(int longest) {
    return new SentenceSettings(TextPooling.MEAN, true, false, longest);
  }

  /**
   * Reads the files that the sentence-transformers library puts beside a model: {@code
   * modules.json}, the pooling's {@code config.json} and {@code sentence_bert_config.json}. Without
   * {@code modules.json} vectors have unit length; without a pooling they are means; where no
   * length is named, the {@code model_max_length} of {@code tokenizer_config.json} counts.
   *
   * @param longest of the model
   * @throws InputException when a part of the model is not built here
   */
  static SentenceSettings read(Path folder, int longest) {
    boolean unitLength = true;
    String poolingFolder = POOLING;
    Path modules = folder.resolve("modules.json");
    if (Files.exists(modules)) {
      unitLength = false;
      for (JsonNode module : Jsons.readArray(modules)) {
        String type = module.path("type").asText();
        switch (type.substring(type.lastIndexOf('.') + 1)) {
          case "Transformer" -> requireHere(modules, module);
          case "Pooling" -> poolingFolder = module.path("path").asText(POOLING);
          case "Normalize" -> unitLength = true;
          default ->
              throw InputException.of(
                  "%s: expected the modules Transformer, Pooling and Normalize, found %s",
                  modules, module.path("type"));
        }
      }
    }
    refusePrompt(folder);
    TextPooling pooling = pooling(folder.resolve(poolingFolder).resolve("config.json"));
    boolean normed = unitLength;
    HubConfig json = optional(folder.resolve("sentence_bert_config.json"));
    int limit =
        json.set("max_seq_length")
            ? json.integer("max_seq_length", longest)
            : tokenizerLimit(folder.resolve("tokenizer_config.json"), longest);
    int cut = Math.min(longest, limit);
    boolean lowerCase = json.flag("do_lower_case", false);
    return json.build(() -> new SentenceSettings(pooling, normed, lowerCase, cut));
  }

  /** The limit that the tokenizer's configuration gives; numbers beyond all lengths mean none. */
  private static int tokenizerLimit(Path file, int otherwise) {
    if (!Files.exists(file)) {
      return otherwise;
    }
    JsonNode limit = Jsons.readObject(file).path("model_max_length");
    return limit.canConvertToInt() && limit.asInt() > 0 ? limit.asInt() : otherwise;
  }

  private static void requireHere(Path modules, JsonNode module) {
    if (!module.path("path").asText("").isEmpty()) {
      throw InputException.of(
          "%s: expected the encoder beside it, found it in %s; name that folder",
          modules, module.path("path"));
    }
  }

  /** A prompt that is put before every text would have to be left out of some poolings. */
  private static void refusePrompt(Path folder) {
    HubConfig json = optional(folder.resolve("config_sentence_transformers.json"));
    if (json.set("default_prompt_name")) {
      throw json.notSupported("default_prompt_name");
    }
  }

  private static TextPooling pooling(Path file) {
    HubConfig json = optional(file);
    if (json.has("pooling_mode")) {
      return TextPooling.of(json.text("pooling_mode", ""))
          .orElseThrow(() -> json.notSupported("pooling_mode"));
    }
    List<TextPooling> on = new ArrayList<>();
    for (TextPooling pooling : TextPooling.values()) {
      boolean otherwise = pooling == TextPooling.MEAN && !Files.exists(file);
      if (json.flag(pooling.key(), otherwise)) {
        on.add(pooling);
      }
    }
    for (String key : List.of("pooling_mode_weightedmean_tokens", "pooling_mode_lasttoken")) {
      if (json.flag(key, false)) {
        throw json.notSupported(key);
      }
    }
    if (on.size() != 1) {
      throw json.error(
          "expected one of the keys pooling_mode_... to be true, found %d that are known here",
          on.size());
    }
    return on.get(0);
  }

  private static HubConfig optional(Path file) {
    return new HubConfig(
        Files.exists(file) ? Jsons.readObject(file) : Jsons.object(), file.toString());
  }
}
