package io.lapidary.train.task;

import io.lapidary.data.Emoji;

/** What the small vision-language model is asked about a picture. All have as many words. */
public enum EmojiQuestion {
  /** One of ten, such as "food and drink". */
  CATEGORY("What category is this?") {
    @Override
    public String answer(Emoji emoji) {
      return Emoji.words(emoji.category());
    }
  },
  /** One of 99, such as "food fruit". */
  KIND("What kind is this?") {
    @Override
    public String answer(Emoji emoji) {
      return Emoji.words(emoji.subcategory());
    }
  },
  /** The name, such as "red apple". */
  NAME("What thing is this?") {
    @Override
    public String answer(Emoji emoji) {
      return emoji.name();
    }
  };

  private final String text;

  EmojiQuestion(String text) {
    this.text = text;
  }

  /** The question as asked. */
  public String text() {
    return text;
  }

  /** The right answer, in words as they are separated by the tokenizer. */
  public abstract String answer(Emoji emoji);
}
