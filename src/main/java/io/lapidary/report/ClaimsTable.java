package io.lapidary.report;

import io.lapidary.Check;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/** The claims of results as an aligned table for a terminal. */
public final class ClaimsTable {
  private static final String GREEN = "\u001b[32m";
  private static final String RED = "\u001b[31m";
  private static final String YELLOW = "\u001b[33m";
  private static final String BOLD = "\u001b[1m";
  private static final String DIM = "\u001b[2m";
  private static final String RESET = "\u001b[0m";
  private static final String GAP = "  ";
  private static final Pattern SPACES = Pattern.compile("\\s+");
  private static final int STATEMENT_MIN = 24;

  private final Terminal terminal;

  /** A table for this terminal. */
  public ClaimsTable(Terminal terminal) {
    this.terminal = Check.present("terminal", terminal);
  }

  /** The table of one result, each line ended by {@code \n}. */
  public String render(Result result) {
    StringBuilder out = new StringBuilder();
    out.append(style(BOLD, ascii(result.experiment() + " (" + result.scale() + ")")))
        .append(": ")
        .append(result.seeds().size())
        .append(result.seeds().size() == 1 ? " seed, " : " seeds, ")
        .append(Numbers.text(result.provenance().seconds()))
        .append(" s\n");
    if (result.claims().isEmpty()) {
      return out.append("no claims\n").toString();
    }
    List<Row> rows = result.claims().stream().map(this::row).toList();
    int verdict = rows.stream().mapToInt(r -> r.verdict.length()).max().orElse(0);
    int id = rows.stream().mapToInt(r -> r.id.length()).max().orElse(0);
    int numbers = rows.stream().mapToInt(r -> r.measured.length()).max().orElse(0);
    int wanted = rows.stream().mapToInt(r -> r.wanted.length()).max().orElse(0);
    int left = terminal.width() - verdict - id - numbers - wanted - 4 * GAP.length();
    if (left >= STATEMENT_MIN) {
      for (Row row : rows) {
        List<String> lines = wrap(row.statement, left);
        for (int i = 0; i < lines.size(); i++) {
          String line =
              i == 0
                  ? style(row.colour, pad(row.verdict, verdict))
                      + GAP
                      + pad(row.id, id)
                      + GAP
                      + pad(lines.get(i), left)
                      + GAP
                      + pad(row.measured, numbers)
                      + GAP
                      + row.wanted
                  : " ".repeat(verdict + id + 2 * GAP.length()) + lines.get(i);
          out.append(line.stripTrailing()).append('\n');
        }
      }
    } else {
      for (Row row : rows) { // too narrow for columns: one block per claim
        out.append(style(row.colour, row.verdict)).append(GAP).append(row.id).append('\n');
        for (String text : List.of(row.statement, row.measured + GAP + row.wanted)) {
          for (String line : wrap(text, terminal.width() - 2)) {
            out.append(GAP).append(line).append('\n');
          }
        }
      }
    }
    return out.append(summary(result)).toString();
  }

  private String summary(Result result) {
    String text =
        String.format(
            "%d hold, %d fail, %d inconclusive",
            result.count(Verdict.HOLDS),
            result.count(Verdict.FAILS),
            result.count(Verdict.INCONCLUSIVE));
    boolean indicative = result.claims().stream().anyMatch(Claim::indicative);
    String remark =
        indicative ? "; * indicative only: fewer than " + ClaimSpec.SEEDS + " seeds were run" : "";
    StringBuilder out = new StringBuilder();
    for (String line : wrap(text + remark, terminal.width())) {
      out.append(style(DIM, line)).append('\n');
    }
    return out.toString();
  }

  private record Row(
      String verdict, String id, String statement, String measured, String wanted, String colour) {}

  private Row row(Claim claim) {
    String mark = claim.indicative() ? "*" : "";
    String sign =
        !terminal.unicode()
            ? ""
            : switch (claim.verdict()) {
              case HOLDS -> "\u2714 ";
              case FAILS -> "\u2718 ";
              case INCONCLUSIVE -> "\u2248 ";
            };
    String colour =
        switch (claim.verdict()) {
          case HOLDS -> GREEN;
          case FAILS -> RED;
          case INCONCLUSIVE -> YELLOW;
        };
    String paper = claim.paper().isEmpty() ? "" : " (" + claim.paper() + ")";
    String note = claim.note() == null ? "" : " [" + claim.note() + "]";
    String interval = claim.ci() == null ? "" : " " + Numbers.text(claim.ci());
    return new Row(
        sign + claim.verdict() + mark,
        ascii(claim.id()),
        ascii(claim.statement() + paper + note),
        ascii(Numbers.text(claim.value(), claim.unit()) + interval),
        claim.direction().sign() + " " + Numbers.chosen(claim.threshold()),
        colour);
  }

  /** Control characters never reach the terminal; others only where it can show them. */
  private String ascii(String text) {
    StringBuilder out = new StringBuilder();
    text.codePoints()
        .forEach(
            c -> {
              if (Character.isISOControl(c)) {
                out.append(' ');
              } else if (c < 128 || terminal.unicode()) {
                out.appendCodePoint(c);
              } else {
                out.append(
                    switch (c) {
                      case 0x2192 -> "->";
                      case 0x2264 -> "<=";
                      case 0x2265 -> ">=";
                      case 0x00d7 -> "x";
                      case 0x2013, 0x2014, 0x2212 -> "-";
                      default -> "?";
                    });
              }
            });
    return out.toString();
  }

  private String style(String code, String text) {
    return terminal.colour() ? code + text + RESET : text;
  }

  private static String pad(String text, int width) {
    return text + " ".repeat(Math.max(0, width - text.length()));
  }

  static List<String> wrap(String text, int width) {
    List<String> lines = new ArrayList<>();
    StringBuilder line = new StringBuilder();
    for (String word : SPACES.split(text.strip(), -1)) {
      String rest = word;
      if (line.length() > 0 && line.length() + 1 + rest.length() > width) {
        lines.add(line.toString());
        line.setLength(0);
      }
      while (rest.length() > width) { // longer than a line: cut
        lines.add(rest.substring(0, width));
        rest = rest.substring(width);
      }
      line.append(line.length() > 0 ? " " : "").append(rest);
    }
    lines.add(line.toString());
    return lines;
  }
}
