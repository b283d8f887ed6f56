package io.lapidary.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DatasetsCommandTest {
  @TempDir Path temporary;

  @Test
  void listAndInfo() {
    Cli.Outcome list = Cli.run("datasets", "list");
    assertThat(list.code()).isZero();
    assertThat(list.out().lines().toList()).anyMatch(line -> line.matches("emoji +shipped .*"));
    Cli.Outcome emoji = Cli.run("datasets", "info", "emoji");
    assertThat(emoji.out()).contains("CC-BY 4.0", "emoji.csv", "sha256", "datasets");
    assertThat(Cli.run("datasets", "info", "cifar10").out()).contains("c4a38c50", "170.1 MB");
    assertThat(Cli.run("datasets", "fetch", "emoji").out()).contains("emoji is complete");
  }

  @Test
  void badInputIsOneLine() throws IOException {
    Path file = Files.writeString(temporary.resolve("file"), "x");
    String[][] cases = {
      {"info", "emojy", "did you mean emoji"},
      {"fetch", "cifar", "did you mean cifar10"},
      {"build", "cifar10", "--google", "a", "--twitter", "b", "known: emoji"},
      {
        "build",
        "emoji",
        "--google",
        "gone.tgz",
        "--twitter",
        "b",
        "--out",
        temporary.resolve("o").toString(),
        "gone.tgz"
      },
      {
        "build",
        "emoji",
        "--google",
        file.toString(),
        "--twitter",
        file.toString(),
        "--out",
        temporary.resolve("o").toString(),
        file.toString()
      },
      {
        "build",
        "emoji",
        "--google",
        "a",
        "--twitter",
        "b",
        "--out",
        file.toString(),
        "cannot be written"
      },
    };
    for (String[] c : cases) {
      String[] args = new String[c.length];
      args[0] = "datasets";
      System.arraycopy(c, 0, args, 1, c.length - 1);
      Cli.Outcome outcome = Cli.run(args);
      assertThat(outcome.code()).as(String.join(" ", args)).isEqualTo(2);
      assertThat(outcome.errors())
          .as(String.join(" ", args))
          .singleElement()
          .asString()
          .startsWith("lapidary: ")
          .contains(c[c.length - 1]);
    }
    Cli.Outcome damaged =
        Cli.withHome(
            temporary,
            () -> {
              try {
                Files.createDirectories(temporary.resolve("datasets/emoji"));
              } catch (IOException e) {
                throw new java.io.UncheckedIOException(e);
              }
              return Cli.run("datasets", "fetch", "emoji");
            });
    assertThat(damaged.code()).isEqualTo(2);
    assertThat(damaged.errors()).singleElement().asString().contains("dataset.json");
  }

  @Test
  void reportNeedsResultsAndAFileToWrite() throws IOException {
    String folder = temporary.toString();
    assertThat(Cli.run("report", "--results", folder).errors())
        .singleElement()
        .asString()
        .contains("holds no results", "lapidary reproduce");
    assertThat(Cli.run("report", "--results", temporary.resolve("gone").toString()).code())
        .isEqualTo(2);
    Path result = temporary.resolve("x/results/quick.json");
    Files.createDirectories(result.getParent());
    Files.writeString(result, "{\"experiment\": 3}");
    Cli.Outcome outcome = Cli.run("report", "--results", folder, "--out", folder);
    assertThat(outcome.code()).isEqualTo(2);
    assertThat(outcome.errors()).singleElement().asString().contains("quick.json");
  }
}
