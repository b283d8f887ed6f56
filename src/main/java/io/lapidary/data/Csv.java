package io.lapidary.data;

import io.lapidary.InputException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Comma separated text as in RFC 4180: quotes around fields with commas, quotes doubled inside. */
final class Csv {
  private Csv() {}

  /** One line without its line end. */
  static String line(List<String> fields) {
    List<String> out = new ArrayList<>(fields.size());
    for (String field : fields) {
      boolean quote =
          field.indexOf(',') >= 0 || field.indexOf('"') >= 0 || field.indexOf('\n') >= 0;
      out.add(quote ? '"' + field.replace("\"", "\"\"") + '"' : field);
    }
    return String.join(",", out);
  }

  /**
   * Reads a file whose first line must be {@code header} and returns the other lines' fields.
   *
   * @throws InputException for another header, a wrong number of fields or an open quote
   */
  static List<List<String>> read(Path file, List<String> header) {
    String text;
    try {
      text = Files.readString(file, StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw Hashes.unreadable(file, e);
    }
    List<List<String>> rows = new ArrayList<>();
    int number = 0;
    for (String line : text.lines().toList()) {
      number++;
      List<String> fields = fields(file, number, line);
      if (number == 1) {
        if (!fields.equals(header)) {
          throw InputException.of(
              "%s: expected the columns %s, found %s",
              file, String.join(",", header), String.join(",", fields));
        }
      } else if (fields.size() != header.size()) {
        throw InputException.of(
            "%s line %d: expected %d fields, found %d", file, number, header.size(), fields.size());
      } else {
        rows.add(fields);
      }
    }
    if (number == 0) {
      throw InputException.of("%s: empty, expected the columns %s", file, String.join(",", header));
    }
    return rows;
  }

  private static List<String> fields(Path file, int number, String line) {
    List<String> fields = new ArrayList<>();
    StringBuilder field = new StringBuilder();
    boolean quoted = false;
    for (int i = 0; i < line.length(); i++) {
      char c = line.charAt(i);
      if (quoted && c == '"' && i + 1 < line.length() && line.charAt(i + 1) == '"') {
        field.append('"');
        i++;
      } else if (c == '"') {
        quoted = !quoted;
      } else if (c == ',' && !quoted) {
        fields.add(field.toString());
        field.setLength(0);
      } else {
        field.append(c);
      }
    }
    if (quoted) {
      throw InputException.of("%s line %d: a quoted field does not end", file, number);
    }
    fields.add(field.toString());
    return fields;
  }
}
