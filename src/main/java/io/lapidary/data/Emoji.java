package io.lapidary.data;

import io.lapidary.Check;
import java.util.List;

/**
 * One emoji: a base form or one of its skin-tone variants, which have pictures of their own.
 *
 * @param index row in the table and tile number in the sheets
 * @param codepoints hexadecimal code points joined by {@code -}
 * @param name lower-case Unicode name, unique in the set
 * @param shortNames chat names such as {@code thumbsup}, shared by the variants of one base
 * @param category one of ten
 * @param subcategory one of 99
 * @param concept index of the base form; equals {@code index} for the base form itself
 * @param group lowest concept among those that share an identical picture in either vendor's style
 *     (some flags do); equals {@code concept} for most
 * @param tone skin tone such as {@code medium-dark}, two joined by {@code ;} for a pair of people,
 *     empty for the base form
 * @param google whether Google's picture exists
 * @param twitter whether Twitter's picture exists
 */
public record Emoji(
    int index,
    String codepoints,
    String name,
    List<String> shortNames,
    String category,
    String subcategory,
    int concept,
    int group,
    String tone,
    boolean google,
    boolean twitter) {

  /** Whose drawings. */
  public enum Vendor {
    /** Noto Emoji. */
    GOOGLE("google"),
    /** Twemoji. */
    TWITTER("twitter");

    private final String id;

    Vendor(String id) {
      this.id = id;
    }

    /** Lower-case name as used in file names. */
    public String id() {
      return id;
    }

    /** The one other vendor. */
    public Vendor other() {
      return this == GOOGLE ? TWITTER : GOOGLE;
    }
  }

  /** Checks the fields. */
  public Emoji {
    Check.that(!name.isBlank(), "emoji %d has no name", index);
    shortNames = List.copyOf(shortNames);
  }

  /** A label of this set in words: {@code face-smiling} is "face smiling", "&" is "and". */
  public static String words(String label) {
    return label.replace("&", "and").replace('_', ' ').replace('-', ' ').strip();
  }

  /** Whether this is a base form. */
  public boolean base() {
    return index == concept;
  }

  /** Whether a vendor drew it. */
  public boolean has(Vendor vendor) {
    return vendor == Vendor.GOOGLE ? google : twitter;
  }
}
