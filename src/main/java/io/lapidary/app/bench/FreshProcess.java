package io.lapidary.app.bench;

import io.lapidary.app.Lapidary;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintWriter;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Runs a command line again in a process of its own with another number of threads. The native
 * library reads it once, when it loads, and so do the fused kernels; changing it later reaches a
 * part of the operations only.
 */
final class FreshProcess {
  private static final String OPEN_MP = "OMP_NUM_THREADS";
  private static final String OPEN_BLAS = "OPENBLAS_NUM_THREADS";

  private FreshProcess() {}

  /** Whether this process was started with so many threads. */
  static boolean has(int threads) {
    String wanted = Integer.toString(threads);
    String blas = System.getenv(OPEN_BLAS);
    return wanted.equals(System.getenv(OPEN_MP)) && (blas == null || blas.equals(wanted));
  }

  /**
   * Runs {@code args} with {@code threads}; standard output goes to {@code out} line by line.
   *
   * @return the exit code
   */
  static int run(int threads, List<String> args, PrintWriter out)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.add(Lapidary.class.getName());
    command.addAll(args);
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().put(OPEN_MP, Integer.toString(threads));
    builder.environment().put(OPEN_BLAS, Integer.toString(threads));
    builder.redirectError(ProcessBuilder.Redirect.INHERIT);
    Process process = builder.start();
    java.lang.Runtime.getRuntime().addShutdownHook(new Thread(process::destroy));
    try (BufferedReader lines = process.inputReader()) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        out.println(line);
        out.flush();
      }
      return process.waitFor();
    } finally {
      process.destroy();
    }
  }
}
