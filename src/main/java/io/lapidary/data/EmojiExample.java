package io.lapidary.data;

import io.lapidary.Check;

/**
 * One picture of the emoji set.
 *
 * @param emoji index of the emoji
 * @param vendor whose drawing
 */
public record EmojiExample(int emoji, Emoji.Vendor vendor) {
  /** Checks the fields. */
  public EmojiExample {
    Check.notNegative("emoji", emoji);
    Check.present("vendor", vendor);
  }
}
