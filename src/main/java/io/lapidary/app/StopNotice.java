package io.lapidary.app;

import java.io.PrintWriter;
import java.util.concurrent.atomic.AtomicBoolean;

/** Notes that the process is being ended (Ctrl-C, SIGTERM), and tells the user how to go on. */
final class StopNotice implements AutoCloseable {
  private final AtomicBoolean requested = new AtomicBoolean();
  private final Thread hook;

  /**
   * Listens until closed.
   *
   * @param remedy what to do to go on
   */
  StopNotice(PrintWriter err, String remedy) {
    hook =
        new Thread(
            () -> {
              requested.set(true);
              err.println("lapidary: stopped; " + remedy);
              err.flush();
            },
            "lapidary-stop-notice");
    Runtime.getRuntime().addShutdownHook(hook);
  }

  /** Whether the process is ending: what is unfinished must not be taken for a result. */
  boolean requested() {
    return requested.get();
  }

  @Override
  public void close() {
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      // the process is ending, the hook has run
    }
  }
}
