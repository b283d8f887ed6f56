package io.lapidary.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.lapidary.io.Dtype;
import io.lapidary.io.Jsons;
import io.lapidary.io.SafetensorsFile;
import io.lapidary.layer.Rotary;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

class GeneratorTest {
  private static final Path GOLDEN = Path.of("src/test/resources/golden");

  /** Greedy continuation by running the whole text again for every token. */
  private static int[] recomputed(CausalLm lm, int[] prompt, int count) {
    int[] ids = prompt.clone();
    for (int i = 0; i < count; i++) {
      INDArray logits = lm.logits(Nd4j.createFromArray(new int[][] {ids}));
      INDArray last =
          logits.get(NDArrayIndex.point(0), NDArrayIndex.point(ids.length - 1), NDArrayIndex.all());
      ids = Arrays.copyOf(ids, ids.length + 1);
      ids[ids.length - 1] = last.argMax().getInt(0);
    }
    return Arrays.copyOfRange(ids, prompt.length, ids.length);
  }

  private static LmConfig endless(LmConfig c) {
    return new LmConfig(
        c.family(),
        c.vocabularySize(),
        c.hiddenSize(),
        c.headSize(),
        c.layers(),
        c.maxPositions(),
        c.activation(),
        c.epsilon(),
        c.rotary(),
        c.biases(),
        c.tied(),
        c.scaling(),
        new LmConfig.Tokens(1, List.of(), -1));
  }

  @ParameterizedTest
  @ValueSource(strings = {"gpt2", "llama", "qwen2", "phi", "phi3"})
  void greedyIdsMatchTheReference(String family) {
    Path folder = GOLDEN.resolve(family);
    try (SafetensorsFile file = SafetensorsFile.open(folder.resolve("golden.safetensors"));
        CausalLm lm = CausalLm.load(folder);
        Generator generator = new Generator(lm)) {
      int[] all = file.read("greedy_ids").castTo(DataType.INT).data().asInt();
      int[] prompt =
          file.read("input_ids")
              .get(NDArrayIndex.point(0), NDArrayIndex.all())
              .dup()
              .data()
              .asInt();
      assertThat(all).startsWith(prompt);
      int count = all.length - prompt.length;
      int[] added = generator.generate(List.of(prompt), GenerateOptions.greedy(count)).get(0).ids();
      assertThat(added).isEqualTo(Arrays.copyOfRange(all, prompt.length, all.length));
    }
  }

  @Test
  void cachedStepsEqualRecomputation() {
    LmConfig plain = endless(LmConfig.llama(61, 16, 2, 4, 2, 24, 128));
    LmConfig windowed =
        plain.withLayers(List.of(new LmLayer(4, 2, 24, 5), new LmLayer(2, 1, 16, 0)));
    LmConfig allWindowed =
        plain.withLayers(List.of(new LmLayer(4, 2, 24, 5), new LmLayer(2, 1, 16, 9)));
    for (LmConfig config : List.of(plain, windowed)) {
      try (CausalLm lm = CausalLm.create(config, 7);
          Generator generator = new Generator(lm)) {
        lm.parameters().all().values().forEach(w -> w.muli(w.rank() == 2 ? 12 : 1));
        int[] prompt = {5, 6, 7, 8, 9};
        int[] added = generator.generate(List.of(prompt), GenerateOptions.greedy(64)).get(0).ids();
        assertThat(added).isEqualTo(recomputed(lm, prompt, 64));
        assertThat(Arrays.stream(added).distinct().count()).isGreaterThan(3);
      }
    }
    try (CausalLm lm = CausalLm.create(allWindowed, 7);
        Generator generator = new Generator(lm)) {
      lm.parameters().all().values().forEach(w -> w.muli(w.rank() == 2 ? 12 : 1));
      int[] prompt = {5, 6, 7};
      assertThat(generator.generate(List.of(prompt), GenerateOptions.greedy(20)).get(0).ids())
          .isEqualTo(recomputed(lm, prompt, 20));
    }
  }

  /** 64 tokens of every family: alone, and in a batch padded at the left. */
  @ParameterizedTest
  @EnumSource(LmFamily.class)
  void everyFamilyContinuesAsRecomputed(LmFamily family) {
    ObjectNode json = Jsons.object();
    String source = family == LmFamily.MISTRAL ? "llama" : family.modelType();
    json.setAll(Jsons.readObject(GOLDEN.resolve(source).resolve("config.json")));
    json.put("model_type", family.modelType())
        .put(family == LmFamily.GPT2 ? "n_positions" : "max_position_embeddings", 96);
    if (family == LmFamily.MISTRAL) {
      json.put("sliding_window", 9);
    }
    try (CausalLm lm = CausalLm.create(endless(LmConfig.of(json, "config.json")), 7);
        Generator generator = new Generator(lm)) {
      lm.parameters().all().values().forEach(w -> w.muli(w.rank() == 2 ? 12 : 1));
      int[] many = new int[20];
      Arrays.setAll(many, i -> 3 + i);
      List<int[]> prompts = List.of(new int[] {5, 6, 7}, many);
      List<Generator.Continuation> both = generator.generate(prompts, GenerateOptions.greedy(64));
      for (int i = 0; i < prompts.size(); i++) {
        int[] expected = recomputed(lm, prompts.get(i), 64);
        assertThat(both.get(i).ids()).isEqualTo(expected);
        List<int[]> alone = List.of(prompts.get(i));
        assertThat(generator.generate(alone, GenerateOptions.greedy(64)).get(0).ids())
            .isEqualTo(expected);
        assertThat(Arrays.stream(expected).distinct().count()).isGreaterThan(1);
      }
    }
  }

  /** Frequencies that change with the length: once for longrope, at every token for dynamic. */
  @ParameterizedTest
  @EnumSource(
      value = Rotary.Kind.class,
      names = {"LONGROPE", "DYNAMIC"})
  void cachedStepsEqualRecomputationBeyondTheTrainedLength(Rotary.Kind kind) {
    try (CausalLm lm = CausalLm.create(stretched(kind), 7);
        Generator generator = new Generator(lm)) {
      lm.parameters().all().values().forEach(w -> w.muli(w.rank() == 2 ? 12 : 1));
      int[] prompt = {5, 6, 7, 8, 9};
      int[] expected = recomputed(lm, prompt, 24);
      assertThat(generator.generate(List.of(prompt), GenerateOptions.greedy(24)).get(0).ids())
          .isEqualTo(expected);
      INDArray table = lm.parameters().get("model.embed_tokens.weight");
      INDArray rows = table.getRows(prompt);
      assertThat(
              generator
                  .generate(List.of(rows), List.of(prompt), GenerateOptions.greedy(24), null)
                  .get(0)
                  .ids())
          .isEqualTo(expected);
    }
  }

  private static LmConfig stretched(Rotary.Kind kind) {
    LmConfig plain = LmConfig.llama(61, 16, 2, 2, 1, 24, 10);
    List<Double> near = List.of(1.0, 1.0, 1.5, 2.0);
    List<Double> far = List.of(2.0, 3.0, 5.0, 9.0);
    Rotary.Scaling scaling = new Rotary.Scaling(kind, 4, 10, 1, 4, near, far, Double.NaN, true);
    return endless(
        new LmConfig(
            plain.family(),
            61,
            16,
            8,
            plain.layers(),
            10,
            "silu",
            1e-6,
            new Rotary(10000, 8, 10, scaling),
            plain.biases(),
            false,
            plain.scaling(),
            plain.tokens()));
  }

  /** As pruning leaves it: heads, key-value heads and widths of their own in every block. */
  @Test
  void aModelOfUnequalBlocksSavesLoadsAndContinues(@TempDir Path temporary) {
    LmConfig plain = endless(LmConfig.llama(61, 48, 4, 6, 2, 40, 128));
    LmConfig pruned =
        plain.withLayers(
            List.of(
                LmLayer.of(6, 2, 40),
                LmLayer.of(3, 1, 17),
                LmLayer.of(4, 4, 1),
                LmLayer.of(1, 1, 24)));
    int[] prompt = {5, 6, 7};
    int[] longer = {9, 8, 7, 6, 5, 4, 3};
    try (CausalLm lm = CausalLm.create(pruned, 7)) {
      lm.parameters().all().values().forEach(w -> w.muli(w.rank() == 2 ? 12 : 1));
      lm.save(temporary.resolve("pruned"), Dtype.F32);
      try (CausalLm again = CausalLm.load(temporary.resolve("pruned"));
          Generator generator = new Generator(again)) {
        assertThat(again.config()).isEqualTo(pruned);
        assertThat(again.parameters().all()).isEqualTo(lm.parameters().all());
        List<Generator.Continuation> both =
            generator.generate(List.of(prompt, longer), GenerateOptions.greedy(64));
        assertThat(both.get(0).ids()).isEqualTo(recomputed(lm, prompt, 64));
        assertThat(both.get(1).ids()).isEqualTo(recomputed(lm, longer, 64));
        again.save(temporary.resolve("again"), null);
      }
    }
    assertThat(Jsons.readObject(temporary.resolve("again/config.json")))
        .isEqualTo(Jsons.readObject(temporary.resolve("pruned/config.json")));
    Golden.assertSameTensors(temporary.resolve("again"), temporary.resolve("pruned"));
  }

  @Test
  void aBatchEqualsSingleRuns() {
    try (CausalLm lm = CausalLm.create(endless(LmConfig.llama(61, 16, 2, 4, 2, 24, 128)), 7);
        Generator generator = new Generator(lm)) {
      lm.parameters().all().values().forEach(w -> w.muli(w.rank() == 2 ? 12 : 1));
      int[] many = new int[20];
      Arrays.setAll(many, i -> 3 + i);
      List<int[]> prompts = List.of(new int[] {5}, new int[] {6, 7, 8}, many);
      List<Generator.Continuation> together =
          generator.generate(prompts, GenerateOptions.greedy(12));
      for (int i = 0; i < prompts.size(); i++) {
        assertThat(together.get(i).ids()).isEqualTo(recomputed(lm, prompts.get(i), 12));
        assertThat(together.get(i).ended()).isFalse();
      }
      GenerateOptions drawn = GenerateOptions.sampling(12, 0.9, 5).limited(20, 0.95).penalised(1.1);
      assertThat(generator.generate(prompts, drawn).get(1).ids())
          .isEqualTo(generator.generate(prompts, drawn).get(1).ids());
    }
  }

  @Test
  void stopIdsEndATextAndTheLimitIsChecked() {
    try (CausalLm lm = CausalLm.load(GOLDEN.resolve("gpt2"));
        Generator generator = new Generator(lm)) {
      int[] prompt = {5, 6, 7};
      int[] free = generator.generate(List.of(prompt), GenerateOptions.greedy(6)).get(0).ids();
      GenerateOptions stopping = GenerateOptions.greedy(6).stoppingAt(List.of(free[0]), List.of());
      Generator.Continuation one = generator.generate(List.of(prompt), stopping).get(0);
      assertThat(one.ids()).containsExactly(free[0]);
      assertThat(one.ended()).isTrue();
      assertThatThrownBy(() -> generator.generate(List.of(prompt), GenerateOptions.greedy(30)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("32 positions");
      assertThatThrownBy(
              () -> generator.generate(List.of(new int[] {99}), GenerateOptions.greedy(1)))
          .isInstanceOf(IndexOutOfBoundsException.class);
    }
  }

  @Test
  void drawsFollowTheDistributionAndItsLimits() {
    float[] logits = {(float) Math.log(0.5), (float) Math.log(0.3), (float) Math.log(0.2)};
    assertThat(frequencies(logits, 1, 0, 1))
        .containsExactly(new double[] {0.5, 0.3, 0.2}, within(0.02));
    assertThat(frequencies(logits, 1, 2, 1))
        .containsExactly(new double[] {0.625, 0.375, 0}, within(0.02));
    assertThat(frequencies(logits, 1, 0, 0.79))
        .containsExactly(new double[] {0.625, 0.375, 0}, within(0.02));
    assertThat(frequencies(logits, 1, 0, 0.4))
        .containsExactly(new double[] {1, 0, 0}, within(1e-6));
    assertThat(frequencies(logits, 0.5, 0, 1)) // squared and normalised
        .containsExactly(new double[] {0.25 / 0.38, 0.09 / 0.38, 0.04 / 0.38}, within(0.02));
  }

  private static double[] frequencies(float[] logits, double temperature, int k, double p) {
    Sampler sampler = new Sampler(GenerateOptions.sampling(1, temperature, 0).limited(k, p));
    SplittableRandom random = new SplittableRandom(11);
    double[] counts = new double[logits.length];
    for (int i = 0; i < 10_000; i++) {
      counts[sampler.next(logits.clone(), new boolean[logits.length], random)] += 1e-4;
    }
    return counts;
  }

  @Test
  void theRepetitionPenaltyLowersSeenTokens() {
    Sampler sampler = new Sampler(GenerateOptions.greedy(1).penalised(2));
    SplittableRandom random = new SplittableRandom(1);
    boolean[] seen = {true, false, false};
    assertThat(sampler.next(new float[] {3, 2, 1}, seen, random)).isEqualTo(1);
    assertThat(sampler.next(new float[] {-1, -1.5f, -4}, seen, random)).isEqualTo(1);
  }

  @Test
  void scoresAreSumsOfLogProbabilities() {
    LmConfig dynamic = LmConfig.llama(61, 16, 1, 2, 2, 24, 4);
    Rotary stretched = new Rotary(10000, 8, 4, Rotary.Scaling.of(Rotary.Kind.DYNAMIC, 2));
    for (Rotary rotary : List.of(dynamic.rotary(), stretched)) {
      LmConfig config =
          new LmConfig(
              LmFamily.LLAMA,
              61,
              16,
              8,
              dynamic.layers(),
              4,
              "silu",
              1e-6,
              rotary,
              dynamic.biases(),
              false,
              dynamic.scaling(),
              dynamic.tokens());
      try (CausalLm lm = CausalLm.create(config, 2);
          LmScorer scorer = new LmScorer(lm)) {
        lm.parameters().all().values().forEach(w -> w.muli(w.rank() == 2 ? 12 : 1));
        List<int[]> prompts = List.of(new int[] {3, 4}, new int[] {5}, new int[] {6, 7, 8, 9, 10});
        List<int[]> completions = List.of(new int[] {9, 8, 7}, new int[] {6}, new int[] {1, 2});
        List<LmScorer.Score> scores = scorer.score(prompts, completions);
        for (int i = 0; i < prompts.size(); i++) {
          double expected = expected(lm, prompts.get(i), completions.get(i));
          assertThat(scores.get(i).sum()).isCloseTo(expected, within(1e-4));
          assertThat(scores.get(i).mean())
              .isCloseTo(expected / completions.get(i).length, within(1e-4));
        }
      }
    }
  }

  private static double expected(CausalLm lm, int[] prompt, int[] completion) {
    int[] all = Arrays.copyOf(prompt, prompt.length + completion.length);
    System.arraycopy(completion, 0, all, prompt.length, completion.length);
    INDArray logits = lm.logits(Nd4j.createFromArray(new int[][] {all}));
    double sum = 0;
    for (int t = prompt.length; t < all.length; t++) {
      double[] row =
          logits
              .get(NDArrayIndex.point(0), NDArrayIndex.point(t - 1), NDArrayIndex.all())
              .dup()
              .data()
              .asDouble();
      sum += row[all[t]] - Math.log(Arrays.stream(row).map(Math::exp).sum());
    }
    return sum;
  }

  @Test
  void perplexityCountsEveryTokenOnce() {
    try (CausalLm lm = CausalLm.create(LmConfig.llama(61, 16, 1, 2, 2, 24, 64), 2);
        LmScorer scorer = new LmScorer(lm)) {
      int[] ids = {3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
      double whole = expected(lm, new int[] {3}, Arrays.copyOfRange(ids, 1, 10));
      assertThat(scorer.perplexity(ids, 64, 32)).isCloseTo(Math.exp(-whole / 9), within(1e-3));
      double first = expected(lm, new int[] {3}, new int[] {4, 5, 6});
      double second = expected(lm, new int[] {6}, new int[] {7, 8, 9});
      double third = expected(lm, new int[] {9}, new int[] {10, 11, 12});
      assertThat(scorer.perplexity(ids, 4, 3))
          .isCloseTo(Math.exp(-(first + second + third) / 9), within(1e-3));
      lm.parameters().all().values().forEach(w -> w.muli(0));
      assertThat(scorer.perplexity(ids, 64, 32)).isCloseTo(61, within(1e-3));
    }
  }
}
