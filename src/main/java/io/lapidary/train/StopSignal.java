package io.lapidary.train;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Turns the end of the process (Ctrl-C, SIGTERM) into a request to stop, and holds the process
 * until the training thread has saved.
 */
final class StopSignal implements AutoCloseable {
  private static final long LONGEST_WAIT_SECONDS = 120;

  private final CountDownLatch done = new CountDownLatch(1);
  private final Thread hook;

  StopSignal(AtomicBoolean request) {
    hook =
        new Thread(
            () -> {
              request.set(true);
              try {
                done.await(LONGEST_WAIT_SECONDS, TimeUnit.SECONDS);
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
            },
            "lapidary-stop");
    Runtime.getRuntime().addShutdownHook(hook);
  }

  @Override
  public void close() {
    done.countDown();
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      // the process is ending, the hook has run
    }
  }
}
