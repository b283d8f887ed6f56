package io.lapidary.app;

import static org.assertj.core.api.Assertions.assertThat;

import io.lapidary.InputException;
import io.lapidary.io.Safetensors;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.factory.Nd4j;
import picocli.CommandLine;

class LapidaryTest {
  private record Outcome(int code, String out, String err) {}

  private static Outcome run(String... args) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int code = Lapidary.run(new PrintWriter(out), new PrintWriter(err), args);
    return new Outcome(code, out.toString(), err.toString());
  }

  @Test
  void versionNamesTheProgramAndTheCommit() {
    Outcome outcome = run("--version");
    assertThat(outcome.code()).isZero();
    assertThat(outcome.out()).matches("(?s)lapidary \\d\\S+ \\(commit \\w+(, modified)?\\)\\R");
  }

  @Test
  void doctorReportsTheBackend() {
    Outcome outcome = run("doctor");
    assertThat(outcome.code()).isZero();
    assertThat(outcome.out())
        .contains("backend", "1.0.0-M2.1", "threads", "memory", "vector API")
        .doesNotContain("\u001B[");
  }

  @Test
  void wrongUsageIsTwoLinesAndExitCodeTwo() {
    for (String[] args : new String[][] {{}, {"no-such-command"}, {"doctor", "--no-such-option"}}) {
      Outcome outcome = run(args);
      assertThat(outcome.code()).as(String.join(" ", args)).isEqualTo(2);
      assertThat(outcome.out()).isEmpty();
      assertThat(outcome.err()).startsWith("lapidary: ").contains("--help").doesNotContain("\tat ");
    }
  }

  @Test
  void everyCommandHasADescriptionAndExamples() {
    CommandLine top = new CommandLine(new Lapidary());
    top.getSubcommands()
        .forEach(
            (name, command) -> {
              String help = command.getUsageMessage(CommandLine.Help.Ansi.OFF);
              assertThat(command.getCommandSpec().usageMessage().description())
                  .as("description of " + name)
                  .isNotEmpty();
              assertThat(help).as("help of " + name).contains("lapidary " + name);
            });
  }

  @Test
  void checkpointInfoSumsUpAFile(@TempDir Path folder) {
    Path file = folder.resolve("model.safetensors");
    Safetensors.write(
        file, Map.of("a\u001Bb", Nd4j.zeros(DataType.FLOAT, 2, 3)), Map.of("format", "pt"));
    Outcome outcome = run("checkpoint", "info", "--tensors", file.toString());
    assertThat(outcome.err()).isEmpty();
    assertThat(outcome.code()).isZero();
    assertThat(outcome.out().lines().map(line -> line.replaceAll(" +", " ")).toList())
        .contains("tensors 1", "values 6", "bytes 24", "types F32 6", "F32 [2, 3] a?b");
  }

  @Test
  void checkpointInfoRefusesWhatIsNoCheckpoint(@TempDir Path folder) throws IOException {
    Path truncated = Files.write(folder.resolve("t.safetensors"), new byte[] {9, 0, 0, 0});
    for (Path path : List.of(folder, truncated, folder.resolve("missing"))) {
      Outcome outcome = run("checkpoint", "info", path.toString());
      assertThat(outcome.code()).as(path.toString()).isEqualTo(2);
      assertThat(outcome.err().lines().toList())
          .singleElement()
          .asString()
          .startsWith("lapidary: ")
          .contains(path.toString());
    }
  }

  static Stream<Arguments> failures() {
    return Stream.of(
        Arguments.of(new InputException("a.bin: truncated"), 2, "lapidary: a.bin: truncated\n"),
        Arguments.of(new InputException("two\n  lines"), 2, "lapidary: two lines\n"),
        Arguments.of(new IllegalArgumentException("k must be"), 2, "lapidary: k must be\n"),
        Arguments.of(
            new UncheckedIOException(new NoSuchFileException("x.yaml")),
            2,
            "lapidary: x.yaml: no such file or folder\n"),
        Arguments.of(
            new NullPointerException("graph"),
            70,
            "lapidary: unexpected error: java.lang.NullPointerException: graph;"
                + " run with --verbose for the stack trace\n"));
  }

  @ParameterizedTest
  @MethodSource("failures")
  void failuresBecomeOneLineAndAnExitCode(Throwable failure, int code, String line) {
    StringWriter err = new StringWriter();
    assertThat(Failures.report(failure, false, new PrintWriter(err))).isEqualTo(code);
    assertThat(err.toString().replace(System.lineSeparator(), "\n")).isEqualTo(line);
  }

  @Test
  void outOfMemoryNamesTheVariableToRaise() {
    StringWriter err = new StringWriter();
    PrintWriter writer = new PrintWriter(err);
    assertThat(Failures.report(new OutOfMemoryError("Java heap space"), false, writer))
        .isEqualTo(2);
    assertThat(err.toString()).contains("LAPIDARY_HEAP");
    assertThat(
            Failures.report(
                new OutOfMemoryError("Physical memory usage is too high"), false, writer))
        .isEqualTo(2);
    assertThat(err.toString()).contains("LAPIDARY_OFFHEAP");
  }

  @Test
  void verbosePrintsTheStackTrace() {
    StringWriter err = new StringWriter();
    Failures.report(new IllegalStateException("order"), true, new PrintWriter(err));
    assertThat(err.toString())
        .contains("\tat io.lapidary.app.LapidaryTest")
        .doesNotContain("--verbose");
  }
}
