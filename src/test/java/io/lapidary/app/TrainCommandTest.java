package io.lapidary.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.lapidary.io.CheckpointFolder;
import io.lapidary.train.TrainingUiFile;
import io.lapidary.train.TrainingUiListener;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.deeplearning4j.core.storage.Persistable;
import org.deeplearning4j.ui.model.stats.api.StatsReport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

class TrainCommandTest {
  private static final String CLASSIFIER = "experiments/emoji-classifier/train.yaml";
  private static final String CLIP = "experiments/clip/train.yaml";

  @TempDir Path temporary;

  private static List<String> tiny(Path out, int steps) {
    return new ArrayList<>(
        List.of(
            "train",
            CLASSIFIER,
            "--out",
            out.toString(),
            "--set",
            "config.network={depth: 2, width: 4}",
            "--set",
            "config.data.vendor=GOOGLE",
            "--set",
            "config.train.epochs=null",
            "--set",
            "config.train.steps=" + steps,
            "--set",
            "config.train.schedule.warmupSteps=1",
            "--set",
            "config.train.logEvery=1"));
  }

  private static Cli.Outcome train(List<String> arguments, String... more) {
    List<String> all = new ArrayList<>(arguments);
    all.addAll(List.of(more));
    return Cli.run(all.toArray(String[]::new));
  }

  @Test
  void leavesConfigurationMetricsCheckpointsAndModel() throws IOException {
    Path run = temporary.resolve("run");
    Cli.Outcome outcome = train(tiny(run, 4), "--set", "config.batchSize=32");
    assertThat(outcome.err()).isEmpty();
    assertThat(outcome.code()).isZero();
    assertThat(outcome.out())
        .contains("step 4  test/accuracy 0.", "complete after 4 steps", "model: ");
    assertThat(Files.readAllLines(run.resolve("metrics.jsonl"))).hasSize(5); // one evaluation
    assertThat(run.resolve("checkpoints/step-000004")).isDirectory();
    try (CheckpointFolder model = CheckpointFolder.open(run.resolve("model"))) {
      assertThat(model.config().path("id2label").size()).isEqualTo(10);
      assertThat(model.names()).hasSize(10);
    }

    Cli.Outcome again = train(tiny(run, 4), "--set", "config.batchSize=32");
    assertThat(again.code()).isEqualTo(2);
    assertThat(again.errors()).singleElement().asString().contains("earlier run", "resume");
    Cli.Outcome other = train(tiny(run, 9), "--set", "config.batchSize=32", "--resume");
    assertThat(other.errors()).singleElement().asString().contains("steps", "4", "9");

    Path copy = temporary.resolve("copy"); // the resolved configuration is a configuration
    Cli.Outcome repeated =
        Cli.run("train", run.resolve("config.yaml").toString(), "--out", copy.toString());
    assertThat(repeated.err()).isEmpty();
    assertThat(Files.readAllBytes(copy.resolve("model/model.safetensors")))
        .isEqualTo(Files.readAllBytes(run.resolve("model/model.safetensors")));
  }

  @Test
  void aFileForTheTrainingPageHoldsTheLosses() throws IOException {
    Path run = temporary.resolve("run");
    Path page = temporary.resolve("page.db");
    Cli.Outcome outcome =
        train(tiny(run, 4), "--set", "config.batchSize=32", "--ui", page.toString());
    assertThat(outcome.err()).isEmpty();
    assertThat(outcome.code()).isZero();
    Map<Integer, Double> losses = new TreeMap<>();
    for (String line : Files.readAllLines(run.resolve("metrics.jsonl"))) {
      JsonNode node = new ObjectMapper().readTree(line);
      if (node.has("losses")) {
        losses.put(node.get("step").asInt(), node.get("losses").get("total").asDouble());
      }
    }
    assertThat(losses).hasSize(4);
    assertThat(page(page)).isEqualTo(losses);

    Path text = Files.writeString(temporary.resolve("text"), "not a storage");
    Cli.Outcome refused = train(tiny(temporary.resolve("other"), 4), "--ui", text.toString());
    assertThat(refused.code()).isEqualTo(2);
    assertThat(refused.errors()).singleElement().asString().contains(text.toString(), "another");
    assertThat(text).hasContent("not a storage");
  }

  /** Scores by iteration of the one session of a file. */
  private static Map<Integer, Double> page(Path file) {
    Map<Integer, Double> scores = new TreeMap<>();
    try (TrainingUiFile open = TrainingUiFile.open(file)) {
      assertThat(open.storage().listSessionIDs()).containsExactly("image-classifier run");
      for (Persistable update :
          open.storage().getAllUpdatesAfter("image-classifier run", TrainingUiListener.TYPE, 0)) {
        StatsReport report = (StatsReport) update;
        assertThat(scores.put(report.getIterationCount(), report.getScore())).isNull();
      }
    }
    return scores;
  }

  @Test
  @Timeout(180)
  void aStoppedTrainingGoesOnToTheSameModel() throws Exception {
    Path run = temporary.resolve("run");
    List<String> arguments = tiny(run, 40);
    Path page = temporary.resolve("page.db");
    arguments.addAll(List.of("--set", "config.batchSize=256", "--ui", page.toString()));
    Process child = child(List.of(), arguments);
    Path metrics = run.resolve("metrics.jsonl");
    while (child.isAlive()
        && !(Files.exists(metrics) && Files.readString(metrics).lines().count() > 3)) {
      Thread.sleep(20);
    }
    child.destroy(); // SIGTERM, as Ctrl-C
    assertThat(child.waitFor(90, TimeUnit.SECONDS)).isTrue();
    String said = Files.readString(temporary.resolve("said"));
    assertThat(said).contains("stopped and saved after step", "--resume").doesNotContain("\tat ");
    assertThat(said).doesNotContain("no further reports");

    Cli.Outcome resumed = train(arguments, "--resume");
    assertThat(resumed.err()).isEmpty();
    assertThat(resumed.out()).contains("going on after step", "complete after 40 steps");
    // the file is closed at once: the step in progress may be missing
    assertThat(page(page)).hasSizeBetween(39, 40).containsKeys(1, 40);
    Path straight = temporary.resolve("straight");
    arguments.set(3, straight.toString());
    assertThat(train(arguments).code()).isZero();
    assertThat(Files.readAllBytes(run.resolve("model/model.safetensors")))
        .isEqualTo(Files.readAllBytes(straight.resolve("model/model.safetensors")));
  }

  @Test
  @Timeout(120)
  @EnabledOnOs(OS.LINUX)
  void aDiskThatTakesNoMoreIsOneLine() throws Exception {
    List<String> arguments = tiny(temporary.resolve("run"), 2);
    arguments.addAll(
        List.of("--set", "config.batchSize=8", "--set", "config.network={depth: 3, width: 64}"));
    // Files may not grow beyond 64 blocks: the weights do not fit, as on a full disk.
    Process child = child(List.of("sh", "-c", "ulimit -f 64; exec \"$@\"", "sh"), arguments);
    assertThat(child.waitFor(90, TimeUnit.SECONDS)).isTrue();
    assertThat(child.exitValue()).isEqualTo(2);
    assertThat(Files.readAllLines(temporary.resolve("said")))
        .filteredOn(line -> line.startsWith("lapidary: "))
        .singleElement()
        .asString()
        .contains("cannot be written", "free space");
  }

  private Process child(List<String> before, List<String> arguments) throws IOException {
    List<String> command = new ArrayList<>(before);
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(
        List.of(
            "-Xmx512m",
            "-XX:+UseSerialGC",
            "-XX:-UsePerfData",
            "-Dorg.nd4j.log.initialization=false",
            "-Dorg.bytedeco.javacpp.platform.extension="
                + System.getProperty("org.bytedeco.javacpp.platform.extension", ""),
            "--add-modules",
            "jdk.incubator.vector",
            "-cp",
            System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
            Lapidary.class.getName()));
    command.addAll(arguments);
    return new ProcessBuilder(command)
        .redirectErrorStream(true)
        .redirectOutput(temporary.resolve("said").toFile())
        .start();
  }

  @Test
  void trainsClip() {
    Path run = temporary.resolve("run");
    Cli.Outcome outcome =
        Cli.run(
            "train",
            CLIP,
            "--out",
            run.toString(),
            "--set",
            "config.model.patch=16",
            "--set",
            "config.model.vision={width: 8, layers: 1, heads: 2}",
            "--set",
            "config.model.text={width: 8, layers: 1, heads: 2}",
            "--set",
            "config.batchSize=8",
            "--set",
            "config.train.steps=2",
            "--set",
            "config.train.schedule.warmupSteps=1");
    assertThat(outcome.err()).isEmpty();
    assertThat(outcome.code()).isZero();
    Path model = run.resolve("model");
    assertThat(Cli.run("checkpoint", "info", model.toString()).out()).contains("clip");
    assertThat(model.resolve("tokenizer.json")).exists();
  }

  @Test
  void divergenceIsOneLineAndExitCodeOne() {
    Cli.Outcome outcome =
        train(
            tiny(temporary.resolve("run"), 9),
            "--set",
            "config.batchSize=8",
            "--set",
            "config.train.clipNorm=0",
            "--set",
            "config.train.optimizer={type: SGD, learningRate: 1.0e30}");
    assertThat(outcome.code()).isEqualTo(1);
    assertThat(outcome.errors())
        .singleElement()
        .asString()
        .startsWith("lapidary: training diverged at step ")
        .contains("last finite loss");
  }

  @Test
  void badInputIsOneLine() throws IOException {
    Path file = temporary.resolve("train.yaml");
    Path blocked = Files.writeString(temporary.resolve("blocked"), "a file");
    Map<List<String>, String> cases =
        Map.of(
            List.of(temporary.resolve("gone.yaml").toString()), "gone.yaml: no such file",
            List.of(CLASSIFIER, "--set", "task=image-clasifier"), "did you mean image-classifier",
            List.of(CLASSIFIER, "--set", "tusk=x"), "tusk: unknown key",
            List.of(CLASSIFIER, "--set", "config.batchsize=3"), "config.batchsize: unknown key",
            List.of(CLASSIFIER, "--set", "config.batchSize=3.5"), "expected a whole number",
            List.of(CLASSIFIER, "--set", "config.network.depth=9"), "depth must leave",
            List.of(CLASSIFIER, "--set", "config.train.steps=9"), "exactly one of epochs and steps",
            List.of(CLASSIFIER, "--set", "config=null"), "config",
            List.of(CLASSIFIER, "--out", blocked.toString()), "blocked: cannot be written",
            List.of("experiments/clip/desk.yaml"), "task is missing");
    cases.forEach(
        (arguments, message) -> {
          List<String> all = new ArrayList<>(List.of("train"));
          all.addAll(arguments);
          Cli.Outcome outcome = Cli.run(all.toArray(String[]::new));
          assertThat(outcome.code()).as(arguments.toString()).isEqualTo(2);
          assertThat(outcome.errors())
              .as(arguments.toString())
              .singleElement()
              .asString()
              .startsWith("lapidary: ")
              .contains(message);
        });
    for (String text : List.of("task: [", "a\tb: \"", "- 1\n- 2\n", "task: {a: 1}\n", "")) {
      Files.writeString(file, text, StandardCharsets.UTF_8);
      Cli.Outcome outcome = Cli.run("train", file.toString());
      assertThat(outcome.code()).as(text).isEqualTo(2);
      assertThat(outcome.errors()).as(text).singleElement().asString().contains("train.yaml");
    }
    assertThat(Cli.run("train", temporary.toString()).code()).isEqualTo(2);
  }

  @Test
  void aReadOnlyFolderIsOneLine() throws IOException {
    assumeTrue(
        temporary.getFileSystem().supportedFileAttributeViews().contains("posix"), "no POSIX");
    Path folder = Files.createDirectory(temporary.resolve("locked"));
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("r-xr-xr-x"));
    assumeTrue(!Files.isWritable(folder), "this user may write everywhere");
    for (String[] args :
        new String[][] {
          {"train", CLASSIFIER, "--out", folder.resolve("run").toString()},
          {"reproduce", "clip", "--scale", "desk", "--out", folder.toString()},
          {
            "checkpoint",
            "convert",
            "src/test/resources/golden/clip",
            folder.resolve("x").toString(),
            "--dtype",
            "f16"
          },
        }) {
      Cli.Outcome outcome = Cli.run(args);
      assertThat(outcome.code()).isEqualTo(2);
      assertThat(outcome.errors()).singleElement().asString().contains("locked", "access denied");
    }
  }
}
