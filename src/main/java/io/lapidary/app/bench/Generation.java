package io.lapidary.app.bench;

import io.lapidary.Seeds;
import io.lapidary.model.CausalLm;
import io.lapidary.model.GenerateOptions;
import io.lapidary.model.Generator;
import io.lapidary.model.LmConfig;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.BiConsumer;

/**
 * Times text generation by a LLaMA with random weights: reading a prompt, then a token with cached
 * keys and values, and a token when the whole text is read again for it.
 *
 * @param config sizes of the model
 * @param prompt tokens of the prompt
 * @param tokens tokens generated per run
 */
record Generation(LmConfig config, int prompt, int tokens) {
  /** 48 million parameters, a prompt of 512 tokens, 64 new ones. */
  static final Generation STANDARD =
      new Generation(endless(LmConfig.llama(16_000, 512, 10, 8, 8, 1408, 2048)), 512, 64);

  /** The configuration without an id that ends a text: random weights must not stop early. */
  static LmConfig endless(LmConfig c) {
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

  /**
   * Runs and times.
   *
   * @param seconds time of the counted runs of each row
   * @param print takes the name of a row and its times
   */
  void run(double seconds, long seed, BiConsumer<String, Stopwatch> print) {
    try (CausalLm model = CausalLm.create(config, seed);
        Generator generator = new Generator(model)) {
      print.accept("prefill", time(generator, text(prompt, seed), seconds));
      print.accept("token_cached", cached(generator, text(prompt, seed), seconds));
      print.accept("token_uncached", time(generator, text(prompt + tokens, seed), seconds));
    }
  }

  /** Reading a text and choosing one token. */
  private static Stopwatch time(Generator generator, int[] text, double seconds) {
    Stopwatch watch = new Stopwatch(seconds, System::nanoTime);
    while (watch.more()) {
      watch.start();
      generate(generator, text, 1);
      watch.stop();
    }
    return watch;
  }

  /** One token of a longer continuation: the time beyond that of the first, divided by the rest. */
  private Stopwatch cached(Generator generator, int[] text, double seconds) {
    Stopwatch watch = new Stopwatch(seconds, System::nanoTime);
    while (watch.more()) {
      long start = System.nanoTime();
      generate(generator, text, 1);
      long first = System.nanoTime();
      generate(generator, text, tokens + 1);
      long rest = System.nanoTime() - first - (first - start);
      watch.count(Math.max(0, rest) / tokens);
    }
    return watch;
  }

  private static void generate(Generator generator, int[] text, int tokens) {
    generator.generate(List.of(text), GenerateOptions.greedy(tokens));
  }

  private int[] text(int length, long seed) {
    SplittableRandom random = new Seeds(seed).stream("prompt").random();
    return random.ints(length, 3, config.vocabularySize()).toArray();
  }
}
