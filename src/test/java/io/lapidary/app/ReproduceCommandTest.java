package io.lapidary.app;

import static org.assertj.core.api.Assertions.assertThat;

import io.lapidary.Check;
import io.lapidary.report.Direction;
import io.lapidary.report.Experiment;
import io.lapidary.report.Result;
import io.lapidary.report.ResultFiles;
import io.lapidary.report.RunContext;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReproduceCommandTest {
  @TempDir Path home;
  private final Counting counting = new Counting("counting");
  private final Registry registry = Cli.registry(List.of(counting, new Counting("other")));

  /** Claims that its value is above the threshold. */
  private static final class Counting implements Experiment<Counting.Config> {
    record Config(double value, int steps) {
      Config {
        Check.positive("steps", steps);
      }
    }

    private final String name;
    private int runs;
    private boolean foundOldFile;

    Counting(String name) {
      this.name = name;
    }

    @Override
    public String name() {
      return name;
    }

    @Override
    public Class<Config> configType() {
      return Config.class;
    }

    @Override
    public Result run(Config config, RunContext run) {
      runs++;
      Path left = run.output().resolve("left");
      foundOldFile = Files.exists(left);
      try {
        Files.writeString(left, "x");
      } catch (IOException e) {
        throw new java.io.UncheckedIOException(e);
      }
      double[] values = run.seeds().stream().mapToDouble(s -> config.value()).toArray();
      return run.result(
          config,
          List.of(
              run.claim("above", "section 1", "it is above", "points", Direction.ABOVE)
                  .overSeeds(values)),
          List.of(),
          List.of());
    }
  }

  @BeforeEach
  void files() throws IOException {
    Files.createDirectories(home.resolve("datasets/emoji"));
    for (String name : List.of("counting", "other")) {
      Path folder = Files.createDirectories(home.resolve("experiments").resolve(name));
      Files.writeString(
          folder.resolve("quick.yaml"),
          "seeds: [3]\nthresholds: {above: 1}\nconfig: {value: 2.5, steps: 5}\n");
      Files.writeString(folder.resolve("desk.yaml"), "extends: quick.yaml\nseeds: [3, 4, 9]\n");
    }
    Files.writeString(
        home.resolve("experiments/counting/paper.yaml"),
        "extends: quick.yaml\nrequires: {datasets: [cifar10, emoji], paths: [checkpoints/big]}\n");
  }

  private Cli.Outcome reproduce(String... args) {
    List<String> all = new ArrayList<>(List.of("reproduce"));
    all.addAll(List.of(args));
    return Cli.withHome(home, () -> Cli.run(registry, all.toArray(String[]::new)));
  }

  private Result result(String folder, String scale) {
    return ResultFiles.read(ResultFiles.path(home.resolve(folder), "counting", scale));
  }

  @Test
  void writesResultAndPageAndPrintsTheTable() {
    Cli.Outcome outcome = reproduce("counting");
    assertThat(outcome.err()).isEmpty();
    assertThat(outcome.code()).isZero();
    assertThat(outcome.out())
        .contains(
            "counting (quick): 1 seed",
            "HOLDS",
            "counting/results/quick.json".replace('/', java.io.File.separatorChar),
            "index.html");
    Result result = result("experiments", "quick");
    assertThat(result.seeds()).containsExactly(3L);
    assertThat(result.provenance().config()).containsEntry("steps", 5).containsEntry("value", 2.5);
    assertThat(home.resolve("report/index.html")).content().contains("it is above");
  }

  @Test
  void scaleAndNumberOfSeeds() {
    assertThat(reproduce("counting", "--scale", "desk").code()).isZero();
    assertThat(result("experiments", "desk").seeds()).containsExactly(3L, 4L, 9L);
    reproduce("counting", "--scale", "DESK", "--seeds", "5");
    assertThat(result("experiments", "desk").seeds()).containsExactly(3L, 4L, 9L, 10L, 11L);
    reproduce("counting", "--scale", "desk", "--seeds", "2");
    assertThat(result("experiments", "desk").seeds()).containsExactly(3L, 4L);
    assertThat(reproduce("counting", "--seeds", "0").code()).isEqualTo(2);
  }

  @Test
  void allRunsEveryExperimentAndGoesOnAfterAMissingInput() throws IOException {
    assertThat(reproduce("all").out()).contains("counting (quick)", "other (quick)", "2 results");
    Files.delete(home.resolve("experiments/counting/desk.yaml"));
    Cli.Outcome outcome = reproduce("all", "--scale", "desk");
    assertThat(outcome.code()).isEqualTo(2);
    assertThat(outcome.errors()).singleElement().asString().contains("desk.yaml: no such file");
    assertThat(outcome.out()).contains("other (desk)");
  }

  @Test
  void aFailingClaimIsAnErrorOnlyWhenAskedFor() {
    assertThat(reproduce("counting", "--set", "config.value=0.5").code()).isZero();
    Cli.Outcome strict = reproduce("counting", "--set", "config.value=0.5", "--strict");
    assertThat(strict.code()).isEqualTo(1);
    assertThat(strict.out()).contains("1 fail");
    assertThat(reproduce("counting", "--strict").code()).isZero();
  }

  @Test
  void changedSettingsDoNotReplaceResults() {
    reproduce("counting");
    reproduce("counting", "--set", "config.value=7.5", "--set", "config.steps=6");
    assertThat(result("experiments", "quick").provenance().config()).containsEntry("value", 2.5);
    assertThat(result("report/changed", "quick").provenance().config())
        .containsEntry("value", 7.5)
        .containsEntry("steps", 6);
    Path out = home.resolve("mine");
    reproduce("counting", "--out", out.toString());
    assertThat(out.resolve("report.html")).exists();
    assertThat(result("mine", "quick").seeds()).containsExactly(3L);
  }

  @Test
  void resumeKeepsWhatIsFinishedAndFilesOfTheRun() throws IOException {
    reproduce("counting");
    reproduce("counting");
    assertThat(counting.runs).isEqualTo(2);
    assertThat(counting.foundOldFile).as("a new run starts empty").isFalse();
    Cli.Outcome outcome = reproduce("counting", "--resume");
    assertThat(counting.runs).isEqualTo(2);
    assertThat(outcome.out()).contains("HOLDS", "from before");
    Files.delete(ResultFiles.path(home.resolve("experiments"), "counting", "quick"));
    reproduce("counting", "--resume");
    assertThat(counting.runs).isEqualTo(3);
    assertThat(counting.foundOldFile).as("a resumed run finds its files").isTrue();
    reproduce("counting", "--resume", "--seeds", "2");
    assertThat(counting.runs).as("other settings run again").isEqualTo(4);
  }

  @Test
  void paperScaleSaysWhatIsMissing() {
    Cli.Outcome outcome = reproduce("counting", "--scale", "paper");
    assertThat(outcome.code()).isEqualTo(2);
    assertThat(outcome.errors())
        .singleElement()
        .asString()
        .contains("paper.yaml", "lapidary datasets fetch cifar10", "big")
        .doesNotContain("emoji");
    assertThat(counting.runs).isZero();
  }

  @Test
  void badInputIsOneLine() throws IOException {
    Path yaml = home.resolve("experiments/counting/quick.yaml");
    String[][] cases = {
      {"conting", "did you mean counting"},
      {"other", "--scale", "paper", "no such file"},
      {"counting", "--set", "config.step=3", "known here: steps, value"},
      {"counting", "--set", "config.steps=many", "config.steps: expected a whole number"},
      {"counting", "--set", "config.steps=0", "steps must be above 0"},
      {"counting", "--set", "seedz=[1]", "seedz: unknown key"},
      {"counting", "--set", "seeds=[]", "seeds are missing"},
      {"counting", "--set", "seeds=[1, 1]", "seeds must differ"},
      {"counting", "--set", "thresholds=null", "no threshold for claim above"},
      {"counting", "--set", "requires={datasets: [nope]}", "'nope' is not a known data set"},
      {"all", "--set", "config.steps=3", "--set changes the file of one experiment"},
      {"counting", "--out", yaml.toString(), "quick.yaml"},
    };
    for (String[] c : cases) {
      Cli.Outcome outcome = reproduce(java.util.Arrays.copyOf(c, c.length - 1));
      assertThat(outcome.code()).as(String.join(" ", c)).isEqualTo(2);
      assertThat(outcome.errors())
          .as(String.join(" ", c))
          .singleElement()
          .asString()
          .startsWith("lapidary: ")
          .contains(c[c.length - 1]);
    }
    Files.writeString(yaml, "seeds: [1]\nconfig: {value: 1.0}\n");
    assertThat(reproduce("counting").errors())
        .singleElement()
        .asString()
        .contains("config.steps: a value is missing");
    Files.writeString(yaml, "seeds: [1\n");
    assertThat(reproduce("counting").errors()).singleElement().asString().contains("quick.yaml");
    Files.writeString(home.resolve("experiments/counting/desk.yaml"), "extends: gone.yaml\n");
    assertThat(reproduce("counting", "--scale", "desk").errors())
        .singleElement()
        .asString()
        .contains("gone.yaml");
    assertThat(counting.runs).as("threshold is looked up by the run").isEqualTo(1);
  }

  @Test
  void aDamagedResultStopsTheReportOnly() throws IOException {
    reproduce("counting");
    Path damaged = home.resolve("experiments/other/results/quick.json");
    Files.createDirectories(damaged.getParent());
    Files.writeString(damaged, "{");
    Cli.Outcome outcome = reproduce("counting");
    assertThat(outcome.code()).isEqualTo(2);
    assertThat(outcome.out()).contains("HOLDS");
    assertThat(outcome.errors()).singleElement().asString().contains("other", "quick.json");
  }
}
