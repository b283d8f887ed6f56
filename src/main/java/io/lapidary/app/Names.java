package io.lapidary.app;

import io.lapidary.InputException;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;

/** Words for names that are not known. */
final class Names {
  private Names() {}

  /** The error for an unknown name: near ones where there are any, and all of them. */
  static InputException unknown(String kind, String name, Collection<String> known) {
    List<String> near = near(name, known);
    return InputException.of(
        "'%s' is not a known %s%s; known: %s",
        name,
        kind,
        near.isEmpty() ? "" : ", did you mean " + String.join(" or ", near) + "?",
        known.isEmpty() ? "none" : String.join(", ", known.stream().sorted().toList()));
  }

  /** Names at most a third of their length away, or that start with what was typed. */
  static List<String> near(String name, Collection<String> known) {
    String typed = name.toLowerCase(Locale.ROOT);
    return known.stream()
        .filter(
            k ->
                distance(typed, k) <= (k.length() + 2) / 3
                    || !typed.isEmpty() && k.startsWith(typed))
        .sorted(Comparator.comparingInt((String k) -> distance(typed, k)).thenComparing(k -> k))
        .limit(2)
        .toList();
  }

  /** Levenshtein distance. */
  private static int distance(String a, String b) {
    int[] row = new int[b.length() + 1];
    for (int j = 0; j <= b.length(); j++) {
      row[j] = j;
    }
    for (int i = 1; i <= a.length(); i++) {
      int diagonal = row[0];
      row[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int same = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        diagonal = row[j];
        row[j] = Math.min(same, 1 + Math.min(row[j], row[j - 1]));
      }
    }
    return row[b.length()];
  }
}
