package io.lapidary.app;

import io.lapidary.AtomicFiles;
import io.lapidary.InputException;
import io.lapidary.train.DivergedException;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.FileSystemException;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** Turns what went wrong into one line on standard error and an exit code. */
final class Failures {
  /** Exit code for wrong usage, unusable input, or too little memory. */
  static final int BAD_INPUT = 2;

  /** Exit code for a check or a training that failed. */
  static final int FAILED = 1;

  /** Exit code for an error in the program itself. */
  static final int UNEXPECTED = 70;

  private Failures() {}

  /** Reports a command line that cannot be understood. */
  static int reportUsage(ParameterException failure, boolean verbose, PrintWriter err) {
    CommandLine command = failure.getCommandLine();
    Throwable cause = failure.getCause();
    if (cause instanceof InputException) { // thrown by a converter: its message is complete
      return report(cause, verbose, err);
    }
    line(err, failure.getMessage());
    UnmatchedArgumentException.printSuggestions(failure, err);
    err.println("Try '" + command.getCommandSpec().qualifiedName() + " --help'.");
    return finish(failure, verbose, err, BAD_INPUT);
  }

  /** Reports a failure of a running command. */
  static int report(Throwable failure, boolean verbose, PrintWriter err) {
    if (failure instanceof DivergedException) {
      line(err, words(failure));
      return finish(failure, verbose, err, FAILED);
    }
    if (failure instanceof InputException || failure instanceof IllegalArgumentException) {
      line(err, words(failure));
      return finish(failure, verbose, err, BAD_INPUT);
    }
    if (failure instanceof UncheckedIOException unchecked) {
      line(err, words(unchecked.getCause()));
      return finish(failure, verbose, err, BAD_INPUT);
    }
    if (failure instanceof IOException io) {
      line(err, words(io));
      return finish(failure, verbose, err, BAD_INPUT);
    }
    if (failure instanceof OutOfMemoryError memory) {
      line(err, outOfMemory(memory));
      return finish(failure, verbose, err, BAD_INPUT);
    }
    String hint = verbose ? "" : "; run with --verbose for the stack trace";
    line(err, "unexpected error: " + failure + hint);
    return finish(failure, verbose, err, UNEXPECTED);
  }

  private static int finish(Throwable failure, boolean verbose, PrintWriter err, int code) {
    if (verbose) {
      failure.printStackTrace(err);
    }
    err.flush();
    return code;
  }

  private static String words(IOException failure) {
    if (failure instanceof FileSystemException file && file.getFile() != null) {
      return file.getFile() + ": " + AtomicFiles.reason(failure);
    }
    return AtomicFiles.reason(failure);
  }

  private static String words(Throwable failure) {
    return failure.getMessage() == null ? failure.getClass().getSimpleName() : failure.getMessage();
  }

  private static String outOfMemory(OutOfMemoryError memory) {
    String reason = String.valueOf(memory.getMessage());
    // javacpp words its limit as "... memory usage is too high" or "Failed to allocate ... within
    // limits".
    boolean arrays = reason.contains("allocate") || reason.contains("hysical");
    return arrays
        ? "out of memory for arrays ("
            + reason
            + "): raise LAPIDARY_OFFHEAP, or use a smaller batch or model"
        : "out of memory ("
            + reason
            + "): raise LAPIDARY_HEAP, now "
            + java.lang.Runtime.getRuntime().maxMemory() / (1 << 20)
            + "m, or use less data at once";
  }

  private static void line(PrintWriter err, String message) {
    // One line; control characters may come from a file and must not reach the terminal.
    String words = message.strip().replaceAll("\\s*\\R\\s*", " ").replaceAll("\\p{Cntrl}", "?");
    err.println("lapidary: " + words);
  }
}
