package io.lapidary.app;

import io.lapidary.BuildInfo;
import io.lapidary.engine.Runtime;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code lapidary doctor}: what the program runs on, and what will not work. */
@Command(
    name = "doctor",
    description = "Shows what Lapidary runs on and says in plain words what will not work.",
    footer = {
      "",
      "Examples:",
      "  lapidary doctor",
      "  LAPIDARY_NATIVE=generic OMP_NUM_THREADS=1 lapidary doctor"
    })
final class DoctorCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    PrintWriter out = spec.commandLine().getOut();
    line(out, "lapidary", BuildInfo.read().describe());
    line(out, "home", System.getProperty("lapidary.home", "not set: the current folder is used"));
    line(
        out,
        "java",
        String.join(
            " ",
            System.getProperty("java.version"),
            System.getProperty("java.vendor"),
            "on",
            System.getProperty("os.name"),
            System.getProperty("os.arch")));
    Runtime runtime = Runtime.check();
    runtime.describe().forEach((name, value) -> line(out, name, value));
    for (String warning : runtime.warnings()) {
      out.println("warning: " + warning);
    }
    out.println(runtime.warnings().isEmpty() ? "Everything is in order." : "Usable, see above.");
    return 0;
  }

  private static void line(PrintWriter out, String name, String value) {
    out.printf("%-14s %s%n", name, value);
  }
}
