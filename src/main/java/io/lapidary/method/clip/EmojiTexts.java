package io.lapidary.method.clip;

import io.lapidary.data.Emoji;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** What is said about an emoji: in training, and when its name or its kind is asked for. */
final class EmojiTexts {
  /** Prompts around a name; their embeddings are averaged (paper, section 3.1.4). */
  static final List<String> NAME_PROMPTS = List.of("%s", "a picture of %s");

  /** Prompts around a kind. */
  static final List<String> KIND_PROMPTS = List.of("a kind of %s");

  private EmojiTexts() {}

  /**
   * Texts of one emoji, one of which is drawn each time its picture comes: names and kind.
   *
   * @param unspoken names that must not be heard, those of held-out emoji; one emoji's name may be
   *     another's short name
   */
  static List<String> training(Emoji emoji, Set<String> unspoken) {
    String kind = kind(emoji.subcategory());
    Set<String> names = new LinkedHashSet<>();
    names.add(emoji.name());
    names.addAll(shortNames(emoji));
    names.removeAll(unspoken);
    List<String> texts = new ArrayList<>();
    for (String name : names) {
      texts.add(name);
      texts.add("a picture of " + name);
    }
    texts.add(emoji.name() + ", a kind of " + kind);
    texts.add("a kind of " + kind);
    return texts;
  }

  /** All names of an emoji. */
  static Set<String> names(Emoji emoji) {
    Set<String> names = new LinkedHashSet<>(shortNames(emoji));
    names.add(emoji.name());
    return names;
  }

  private static List<String> shortNames(Emoji emoji) {
    return emoji.shortNames().stream().map(Emoji::words).toList();
  }

  /** The subcategory in words: {@code face-smiling} is "face smiling". */
  static String kind(String subcategory) {
    return Emoji.words(subcategory);
  }
}
