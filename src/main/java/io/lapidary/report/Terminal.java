package io.lapidary.report;

import java.io.Console;
import java.nio.charset.Charset;
import java.util.Locale;
import java.util.Map;

/**
 * What the standard output can show.
 *
 * @param interactive a person looks at it: progress bars may move
 * @param width columns
 * @param colour escape sequences are understood
 * @param unicode characters beyond ASCII are shown
 */
public record Terminal(boolean interactive, int width, boolean colour, boolean unicode) {
  private static final int NARROWEST = 40;
  private static final int USUAL = 100;

  /** A file or a pipe: no colours, plain ASCII, 100 columns. */
  public static Terminal plain() {
    return new Terminal(false, USUAL, false, false);
  }

  /**
   * The standard output of this process. {@code NO_COLOR} and {@code TERM=dumb} turn colours off,
   * {@code COLUMNS} gives the width.
   */
  public static Terminal here() {
    return of(isTerminal(), outputCharset(), System.getenv());
  }

  static Terminal of(boolean interactive, String charset, Map<String, String> environment) {
    boolean dumb = "dumb".equals(environment.get("TERM"));
    String noColour = environment.getOrDefault("NO_COLOR", "");
    return new Terminal(
        interactive && !dumb,
        columns(environment.get("COLUMNS")),
        interactive && !dumb && noColour.isEmpty(),
        charset.toUpperCase(Locale.ROOT).startsWith("UTF"));
  }

  private static int columns(String text) {
    if (text == null || !text.matches("[0-9]{1,4}")) {
      return USUAL;
    }
    int columns = Integer.parseInt(text);
    return columns == 0 ? USUAL : Math.max(NARROWEST, columns);
  }

  @SuppressWarnings(
      "SystemConsoleNull") // both forms are asked: null before Java 22, a method after
  private static boolean isTerminal() {
    if (System.console() == null) {
      return false;
    }
    try {
      return (boolean) Console.class.getMethod("isTerminal").invoke(System.console());
    } catch (ReflectiveOperationException e) {
      return true;
    }
  }

  private static String outputCharset() {
    String charset =
        System.getProperty("stdout.encoding", System.getProperty("sun.stdout.encoding"));
    return charset != null
        ? charset
        : System.getProperty("native.encoding", Charset.defaultCharset().name());
  }
}
