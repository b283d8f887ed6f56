package io.lapidary.train;

import java.nio.file.Path;

/** A process to kill: trains slowly in the folder given, resuming what is there. */
final class KillChild {
  private KillChild() {}

  public static void main(String[] args) {
    TrainListener slow =
        new TrainListener() {
          @Override
          public void stepped(Step step) {
            System.out.println("step " + step.step());
            try {
              Thread.sleep(50);
            } catch (InterruptedException e) {
              Thread.currentThread().interrupt();
            }
          }
        };
    ResumeTest.trainer(ResumeTest.everything().build(), Tiny.parameters(), Path.of(args[0]))
        .stopOnShutdown(true)
        .resume(true)
        .listener(slow)
        .build()
        .run();
  }
}
