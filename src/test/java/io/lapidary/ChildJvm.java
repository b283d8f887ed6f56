package io.lapidary;

import java.io.BufferedReader;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Runs a main class in a process of its own with another number of threads, which native code and
 * kernels read once, when they load.
 */
public final class ChildJvm {
  private ChildJvm() {}

  /**
   * The lines that {@code main} printed.
   *
   * @throws AssertionError when it does not end with exit code 0
   */
  public static List<String> run(Class<?> main, int threads, String... arguments)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    // the same native library and modules, so the same arithmetic, but not the coverage agent
    ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
        .filter(argument -> !argument.startsWith("-javaagent"))
        .forEach(command::add);
    command.add("-cp");
    command.add(
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")));
    command.add(main.getName());
    command.addAll(List.of(arguments));
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().put("OMP_NUM_THREADS", Integer.toString(threads));
    builder.redirectError(ProcessBuilder.Redirect.INHERIT);
    Process child = builder.start();
    try (BufferedReader lines = child.inputReader(StandardCharsets.UTF_8)) {
      List<String> printed = lines.lines().toList();
      if (child.waitFor() != 0) {
        throw new AssertionError(main.getSimpleName() + " ended with " + child.exitValue());
      }
      return printed;
    } finally {
      child.destroyForcibly();
    }
  }
}
