package io.lapidary.data;

import io.lapidary.InputException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The text form of the emoji records: one CSV row each, in index order. */
final class EmojiTable {
  private EmojiTable() {}

  static final List<String> HEADER =
      List.of(
          "index",
          "codepoints",
          "name",
          "short_names",
          "category",
          "subcategory",
          "concept",
          "group",
          "tone",
          "has_google",
          "has_twitter");

  static String write(List<Emoji> emoji) {
    StringBuilder text = new StringBuilder(Csv.line(HEADER)).append('\n');
    for (Emoji e : emoji) {
      text.append(
              Csv.line(
                  List.of(
                      Integer.toString(e.index()),
                      e.codepoints(),
                      e.name(),
                      String.join(";", e.shortNames()),
                      e.category(),
                      e.subcategory(),
                      Integer.toString(e.concept()),
                      Integer.toString(e.group()),
                      e.tone(),
                      e.google() ? "1" : "0",
                      e.twitter() ? "1" : "0")))
          .append('\n');
    }
    return text.toString();
  }

  static List<Emoji> read(Path file) {
    List<List<String>> rows = Csv.read(file, HEADER);
    List<Emoji> emoji = new ArrayList<>(rows.size());
    Map<String, Integer> names = new HashMap<>();
    for (List<String> row : rows) {
      int line = emoji.size() + 2;
      Emoji e =
          new Emoji(
              number(file, line, row, 0, rows.size()),
              row.get(1),
              row.get(2),
              List.of(row.get(3).split(";", -1)),
              row.get(4),
              row.get(5),
              number(file, line, row, 6, rows.size()),
              number(file, line, row, 7, rows.size()),
              row.get(8),
              flag(file, line, row, 9),
              flag(file, line, row, 10));
      if (e.index() != emoji.size()) {
        throw InputException.of(
            "%s line %d: expected index %d, found %d", file, line, emoji.size(), e.index());
      }
      Integer before = names.put(e.name(), line);
      if (before != null) {
        throw InputException.of(
            "%s line %d: the name '%s' stands on line %d already", file, line, e.name(), before);
      }
      emoji.add(e);
    }
    return List.copyOf(emoji);
  }

  private static int number(Path file, int line, List<String> row, int column, int below) {
    String text = row.get(column);
    if (text.matches("[0-9]{1,9}") && Integer.parseInt(text) < below) {
      return Integer.parseInt(text);
    }
    throw InputException.of(
        "%s line %d: %s must be a row number below %d, found '%s'",
        file, line, HEADER.get(column), below, text);
  }

  private static boolean flag(Path file, int line, List<String> row, int column) {
    String text = row.get(column);
    if (text.equals("1") || text.equals("0")) {
      return text.equals("1");
    }
    throw InputException.of(
        "%s line %d: %s must be 0 or 1, found '%s'", file, line, HEADER.get(column), text);
  }
}
