package io.lapidary.io;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.lapidary.AtomicFiles;
import io.lapidary.InputException;
import java.io.IOException;
import java.io.Reader;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What the native library does not tell about a {@code tokenizer.json}: the vocabulary and which
 * tokens are special.
 *
 * @param ids id by token, added tokens included
 * @param vocabSize one more than the highest id
 */
record TokenizerFile(Map<String, Integer> ids, int vocabSize, Tokenizer.SpecialIds special) {
  private static final long LARGEST_FILE = 256L << 20;
  private static final int HIGHEST_ID = 50_000_000;
  private static final JsonMapper MAPPER =
      new JsonMapper(
          JsonFactory.builder()
              .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
              .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
              .build());

  /** Reads a file and the {@code tokenizer_config.json} beside it, where there is one. */
  static TokenizerFile read(Path file) {
    Map<String, Integer> ids = new HashMap<>();
    String unknown = null;
    boolean model = false;
    try (Reader reader = Jsons.open(file, LARGEST_FILE);
        JsonParser json = MAPPER.createParser(reader)) {
      if (json.nextToken() != JsonToken.START_OBJECT) {
        throw InputException.of("%s: not a tokenizer.json: expected a JSON object", file);
      }
      while (json.nextToken() == JsonToken.FIELD_NAME) {
        String key = json.currentName();
        json.nextToken();
        if (key.equals("added_tokens") && json.currentToken() == JsonToken.START_ARRAY) {
          for (JsonNode token : MAPPER.<JsonNode>readTree(json)) {
            add(file, ids, token.path("content").asText(), token.path("id"));
          }
        } else if (key.equals("model") && json.currentToken() == JsonToken.START_OBJECT) {
          model = true;
          unknown = model(file, json, ids);
        } else {
          json.skipChildren();
        }
      }
    } catch (CharacterCodingException e) {
      throw new InputException(file + ": not valid UTF-8 text", e);
    } catch (JsonProcessingException e) {
      throw new InputException(file + ": not valid JSON: " + Texts.line(e.getOriginalMessage()), e);
    } catch (IOException e) {
      throw new InputException(
          String.format("%s: cannot be read (%s)", file, Texts.line(AtomicFiles.reason(e))), e);
    }
    if (!model || ids.isEmpty()) {
      throw InputException.of("%s: not a tokenizer.json: expected a model with a vocab", file);
    }
    int size = ids.values().stream().mapToInt(Integer::intValue).max().orElse(-1) + 1;
    return new TokenizerFile(ids, size, special(file, ids, unknown));
  }

  private static String model(Path file, JsonParser json, Map<String, Integer> ids)
      throws IOException {
    String unknown = null;
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      String key = json.currentName();
      JsonToken value = json.nextToken();
      if (key.equals("vocab") && value == JsonToken.START_OBJECT) {
        while (json.nextToken() == JsonToken.FIELD_NAME) {
          String token = json.currentName();
          json.nextToken();
          add(file, ids, token, MAPPER.readTree(json));
        }
      } else if (key.equals("vocab") && value == JsonToken.START_ARRAY) { // Unigram: [token, score]
        for (int id = 0; json.nextToken() == JsonToken.START_ARRAY; id++) {
          ids.putIfAbsent(MAPPER.<JsonNode>readTree(json).path(0).asText(), id);
        }
      } else if (key.equals("unk_token") && value == JsonToken.VALUE_STRING) {
        unknown = json.getText();
      } else {
        json.skipChildren();
      }
    }
    return unknown;
  }

  private static void add(Path file, Map<String, Integer> ids, String token, JsonNode id) {
    if (!id.isInt() || id.asInt() < 0 || id.asInt() > HIGHEST_ID) {
      throw InputException.of(
          "%s: token %s: expected an id from 0 to %d, found %s",
          file, Texts.quote(token), HIGHEST_ID, StrictBinding.kind(id));
    }
    ids.put(token, id.asInt());
  }

  private static Tokenizer.SpecialIds special(Path file, Map<String, Integer> ids, String unknown) {
    Path beside = file.resolveSibling("tokenizer_config.json");
    JsonNode config = Files.exists(beside) ? Jsons.readObject(beside) : Jsons.object();
    int unk = find(ids, config.path("unk_token"), List.of("[UNK]", "<unk>"));
    return new Tokenizer.SpecialIds(
        find(ids, config.path("pad_token"), List.of("[PAD]", "<pad>", "<|pad|>")),
        find(ids, config.path("bos_token"), List.of("[BOS]", "<s>", "<|startoftext|>", "[CLS]")),
        find(ids, config.path("eos_token"), List.of("[EOS]", "</s>", "<|endoftext|>", "[SEP]")),
        unknown == null ? unk : ids.getOrDefault(unknown, unk));
  }

  private static int find(Map<String, Integer> ids, JsonNode configured, List<String> usual) {
    String named = configured.isObject() ? configured.path("content").asText() : null;
    if (configured.isTextual()) {
      named = configured.asText();
    }
    if (named != null && ids.containsKey(named)) {
      return ids.get(named);
    }
    return usual.stream().filter(ids::containsKey).findFirst().map(ids::get).orElse(-1);
  }
}
