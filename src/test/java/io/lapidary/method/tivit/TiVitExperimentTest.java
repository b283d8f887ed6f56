package io.lapidary.method.tivit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.lapidary.Seeds;
import io.lapidary.data.Augmentation;
import io.lapidary.data.Normalization;
import io.lapidary.data.series.GeneratedProblem;
import io.lapidary.data.series.SeriesFiles;
import io.lapidary.data.series.SeriesProblem;
import io.lapidary.data.series.SeriesSet;
import io.lapidary.data.series.TimeSeries;
import io.lapidary.model.SeriesTransformerConfig;
import io.lapidary.model.VisionConfig;
import io.lapidary.model.VisionEncoder;
import io.lapidary.model.VisionFamily;
import io.lapidary.report.Claim;
import io.lapidary.report.Figure;
import io.lapidary.report.Machines;
import io.lapidary.report.Result;
import io.lapidary.report.ResultFiles;
import io.lapidary.report.RunContext;
import io.lapidary.report.Terminal;
import io.lapidary.train.OptimizerConfig;
import io.lapidary.train.TrainConfig;
import io.lapidary.train.TrainListener;
import io.lapidary.train.task.MaskedAutoencoderConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.ndarray.INDArray;

class TiVitExperimentTest {
  private static final Set<String> CLAIMS =
      Set.of(
          "pretrained-random",
          "input-worst",
          "dimension-input",
          "dimension-last",
          "joined",
          "middle-last",
          "windows-runs",
          "over-nearest",
          "over-raw");
  private static final Set<String> WITH_PARTNER = Set.of("both-pictures", "both-series");

  @TempDir private Path temporary;

  private RunContext context(String output) {
    return new RunContext(
        new RunContext.Setup(
            "tivit",
            "test",
            List.of(1L, 2L),
            Stream.concat(CLAIMS.stream(), WITH_PARTNER.stream())
                .collect(Collectors.toMap(id -> id, id -> 0.5)),
            temporary.resolve(output),
            Machines.here(1, "cpu"),
            Terminal.plain()));
  }

  private static TiVitExperimentConfig config(String encoder, String archive, Integer layer) {
    MaskedAutoencoderConfig pretraining =
        encoder != null
            ? null
            : new MaskedAutoencoderConfig(
                null,
                true,
                new MaskedAutoencoderConfig.Network(8, 16, 2, 2, 0.25, 8, 1, 2),
                Augmentation.none(1),
                32,
                TrainConfig.steps(4, OptimizerConfig.adamW(1e-3, 0)).build());
    SeriesPartner.Config partner =
        encoder != null
            ? null
            : new SeriesPartner.Config(
                new SeriesTransformerConfig(32, 4, 8, 5, 4, 1, 2, 4, 8, 0.1),
                16,
                1,
                8,
                TrainConfig.steps(3, OptimizerConfig.adamW(1e-3, 0)).build());
    return new TiVitExperimentConfig(
        encoder,
        pretraining,
        partner,
        List.of(
            new TiVitExperimentConfig.Generated(GeneratedProblem.CBF, 12, 20),
            new TiVitExperimentConfig.Generated(GeneratedProblem.BME, 12, 20)),
        archive,
        List.of("Own"),
        layer,
        false,
        25);
  }

  @Test
  void measuresEveryClaimWithEncodersOfItsOwn() throws IOException {
    Result result = new TiVitExperiment().run(config(null, null, null), context("a"));
    assertThat(result.claims().stream().map(Claim::id).toList())
        .hasSize(11)
        .containsAll(CLAIMS)
        .containsAll(WITH_PARTNER);
    assertThat(result.figures().stream().map(Figure::title)).doesNotHaveDuplicates().hasSize(5);
    Path file = ResultFiles.write(temporary, result);
    assertThat(ResultFiles.read(file).claims()).isEqualTo(result.claims());
    assertThat(temporary.resolve("a/encoder-2/model/config.json")).exists();
    // once more over what is there: the same numbers, nothing trained again
    Result again = new TiVitExperiment().run(config(null, null, null), context("a"));
    assertThat(again.claims()).isEqualTo(result.claims());
    // and over a run that was stopped half way: some scores and features are missing
    List<Path> scores = files("a/scores");
    assertThat(scores).as("2 seeds, 2 problems, all layers and the chosen one").hasSize(8);
    for (Path gone : List.of(scores.get(1), scores.get(4), files("a/features").get(0))) {
      Files.delete(gone);
    }
    Result resumed = new TiVitExperiment().run(config(null, null, null), context("a"));
    assertThat(resumed.claims()).isEqualTo(result.claims());
  }

  private List<Path> files(String folder) throws IOException {
    try (Stream<Path> files = Files.list(temporary.resolve(folder))) {
      return files.sorted().toList();
    }
  }

  @Test
  void takesRealProblemsAndAFolderOfAnEncoder() throws IOException {
    SeriesProblem own = GeneratedProblem.UMD.draw(9, 12, 40, 5);
    Path folder = Files.createDirectories(temporary.resolve("archive/inner/Own"));
    SeriesFiles.write(own.train(), folder.resolve("Own_TRAIN.ts"));
    SeriesFiles.write(own.test(), folder.resolve("Own_TEST.ts"));
    String golden = Path.of("src/test/resources/golden/clip").toAbsolutePath().toString();
    TiVitExperimentConfig config = config(golden, temporary.resolve("archive").toString(), 1);
    Result result = new TiVitExperiment().run(config, context("b"));
    assertThat(result.claims().stream().map(Claim::id).collect(Collectors.toSet()))
        .isEqualTo(CLAIMS);
    assertThat(result.metrics().stream().filter(m -> m.name().equals("Own, TiViT"))).hasSize(1);
    assertThat(result.provenance().data()).containsKey("Own/Own_TRAIN.ts");
    assertThatThrownBy(
            () ->
                new TiVitExperiment()
                    .run(
                        new TiVitExperimentConfig(
                            golden, null, null, List.of(), "none", null, 1, false, 25),
                        context("c")))
        .hasMessageContaining("lapidary datasets fetch ucr");
  }

  @Test
  void wrongConfigurationsAreRefused() {
    assertThatThrownBy(
            () ->
                new TiVitExperimentConfig(null, null, null, List.of(), "x", null, null, true, 100))
        .hasMessageContaining("name an encoder");
    assertThatThrownBy(
            () -> new TiVitExperimentConfig("x", null, null, null, null, null, null, true, 100))
        .hasMessageContaining("generated problems, an archive, or both");
    assertThatThrownBy(
            () -> new TiVitExperimentConfig("x", null, null, null, "y", null, null, true, 5))
        .hasMessageContaining("dimensionCases");
  }

  private static SeriesEncoder encoder(SeriesEncoder.Options options) {
    VisionConfig config =
        new VisionConfig(VisionFamily.VIT, 16, 4, 3, 8, 16, 2, 2, "gelu", 1e-6, true, false, false);
    return SeriesEncoder.of(
        VisionEncoder.create(config, 3), "own", Normalization.SYMMETRIC, options);
  }

  @Test
  void featuresDependOnTheirCaseAloneAndTheWeightsStay() {
    SeriesSet set = GeneratedProblem.CBF.draw(6, 150, 50, 1).test();
    try (SeriesEncoder encoder = encoder(SeriesEncoder.Options.USUAL)) {
      float[][][] all = encoder.features(set);
      assertThat(all).hasDimensions(3, 150);
      float[][][] one = encoder.features(set.subset(77));
      for (int layer = 0; layer < 3; layer++) {
        assertThat(one[layer][0]).containsExactly(all[layer][77], within(1e-5f));
        double norm = 0;
        for (float v : all[layer][77]) {
          norm += v * v;
        }
        assertThat(norm).isCloseTo(1, within(1e-4));
      }
      assertThat(encoder.with(SeriesEncoder.Options.USUAL.withStride(1)).features(set)[1][0])
          .isNotEqualTo(all[1][0]);
    }
    VisionConfig config =
        new VisionConfig(VisionFamily.VIT, 16, 4, 3, 8, 16, 2, 2, "gelu", 1e-6, true, false, false);
    VisionEncoder frozen = VisionEncoder.create(config, 3);
    Map<String, INDArray> before =
        frozen.parameters().all().entrySet().stream()
            .collect(Collectors.toMap(Map.Entry::getKey, e -> e.getValue().dup()));
    SeriesEncoder own =
        SeriesEncoder.of(frozen, "own", Normalization.SYMMETRIC, SeriesEncoder.Options.USUAL);
    TiVitClassifier classifier =
        new TiVitClassifier(
            List.of(new TiVitClassifier.Source(own, -1)),
            FeatureCache.none(),
            TiVitClassifier.Head.LOGISTIC,
            true,
            1);
    classifier.fit(set);
    classifier.predict(set);
    before.forEach((name, a) -> assertThat(frozen.parameters().get(name)).isEqualTo(a));
  }

  @Test
  void channelsStandOneBehindTheOther() {
    SeriesSet single = GeneratedProblem.CBF.draw(6, 6, 50, 1).test();
    List<TimeSeries> doubled =
        single.cases().stream()
            .map(
                c ->
                    new TimeSeries(
                        new double[][] {c.values()[0], new double[50], c.values()[0]}, c.label()))
            .toList();
    try (SeriesEncoder encoder = encoder(SeriesEncoder.Options.USUAL)) {
      float[] row = encoder.features(single.with(doubled))[2][3];
      assertThat(row).hasSize(24);
      assertThat(Arrays.copyOfRange(row, 0, 8))
          .containsExactly(Arrays.copyOfRange(row, 16, 24), within(1e-6f));
    }
  }

  @Test
  void featuresCanHaveUnitLengthOverTheLayers() {
    SeriesSet set = GeneratedProblem.CBF.draw(6, 3, 50, 1).test();
    SeriesEncoder.Options across = new SeriesEncoder.Options(0, 0.1, 0.8, false, false, true);
    try (SeriesEncoder encoder = encoder(across)) {
      float[][][] features = encoder.features(set);
      for (int f = 0; f < 8; f++) {
        double squares = 0;
        for (float[][] layer : features) {
          squares += layer[1][f] * layer[1][f];
        }
        assertThat(squares).isCloseTo(1, within(1e-5));
      }
    }
  }

  @Test
  void theCacheIsByContent() {
    FeatureCache cache = FeatureCache.in(temporary.resolve("cache"));
    SeriesSet set = GeneratedProblem.CBF.draw(6, 6, 50, 1).test();
    try (SeriesEncoder encoder = encoder(SeriesEncoder.Options.USUAL)) {
      float[][][] features = encoder.features(set);
      SeriesSet renamed = new SeriesSet("other", set.classes(), set.cases());
      for (SeriesSet same : List.of(set, set, renamed)) {
        LayerFeatures kept = cache.features(encoder, same);
        assertThat(kept.layers()).isEqualTo(2);
        for (int layer = 0; layer <= 2; layer++) {
          assertThat(kept.layer(layer)).isDeepEqualTo(features[layer]);
        }
      }
      cache.features(encoder, set.subset(0, 1));
      assertThat(temporary.resolve("cache").toFile().list()).hasSize(2);
      Path parts = temporary.resolve("parts");
      LayerFeatures inParts = new FeatureCache(parts, 4 * 3 * 8 * 4).features(encoder, set);
      assertThat(parts.toFile().list()).as("4 and 2 cases").hasSize(2);
      for (int row = 0; row < 6; row++) {
        assertThat(inParts.layer(1)[row]).containsExactly(features[1][row], within(1e-6f));
      }
    }
    float[] zeros = new float[3];
    SeriesEncoder.normalise(zeros);
    assertThat(zeros).containsOnly(0);
  }

  @Test
  void thePartnerLearnsToTellSeriesApart() {
    SeriesPartner.Config config =
        new SeriesPartner.Config(
            new SeriesTransformerConfig(64, 8, 16, 5, 4, 1, 2, 8, 16, 0),
            64,
            1,
            32,
            TrainConfig.steps(60, OptimizerConfig.adamW(3e-3, 0)).build());
    List<Double> losses = new ArrayList<>();
    TrainListener listener =
        new TrainListener() {
          @Override
          public void stepped(Step step) {
            losses.add(step.losses().get("total"));
          }
        };
    try (SeriesPartner partner =
        SeriesPartner.train(config, temporary.resolve("p"), new Seeds(1), listener)) {
      assertThat(losses.get(59)).isLessThan(0.7 * losses.get(0));
      SeriesSet set = GeneratedProblem.CBF.draw(6, 9, 40, 1).test();
      assertThat(partner.features(set)).hasDimensions(9, 32);
    }
    for (int kind = 0; kind < 4; kind++) {
      double[] x = SeriesPartner.draw(kind, 50, new SplittableRandom(kind));
      assertThat(Arrays.stream(x).allMatch(Double::isFinite)).isTrue();
    }
  }
}
