package io.lapidary.app;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Searches over very short trainings of the emoji classifier. */
class SearchCommandTest {
  @TempDir private Path folder;

  @BeforeEach
  void files() throws IOException {
    Files.writeString(
        folder.resolve("train.yaml"),
        """
        task: image-classifier
        seed: 3
        config:
          data: {label: CATEGORY, heldOut: 0.02}
          network: {depth: 1, width: 2}
          batchSize: 16
          train:
            steps: 3
            optimizer: {type: ADAM, learningRate: 0.01}
        """);
    write(
        """
        train: train.yaml
        score: {metric: test/accuracy, maximize: true}
        trials: 3
        seed: 4
        parameters:
          config.train.optimizer.learningRate: {log: [0.001, 0.1]}
          config.network.width: {values: [2, 3]}
        """);
  }

  private void write(String text) throws IOException {
    Files.writeString(folder.resolve("search.yaml"), text);
  }

  private Cli.Outcome search(String... more) {
    List<String> args =
        new ArrayList<>(
            List.of(
                "search",
                folder.resolve("search.yaml").toString(),
                "--out",
                folder.resolve("out").toString()));
    args.addAll(Arrays.asList(more));
    return Cli.run(args.toArray(String[]::new));
  }

  @Test
  void writesTheBestAsATrainingFile() throws IOException {
    Cli.Outcome outcome = search("--json");
    assertThat(outcome.code()).as(outcome.err()).isZero();
    JsonNode trials = new ObjectMapper().readTree(outcome.out());
    assertThat(trials).hasSize(3);
    assertThat(trials.get(0).get("score").asDouble())
        .isGreaterThanOrEqualTo(trials.get(2).get("score").asDouble());
    Path best = folder.resolve("out/best.yaml");
    String rate = trials.get(0).get("values").get("config.train.optimizer.learningRate").asText();
    assertThat(Files.readString(best))
        .contains("image-classifier")
        .contains("learningRate: " + rate);
    Cli.Outcome trained =
        Cli.run("train", best.toString(), "--out", folder.resolve("again").toString());
    assertThat(trained.code()).as(trained.err()).isZero();
    assertThat(folder.resolve("out/trial-0000/model")).doesNotExist();

    assertThat(search().err()).contains("holds 3 trials").contains("--resume");
    Cli.Outcome more = search("--resume", "--set", "trials=4");
    assertThat(more.code()).as(more.err()).isZero();
    assertThat(more.out()).contains("trial 3,").doesNotContain("trial 2,").contains("4 trials");
  }

  @Test
  void aTrialThatFailsIsPassedOver() throws IOException {
    write(
        """
        train: train.yaml
        score: {metric: loss}
        algorithm: GRID
        trials: 10
        parameters:
          config.network.depth: {values: [1, 9]}
        """);
    Cli.Outcome outcome = search();
    assertThat(outcome.code()).as(outcome.err()).isZero();
    assertThat(outcome.out()).contains("2 trials, 1 failed").contains("depth must leave");
    write(
        """
        train: train.yaml
        score: {metric: loss}
        trials: 2
        parameters:
          config.batchSize: {integers: [100000, 200000]}
        """);
    Cli.Outcome none =
        Cli.run(
            "search",
            folder.resolve("search.yaml").toString(),
            "--out",
            folder.resolve("other").toString());
    assertThat(none.code()).as(none.err()).isEqualTo(1);
    assertThat(none.err()).contains("all 2 trials failed");
  }

  @Test
  void badFilesAreOneLine() throws IOException {
    String good = Files.readString(folder.resolve("search.yaml"));
    write(good.replace("train: train.yaml", "train: nowhere.yaml"));
    refused("nowhere.yaml");
    write(good.replace("config.network.width", "config.network.widht"));
    refused("widht");
    write(good.replace("test/accuracy", "test/acuracy"));
    refused("test/acuracy", "test/accuracy", "loss");
    write(good.replace("[0.001, 0.1]", "[0, 0.1]"));
    refused("log", "above 0");
    write(good.replace("trials: 3", "trials: many"));
    refused("trials");
    write(good + "tirals: 3\n");
    refused("tirals");
  }

  private void refused(String... words) {
    Cli.Outcome outcome = search();
    assertThat(outcome.code()).as(outcome.err()).isEqualTo(2);
    assertThat(outcome.errors()).hasSize(1);
    assertThat(outcome.err()).contains(words);
  }
}
