package io.lapidary.io;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.lapidary.Check;
import java.nio.file.Path;
import java.text.Normalizer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The words of a small closed world of texts, and the {@code tokenizer.json} that maps them to ids.
 * Text is composed (NFC), lower-cased and split into runs of word characters and runs of
 * punctuation. Ids: 0 {@code [PAD]}, 1 {@code [BOS]}, 2 {@code [UNK]}, then the words, and {@code
 * [EOS]} as the highest id, so that "the position of the highest id" and "the first end token" are
 * the same place, as models of the CLIP family need it. Every text becomes [BOS] words [EOS].
 *
 * @param words in the order of their ids
 */
public record WordVocabulary(List<String> words) {
  /** Text of the special tokens. */
  public static final String PAD = "[PAD]", BOS = "[BOS]", UNK = "[UNK]", EOS = "[EOS]";

  private static final int FIRST_WORD = 3;
  private static final Pattern WORD =
      Pattern.compile("\\w+|[^\\w\\s]+", Pattern.UNICODE_CHARACTER_CLASS);

  /** Checks that no word appears twice. */
  public WordVocabulary {
    words = List.copyOf(words);
    Check.that(words.stream().distinct().count() == words.size(), "a word appears twice");
    Check.that(
        words.stream().noneMatch(List.of(PAD, BOS, UNK, EOS)::contains),
        "special tokens cannot be words");
  }

  /**
   * Collects the words of the texts: most frequent first, equal counts by text.
   *
   * @param minCount rarer words are left out and read as [UNK]
   * @param maxSize most ids, the four special tokens included
   */
  public static WordVocabulary of(Iterable<String> texts, int minCount, int maxSize) {
    Check.positive("minCount", minCount);
    Check.that(maxSize > 4, "maxSize must be above 4 (the special tokens), got %d", maxSize);
    Map<String, Integer> counts = new HashMap<>();
    for (String text : texts) {
      for (String word : split(text)) {
        counts.merge(word, 1, Integer::sum);
      }
    }
    return new WordVocabulary(
        counts.entrySet().stream()
            .filter(entry -> entry.getValue() >= minCount)
            .sorted(
                Map.Entry.<String, Integer>comparingByValue(Comparator.reverseOrder())
                    .thenComparing(Map.Entry.comparingByKey()))
            .limit(maxSize - 4L)
            .map(Map.Entry::getKey)
            .toList());
  }

  /** Number of ids, the four special tokens included. */
  public int size() {
    return words.size() + FIRST_WORD + 1;
  }

  /** The id of [PAD]. */
  public int padId() {
    return 0;
  }

  /** The id of [BOS]. */
  public int bosId() {
    return 1;
  }

  /** The id of [UNK]. */
  public int unkId() {
    return 2;
  }

  /** The id of [EOS], the highest. */
  public int eosId() {
    return size() - 1;
  }

  /** Writes {@code tokenizer.json} and {@code tokenizer_config.json} into a folder. */
  public void write(Path folder) {
    write(folder, tokenizer(true));
  }

  /**
   * Likewise for a model that continues texts: they begin with [BOS] and stay open at the end.
   *
   * @param marks further special tokens such as {@code <image>}, with the ids from {@link #size} on
   */
  public void writeForPrompts(Path folder, List<String> marks) {
    ObjectNode tokenizer = tokenizer(false);
    for (int i = 0; i < marks.size(); i++) {
      ((ArrayNode) tokenizer.get("added_tokens")).add(added(size() + i, marks.get(i)));
      ((ObjectNode) tokenizer.get("model").get("vocab")).put(marks.get(i), size() + i);
    }
    write(folder, tokenizer);
  }

  private static void write(Path folder, ObjectNode tokenizer) {
    Jsons.write(folder.resolve("tokenizer.json"), tokenizer);
    ObjectNode config = Jsons.object();
    config.put("tokenizer_class", "PreTrainedTokenizerFast");
    config.put("pad_token", PAD).put("bos_token", BOS).put("unk_token", UNK).put("eos_token", EOS);
    Jsons.write(folder.resolve("tokenizer_config.json"), config);
  }

  private ObjectNode tokenizer(boolean closed) {
    ObjectNode root = Jsons.object();
    root.put("version", "1.0").putNull("truncation").putNull("padding");
    ArrayNode added = root.putArray("added_tokens");
    added.add(added(padId(), PAD)).add(added(bosId(), BOS));
    added.add(added(unkId(), UNK)).add(added(eosId(), EOS));
    ArrayNode steps = root.putObject("normalizer").put("type", "Sequence").putArray("normalizers");
    steps.addObject().put("type", "NFC");
    steps.addObject().put("type", "Lowercase");
    root.putObject("pre_tokenizer").put("type", "Whitespace");
    template(root.putObject("post_processor").put("type", "TemplateProcessing"), closed);
    root.putNull("decoder");
    ObjectNode model = root.putObject("model").put("type", "WordLevel");
    ObjectNode vocab = model.putObject("vocab");
    vocab.put(PAD, padId()).put(BOS, bosId()).put(UNK, unkId());
    for (int i = 0; i < words.size(); i++) {
      vocab.put(words.get(i), FIRST_WORD + i);
    }
    vocab.put(EOS, eosId());
    model.put("unk_token", UNK);
    return root;
  }

  private static ObjectNode added(int id, String content) {
    ObjectNode token = Jsons.object().put("id", id).put("content", content);
    token.put("single_word", false).put("lstrip", false).put("rstrip", false);
    return token.put("normalized", false).put("special", true);
  }

  private void template(ObjectNode processor, boolean closed) {
    ArrayNode single = processor.putArray("single");
    special(single, BOS, 0);
    single.addObject().putObject("Sequence").put("id", "A").put("type_id", 0);
    if (closed) {
      special(single, EOS, 0);
    }
    ArrayNode pair = processor.putArray("pair");
    pair.addAll(single);
    pair.addObject().putObject("Sequence").put("id", "B").put("type_id", 1);
    if (closed) {
      special(pair, EOS, 1);
    }
    ObjectNode tokens = processor.putObject("special_tokens");
    for (Map.Entry<String, Integer> entry :
        List.of(Map.entry(BOS, bosId()), Map.entry(EOS, eosId()))) {
      ObjectNode token = tokens.putObject(entry.getKey()).put("id", entry.getKey());
      token.putArray("ids").add(entry.getValue());
      token.putArray("tokens").add(entry.getKey());
    }
  }

  private static void special(ArrayNode template, String token, int type) {
    template.addObject().putObject("SpecialToken").put("id", token).put("type_id", type);
  }

  /** Splits as the written normaliser and pre-tokenizer do. */
  static List<String> split(String text) {
    StringBuilder lower = new StringBuilder();
    // One code point at a time: a final sigma must not depend on what stands before it.
    Normalizer.normalize(text, Normalizer.Form.NFC)
        .codePoints()
        .forEach(c -> lower.append(Character.toString(c).toLowerCase(Locale.ROOT)));
    List<String> words = new ArrayList<>();
    for (Matcher matcher = WORD.matcher(lower); matcher.find(); ) {
      words.add(matcher.group());
    }
    return words;
  }
}
