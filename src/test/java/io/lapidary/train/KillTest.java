package io.lapidary.train;

import static org.assertj.core.api.Assertions.assertThat;

import io.lapidary.engine.Parameters;
import java.io.BufferedReader;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Ends real processes in the middle of training. */
class KillTest {
  @TempDir Path folder;

  @Test
  @Timeout(180)
  void aKilledProcessResumesToTheSameBytes() throws Exception {
    Path run = folder.resolve("run");
    runChild(run, 7, ProcessHandle::destroyForcibly);
    assertThat(Checkpoints.latest(run)).isPresent();

    int exit = runChild(run, 13, ProcessHandle::destroy); // SIGTERM, as Ctrl-C: saves first
    assertThat(exit).isNotZero();
    long stopped = Checkpoints.state(Checkpoints.latest(run).orElseThrow()).step();
    assertThat(stopped).isGreaterThanOrEqualTo(13).isLessThan(24);

    Parameters resumed = Tiny.parameters();
    TrainConfig config = ResumeTest.everything().build();
    TrainResult result = ResumeTest.trainer(config, resumed, run).resume(true).build().run();
    Parameters straight = Tiny.parameters();
    TrainResult expected =
        ResumeTest.trainer(config, straight, folder.resolve("straight")).build().run();
    assertThat(result.steps()).isEqualTo(expected.steps());
    assertThat(Tiny.bits(resumed.all())).isEqualTo(Tiny.bits(straight.all()));
    for (String file : List.of(Checkpoints.MODEL, Checkpoints.OPTIMIZER, Checkpoints.EMA)) {
      assertThat(Files.readAllBytes(result.latestCheckpoint().resolve(file)))
          .as(file)
          .isEqualTo(Files.readAllBytes(expected.latestCheckpoint().resolve(file)));
    }
  }

  private static int runChild(Path run, int step, Consumer<ProcessHandle> end)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-Xmx512m");
    // the same native library and modules, so the same arithmetic, but not the coverage agent
    ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
        .filter(argument -> !argument.startsWith("-javaagent") && !argument.startsWith("-Xmx"))
        .forEach(command::add);
    command.add("-cp");
    command.add(
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")));
    command.add(KillChild.class.getName());
    command.add(run.toString());
    Process child =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    try (BufferedReader lines = child.inputReader(StandardCharsets.UTF_8)) {
      String line;
      while ((line = lines.readLine()) != null && !line.equals("step " + step)) {
        // wait for the step
      }
      assertThat(line).as("the child should reach step %d", step).isNotNull();
      end.accept(child.toHandle()); // not the Process itself, which would close the pipe
      while (lines.readLine() != null) {
        // let it write, it may be saving
      }
    } finally {
      if (!child.waitFor(60, TimeUnit.SECONDS)) {
        child.destroyForcibly();
      }
    }
    return child.waitFor();
  }
}
