package io.lapidary.method.clip;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lapidary.InputException;
import io.lapidary.Seeds;
import io.lapidary.data.Augmentation;
import io.lapidary.data.Emoji;
import io.lapidary.data.EmojiDataset;
import io.lapidary.data.EmojiExample;
import io.lapidary.io.Tokenizer;
import io.lapidary.report.Claim;
import io.lapidary.report.Figure;
import io.lapidary.report.Machines;
import io.lapidary.report.Result;
import io.lapidary.report.ResultFiles;
import io.lapidary.report.RunContext;
import io.lapidary.report.Terminal;
import io.lapidary.train.OptimizerConfig;
import io.lapidary.train.TrainConfig;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.ndarray.INDArray;

class ClipExperimentTest {
  private static final Set<String> CLAIMS =
      Set.of(
          "style-recall-at-1",
          "style-recall-at-5",
          "style-reciprocal-rank",
          "style-random-tower",
          "kind-trained-style",
          "kind-unseen-style");

  @TempDir Path temporary;

  private static EmojiClipConfig tiny(String checkpoint, long steps) {
    EmojiClipConfig.Tower tower = new EmojiClipConfig.Tower(16, 1, 2);
    return new EmojiClipConfig(
        checkpoint,
        new EmojiClipConfig.Data(Emoji.Vendor.GOOGLE, 0.1, 1),
        new EmojiClipConfig.Model(16, tower, tower, 16, 8),
        Augmentation.none(),
        0.5,
        32,
        TrainConfig.steps(steps, OptimizerConfig.adamW(3e-3, 0.01)).build());
  }

  private RunContext context(Path output, Long... seeds) {
    Map<String, Double> thresholds = CLAIMS.stream().collect(Collectors.toMap(id -> id, id -> 0.0));
    return new RunContext(
        new RunContext.Setup(
            "clip",
            "test",
            List.of(seeds),
            thresholds,
            output,
            Machines.here(1, "cpu"),
            Terminal.plain()));
  }

  @Test
  void measuresEveryClaimAndJudgesWhatItSaved() {
    ClipExperiment experiment = new ClipExperiment();
    Path trained = temporary.resolve("trained");
    Result result = experiment.run(tiny(null, 2), context(trained, 1L, 2L));
    assertThat(result.claims().stream().map(Claim::id).collect(Collectors.toSet()))
        .isEqualTo(CLAIMS);
    assertThat(result.claims()).allMatch(claim -> claim.ci() != null && claim.indicative());
    assertThat(result.figures().stream().map(Figure::getClass).collect(Collectors.toSet()))
        .hasSize(4);
    Path file = ResultFiles.write(temporary, result);
    assertThat(ResultFiles.read(file).claims()).isEqualTo(result.claims());

    Path folder = trained.resolve("seed-1").toAbsolutePath();
    Result judged =
        experiment.run(tiny(folder.toString(), 1), context(temporary.resolve("judged"), 1L));
    assertThat(judged.provenance().data()).containsKeys("emoji", "checkpoint");
    assertThat(judged.claims()).hasSameSizeAs(result.claims());
    assertThatThrownBy(
            () -> experiment.run(tiny("no/such/folder", 1), context(temporary.resolve("x"), 1L)))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("no/such/folder");
  }

  @Test
  void heldOutEmojiAreNeitherSeenNorReadOf() {
    EmojiDataset data = EmojiDataset.open();
    EmojiWorld world = EmojiWorld.of(data, new EmojiClipConfig.Data(Emoji.Vendor.TWITTER, 0.1, 3));
    assertThat(world.train()).allMatch(e -> e.vendor() == Emoji.Vendor.TWITTER);
    assertThat(world.renderings()).allMatch(e -> e.vendor() == Emoji.Vendor.GOOGLE);
    assertThat(world.renderings()).hasSameSizeAs(world.train());
    Set<Integer> seen = new HashSet<>();
    world.train().forEach(e -> seen.add(e.emoji()));
    assertThat(world.heldOut().stream().map(EmojiExample::emoji)).doesNotContainAnyElementsOf(seen);
    assertThat(world.gallery()).hasSize(world.train().size() + world.heldOut().size());
    Set<String> spoken = new HashSet<>();
    world.trainingTexts().forEach(spoken::addAll);
    Set<String> silent = new HashSet<>();
    world.heldOut().forEach(e -> silent.addAll(EmojiTexts.names(world.emoji(e))));
    silent.retainAll(spoken);
    assertThat(silent).isEmpty();
    assertThat(world.kindNumbers(world.heldOut())).doesNotContain(-1);
    world.vocabulary().write(temporary);
    try (Tokenizer tokenizer = Tokenizer.open(temporary)) {
      int longest =
          world.trainingTexts().stream()
              .flatMap(List::stream)
              .mapToInt(text -> tokenizer.encode(text).length)
              .max()
              .orElseThrow();
      assertThat(longest).isLessThanOrEqualTo(24);
    }
  }

  @Test
  void pixelNeighboursFindIdenticalPictures() {
    EmojiDataset data = EmojiDataset.open();
    EmojiWorld world = EmojiWorld.of(data, new EmojiClipConfig.Data(Emoji.Vendor.GOOGLE, 0.5, 3));
    EmojiWorld itself =
        new EmojiWorld(
            data,
            world.train(),
            world.train(),
            world.heldOut(),
            world.heldOutRenderings(),
            world.gallery(),
            world.kinds());
    assertThat(Scores.pixelNeighbours(itself)).containsOnly(1.0);
    assertThat(Scores.pixelNeighbours(world)).hasSize(world.renderings().size());
  }

  @Test
  void labelsHaveUnitLengthAndSeedsRepeat() {
    EmojiDataset data = EmojiDataset.open();
    EmojiClipConfig config = tiny(null, 2);
    EmojiWorld world = EmojiWorld.of(data, config.data());
    TrainingCurve curve = new TrainingCurve("a", io.lapidary.report.Progress.silent());
    try (EmojiClip a = EmojiClip.train(config, world, new Seeds(5), temporary, curve);
        EmojiClip b = EmojiClip.train(config, world, new Seeds(5), temporary.resolve("b"), curve);
        EmojiClip loaded = EmojiClip.load(temporary)) {
      assertThat(a.clip().parameters().all()).isEqualTo(b.clip().parameters().all());
      INDArray labels = a.labels(List.of("cat", "dog face"), List.of("%s"));
      assertThat(labels.norm2(1).sub(1).amaxNumber().doubleValue()).isLessThan(1e-5);
      INDArray again = loaded.labels(List.of("cat", "dog face"), List.of("%s"));
      assertThat(again.sub(labels).amaxNumber().doubleValue()).isLessThan(1e-2);
    }
  }

  @Test
  void bootstrapIntervalHoldsTheMean() {
    double[][] values = {{0, 1, 0, 1, 1, 0}, {1, 1, 0, 1, 0, 0}, {0, 1, 0, 1, 1, 1}};
    var interval = TwoWayBootstrap.mean(values, 1);
    assertThat(interval.contains(RankScore.mean(values))).isTrue();
    assertThat(interval).isEqualTo(TwoWayBootstrap.mean(values, 1));
    assertThat(TwoWayBootstrap.mean(new double[][] {{2, 2, 2}}, 1).low()).isEqualTo(2);
  }

  @Test
  void rejectsConfigurationsThatMakeNoExperiment() {
    assertThatThrownBy(() -> new EmojiClipConfig.Data(Emoji.Vendor.GOOGLE, 1, 0))
        .hasMessageContaining("heldOut");
    assertThatThrownBy(() -> new EmojiClipConfig.Model(5, null, null, 16, 8))
        .hasMessageContaining("patch must divide");
    assertThatThrownBy(() -> new EmojiClipConfig.Tower(10, 1, 3)).hasMessageContaining("heads");
  }
}
