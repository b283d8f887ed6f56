package io.lapidary.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import io.lapidary.io.ConfigFiles;
import io.lapidary.report.Experiment;
import io.lapidary.search.SearchConfig;
import io.lapidary.train.TrainingTask;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

/** Command lines in texts, help and files are ones that the program understands. */
class DocumentationTest {
  private static final Pattern FENCED = Pattern.compile("(?ms)^```sh\\n(.*?)^```");
  private static final Pattern COMMAND =
      Pattern.compile(
          "(?m)^ *#? *(?:Run: )?(?:[A-Z_]+=\\S+ )*(?:target/lapidary/bin/)?lapidary +(.+?) *(?:#.*)?$");

  /** Commands without side effects that take less than a second. */
  private static final Pattern QUICK =
      Pattern.compile("doctor|datasets (list|info \\S+)|checkpoint (info|verify) \\S+|.*--help");

  private static List<Path> files(Path folder, String ending) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      return files.filter(file -> file.toString().endsWith(ending)).sorted().toList();
    }
  }

  private static Set<String> commands(String text) {
    Set<String> commands = new LinkedHashSet<>();
    Matcher matcher = COMMAND.matcher(text);
    while (matcher.find()) {
      commands.add(matcher.group(1));
    }
    return commands;
  }

  private static Set<String> documented() throws IOException {
    List<Path> texts = new ArrayList<>(List.of(Path.of("README.md")));
    for (String folder : List.of("docs", "experiments", "datasets", "checkpoints")) {
      if (Files.isDirectory(Path.of(folder))) {
        texts.addAll(files(Path.of(folder), ".md"));
      }
    }
    Set<String> commands = new LinkedHashSet<>();
    for (Path text : texts) {
      Matcher blocks = FENCED.matcher(Files.readString(text));
      while (blocks.find()) {
        commands.addAll(commands(blocks.group(1)));
      }
    }
    return commands;
  }

  private static void addExamples(CommandLine command, Set<String> commands) {
    for (String line : command.getCommandSpec().usageMessage().footer()) {
      commands.addAll(commands(line));
    }
    command.getSubcommands().values().forEach(sub -> addExamples(sub, commands));
  }

  private static void assertParses(String command) {
    String[] args = command.split(" +", -1);
    assertThatCode(
            () ->
                new CommandLine(new Lapidary())
                    .setCaseInsensitiveEnumValuesAllowed(true)
                    .parseArgs(args))
        .as(command)
        .doesNotThrowAnyException();
  }

  @Test
  void commandLinesParseAndQuickOnesRun() throws IOException {
    Set<String> commands = documented();
    assertThat(commands).as("the README shows commands").hasSizeGreaterThan(5);
    for (String command : commands) {
      assertParses(command);
      if (QUICK.matcher(command).matches()) {
        Cli.Outcome outcome = Cli.run(command.split(" +", -1));
        assertThat(outcome.code()).as(command + ": " + outcome.err()).isZero();
      }
    }
  }

  @Test
  void examplesInHelpAndFilesParse() throws IOException {
    Set<String> commands = new LinkedHashSet<>();
    addExamples(new CommandLine(new Lapidary()), commands);
    assertThat(commands).hasSizeGreaterThan(10);
    for (Path file : files(Path.of("experiments"), ".yaml")) {
      commands.addAll(commands(Files.readString(file)));
    }
    commands.forEach(DocumentationTest::assertParses);
  }

  @Test
  void theTableNamesEveryCommandAndNoOther() throws IOException {
    Set<String> named = new LinkedHashSet<>();
    Matcher rows =
        Pattern.compile("(?m)^\\| `lapidary ([a-z]+)")
            .matcher(Files.readString(Path.of("README.md")));
    while (rows.find()) {
      named.add(rows.group(1));
    }
    assertThat(named)
        .containsExactlyInAnyOrderElementsOf(
            new CommandLine(new Lapidary()).getSubcommands().keySet());
  }

  /** A search file, and every parameter of it in the training file. */
  private static void searchFileLoads(Path file, Registry registry) {
    SearchConfig search = ConfigFiles.load(file, Map.of(), SearchConfig.class);
    Path training = file.resolveSibling(search.train());
    search
        .parameters()
        .forEach(
            (key, range) -> {
              Map<String, String> value = Map.of(key, String.valueOf(range.example()));
              TrainingTask<?> task = registry.task(RunFile.read(training, value).task());
              assertThat(RunFile.config(training, value, task.configType())).isNotNull();
            });
  }

  @Test
  void everyExperimentFileLoads() throws IOException {
    Registry registry = Registry.standard();
    for (Path file : files(Path.of("experiments"), ".yaml")) {
      if (file.toString().contains(".runs")) {
        continue;
      }
      if (file.getFileName().toString().equals("search.yaml")) {
        searchFileLoads(file, registry);
        continue;
      }
      RunFile top = RunFile.read(file, Map.of());
      if (top.task() != null) {
        TrainingTask<?> task = registry.task(top.task());
        assertThat(RunFile.config(file, Map.of(), task.configType())).isNotNull();
        continue;
      }
      String folder = file.getParent().getFileName().toString();
      Experiment<?> experiment = registry.experiment(folder);
      assertThat(RunFile.config(file, Map.of(), experiment.configType())).isNotNull();
      assertThat(top.seeds()).as(file.toString()).isNotEmpty();
      assertThat(top.thresholds()).as(file.toString()).isNotEmpty();
      assertThat(Arrays.asList("quick.yaml", "desk.yaml", "paper.yaml"))
          .contains(file.getFileName().toString());
    }
    for (Experiment<?> experiment : registry.experiments()) {
      for (String scale : List.of("quick", "desk", "paper")) {
        assertThat(Path.of("experiments", experiment.name(), scale + ".yaml")).exists();
      }
    }
  }
}
