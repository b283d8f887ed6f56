package io.lapidary.app;

import io.lapidary.report.Experiment;
import io.lapidary.train.TrainingTask;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.List;

/** Runs commands inside the test. */
final class Cli {
  private Cli() {}

  /** What a command gave. */
  record Outcome(int code, String out, String err) {
    /** The lines on standard error. */
    List<String> errors() {
      return err.lines().toList();
    }
  }

  static Outcome run(String... args) {
    return run(Registry.standard(), args);
  }

  static Outcome run(Registry registry, String... args) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int code = Lapidary.run(registry, new PrintWriter(out), new PrintWriter(err), args);
    return new Outcome(code, out.toString(), err.toString());
  }

  static Registry registry(List<Experiment<?>> experiments, TrainingTask<?>... tasks) {
    return new Registry(experiments, List.of(tasks));
  }

  /** Runs something with another home folder. */
  static <T> T withHome(Path home, java.util.function.Supplier<T> body) {
    String before = System.getProperty("lapidary.home");
    System.setProperty("lapidary.home", home.toString());
    try {
      return body.get();
    } finally {
      if (before == null) {
        System.clearProperty("lapidary.home");
      } else {
        System.setProperty("lapidary.home", before);
      }
    }
  }
}
