package io.lapidary;

/**
 * Something the user gave cannot be used: a file, a folder, a configuration value, a command line.
 * The message says what was expected, what was found, where, and the remedy; the command line
 * prints it as one line and exits with code 2.
 */
public class InputException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** An input error with a complete message. */
  public InputException(String message) {
    super(message);
  }

  /**
   * An input error with a complete message and the failure underneath, shown with {@code
   * --verbose}.
   */
  public InputException(String message, Throwable cause) {
    super(message, cause);
  }

  /** An input error whose message is built as by {@link String#format}. */
  public static InputException of(String format, Object... args) {
    return new InputException(String.format(java.util.Locale.ROOT, format, args));
  }
}
