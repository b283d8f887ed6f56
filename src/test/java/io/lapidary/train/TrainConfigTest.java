package io.lapidary.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lapidary.InputException;
import io.lapidary.io.ConfigFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TrainConfigTest {
  @TempDir Path folder;

  private TrainConfig load(String yaml) throws IOException {
    Path file = folder.resolve("train.yaml");
    Files.writeString(file, yaml);
    return ConfigFiles.load(file, TrainConfig.class);
  }

  @Test
  void everyKeyLoadsFromYamlAndGoesBack() throws IOException {
    TrainConfig config =
        load(
            """
            epochs: 3
            optimizer: {type: SGD, learningRate: 0.1, weightDecay: 1e-4, momentum: 0.9, nesterov: true}
            schedule: {type: LINEAR, warmupSteps: 10, floor: 0.1}
            groups:
              - {match: ["*.bias"], weightDecay: 0}
              - {match: ["vision.*"], frozen: true}
            lossWeights: {contrastive: 1, size: 0.5}
            clipNorm: 1
            accumulate: 2
            emaDecay: 0.99
            logEvery: 5
            evaluateEvery: 50
            evaluateEveryEpochs: 1
            checkpointEvery: 100
            keep: 3
            monitor: {metric: val/error, mode: MAX, patience: 4, minDelta: 0.01}
            seed: 7
            recompute: true
            """);
    assertThat(config.totalSteps(5)).isEqualTo(9);
    assertThat(config.totalSteps(-1)).isEqualTo(-1);
    assertThat(config.groups().get(1).frozen()).isTrue();
    assertThat(config.recompute()).isTrue();
    assertThat(load(ConfigFiles.toYaml(config))).isEqualTo(config);
  }

  @Test
  void whatIsLeftOutGetsItsDefault() throws IOException {
    TrainConfig config = load("steps: 5\noptimizer: {learningRate: 1e-3}\n");
    assertThat(config).isEqualTo(TrainConfig.steps(5, OptimizerConfig.adamW(1e-3, 0)).build());
    assertThat(config.accumulate()).isEqualTo(1);
    assertThat(config.optimizer().beta2()).isEqualTo(0.999);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "optimizer: {learningRate: 0.1} | epochs and steps",
        "'{steps: 1, epochs: 1, optimizer: {learningRate: 0.1}}' | epochs and steps",
        "steps: 3 | optimizer",
        "'{steps: 3, optimizer: {learningRate: -1}}' | learningRate",
        "'{steps: 3, optimizer: {learningRate: 1, rate: 2}}' | rate",
        "'{steps: 3, optimizer: {learningRate: 1}, emaDecay: 1}' | emaDecay",
        "'{steps: 3, optimizer: {learningRate: 1}, accumulate: 0}' | accumulate",
        "'{steps: 3, optimizer: {learningRate: 1, type: LION}}' | ADAMW",
        "'{steps: 3, optimizer: {learningRate: 1}, groups: [{frozen: true}]}' | match",
      })
  void mistakesAreOneLine(String yaml, String part) {
    assertThatThrownBy(() -> load(yaml))
        .isInstanceOf(InputException.class)
        .hasMessageContaining(part)
        .hasMessageContaining("train.yaml")
        .satisfies(e -> assertThat(e.getMessage()).doesNotContain("\n"));
  }
}
