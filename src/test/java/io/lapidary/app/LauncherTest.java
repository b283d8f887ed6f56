package io.lapidary.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Runs the shell script with a stand-in for java that prints what it was given. */
@DisabledOnOs(OS.WINDOWS)
class LauncherTest {
  private static final Path SCRIPT = Path.of("src/main/scripts/lapidary").toAbsolutePath();

  @TempDir private Path folder;
  private Path java;

  private record Outcome(int code, List<String> lines) {}

  @BeforeEach
  void standIn() throws IOException {
    java = executable(folder.resolve("a java"), version("17.0.9"));
  }

  private static String version(String version) {
    return String.join(
        "\n",
        "#!/bin/sh",
        "if [ \"$1\" = -version ]; then echo 'openjdk version \"" + version + "\"' >&2; exit 0; fi",
        "for argument in \"$@\"; do printf '%s\\n' \"$argument\"; done",
        "echo \"threads=$OMP_NUM_THREADS spin=${GOMP_SPINCOUNT:-} pid=$$\"",
        "exit 7",
        "");
  }

  private static Path executable(Path file, String text) throws IOException {
    Files.writeString(file, text);
    return Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  private Outcome run(Path script, Map<String, String> environment, String... args)
      throws IOException, InterruptedException {
    List<String> command =
        Stream.concat(Stream.of("sh", script.toString()), Stream.of(args)).toList();
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.directory(folder.toFile());
    Map<String, String> variables = builder.environment();
    variables.keySet().removeIf(name -> name.matches("LAPIDARY_.*|OMP_.*|GOMP_.*"));
    variables.put("LAPIDARY_JAVA", java.toString());
    variables.putAll(environment);
    Process process = builder.start();
    process.getOutputStream().close();
    List<String> lines =
        new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8)
            .lines()
            .collect(Collectors.toList());
    int code = process.waitFor();
    lines.replaceAll(line -> line.replace("pid=" + process.pid(), "same process"));
    return new Outcome(code, lines);
  }

  @Test
  void startsTheProgramInItsOwnProcessWithLimitsAndHome() throws Exception {
    Outcome outcome = run(SCRIPT, Map.of(), "--class-path", "a b:c", "train", "my file.yaml");
    assertThat(outcome.code()).isEqualTo(7);
    assertThat(outcome.lines())
        .containsSubsequence("-cp", "a b:c", "io.lapidary.app.Lapidary", "train", "my file.yaml")
        .contains("--add-modules", "-Dlapidary.home=" + Path.of("").toAbsolutePath())
        .anyMatch(line -> line.matches("-Xmx[1-9]\\d*m"))
        .anyMatch(line -> line.matches("-Dorg\\.bytedeco\\.javacpp\\.maxbytes=[1-9]\\d*m"))
        .anyMatch(line -> line.matches("threads=[1-9]\\d* spin=\\d+ same process"));
  }

  @Test
  void everyChoiceCanBeOverridden() throws Exception {
    Map<String, String> environment = new HashMap<>();
    environment.put("LAPIDARY_HEAP", "300m");
    environment.put("LAPIDARY_OFFHEAP", "2G");
    environment.put("LAPIDARY_NATIVE", "-onednn-avx2");
    environment.put("LAPIDARY_JAVA_OPTS", "-Xmx1g -Dglob=*");
    environment.put("LAPIDARY_HOME", folder.toString());
    environment.put("OMP_NUM_THREADS", "3");
    environment.put("OMP_WAIT_POLICY", "ACTIVE");
    Outcome outcome = run(SCRIPT, environment, "--class-path", "x", "doctor");
    assertThat(outcome.lines())
        .contains(
            "-Dorg.bytedeco.javacpp.maxbytes=2048m",
            "-Dorg.bytedeco.javacpp.maxphysicalbytes=3372m",
            "-Dorg.bytedeco.javacpp.platform.extension=-onednn-avx2",
            "-Dlapidary.home=" + folder,
            "-Dglob=*",
            "threads=3 spin= same process")
        .containsSubsequence("-Xmx300m", "-Xmx1g", "-cp");
  }

  @Test
  void choosesOnlyNativeVariantsThatAreThere() throws Exception {
    assertThat(run(SCRIPT, Map.of(), "--class-path", "x.jar", "doctor").lines())
        .contains("-Dorg.bytedeco.javacpp.platform.extension=-generic");
    assertThat(
            run(
                    SCRIPT,
                    Map.of("LAPIDARY_NATIVE", "onednn-avx512"),
                    "--class-path",
                    "nd4j-cuda-11.6.jar",
                    "doctor")
                .lines())
        .noneMatch(line -> line.contains("platform.extension"));
  }

  @Test
  void worksInADistributionWithSpacesAndThroughLinks() throws Exception {
    Path bin = Files.createDirectories(folder.resolve("my dist/bin"));
    Files.createDirectories(folder.resolve("my dist/lib"));
    Path script = executable(bin.resolve("lapidary"), Files.readString(SCRIPT));
    Path link = Files.createSymbolicLink(folder.resolve("first"), script);
    Path second = Files.createSymbolicLink(folder.resolve("second"), Path.of("first"));
    Path real = folder.toRealPath();
    for (Path start : List.of(script, link, second)) {
      assertThat(run(start, Map.of(), "doctor").lines())
          .as(start.toString())
          .contains(real + "/my dist/lib/*", "-Dlapidary.home=" + real + "/my dist");
    }
  }

  @Test
  void helpAndVersionDoWithoutTheVectorModule() throws Exception {
    assertThat(run(SCRIPT, Map.of(), "--class-path", "x", "doctor", "--help").lines())
        .doesNotContain("--add-modules");
  }

  @ParameterizedTest
  @CsvSource({
    "LAPIDARY_HEAP, 3x",
    "LAPIDARY_HEAP, 0g",
    "LAPIDARY_HEAP, 1m",
    "LAPIDARY_OFFHEAP, -4g",
    "LAPIDARY_OFFHEAP, g",
    "LAPIDARY_NATIVE, sse",
    "LAPIDARY_HOME, no/such/folder",
    "LAPIDARY_JAVA, no/such/java",
    "OMP_NUM_THREADS, many",
    "OMP_NUM_THREADS, 0",
  })
  void badValuesAreNamedInOneLine(String name, String value) throws Exception {
    Outcome outcome = run(SCRIPT, Map.of(name, value), "--class-path", "x", "doctor");
    assertThat(outcome.code()).isEqualTo(2);
    assertThat(outcome.lines()).singleElement().asString().startsWith("lapidary: ").contains(value);
  }

  @Test
  void anOldJavaIsRefused() throws Exception {
    java = executable(folder.resolve("old"), version("1.8.0_392"));
    Outcome outcome = run(SCRIPT, Map.of(), "--class-path", "x", "doctor");
    assertThat(outcome.code()).isEqualTo(2);
    assertThat(outcome.lines()).singleElement().asString().contains("Java 17 or newer");
  }
}
