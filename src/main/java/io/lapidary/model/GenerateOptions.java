package io.lapidary.model;

import io.lapidary.Check;
import java.util.List;

/**
 * How a language model continues a text.
 *
 * @param maxNewTokens most tokens to add
 * @param temperature 0 takes the likeliest token; higher values draw more freely
 * @param topK only the k likeliest tokens may be drawn; 0 for all
 * @param topP only the likeliest tokens whose probabilities reach this sum may be drawn (Holtzman
 *     et al. 2020); 1 for all
 * @param repetitionPenalty divides positive and multiplies negative logits of tokens seen before
 *     (Keskar et al. 2019); 1 for none
 * @param stopIds ids that end a text, besides those of the model
 * @param stopStrings texts that end a text; they are cut off
 * @param seed of the draws
 */
public record GenerateOptions(
    int maxNewTokens,
    double temperature,
    int topK,
    double topP,
    double repetitionPenalty,
    List<Integer> stopIds,
    List<String> stopStrings,
    long seed) {

  /** Checks the fields. */
  public GenerateOptions {
    Check.positive("maxNewTokens", maxNewTokens);
    Check.notNegative("temperature", temperature);
    Check.notNegative("topK", topK);
    Check.that(topP > 0 && topP <= 1, "topP must be in (0, 1], got %s", topP);
    Check.positive("repetitionPenalty", repetitionPenalty);
    stopIds = List.copyOf(stopIds);
    stopStrings = List.copyOf(stopStrings);
    Check.that(stopStrings.stream().noneMatch(String::isEmpty), "a stop string must not be empty");
  }

  /** The likeliest token at each step. */
  public static GenerateOptions greedy(int maxNewTokens) {
    return new GenerateOptions(maxNewTokens, 0, 0, 1, 1, List.of(), List.of(), 0);
  }

  /** Draws from the distribution at {@code temperature}. */
  public static GenerateOptions sampling(int maxNewTokens, double temperature, long seed) {
    return new GenerateOptions(maxNewTokens, temperature, 0, 1, 1, List.of(), List.of(), seed);
  }

  /** These options with both limits of drawing. */
  public GenerateOptions limited(int k, double p) {
    return new GenerateOptions(
        maxNewTokens, temperature, k, p, repetitionPenalty, stopIds, stopStrings, seed);
  }

  /** These options with a repetition penalty. */
  public GenerateOptions penalised(double penalty) {
    return new GenerateOptions(
        maxNewTokens, temperature, topK, topP, penalty, stopIds, stopStrings, seed);
  }

  /** These options with further ids and texts that end a text. */
  public GenerateOptions stoppingAt(List<Integer> ids, List<String> strings) {
    return new GenerateOptions(
        maxNewTokens, temperature, topK, topP, repetitionPenalty, ids, strings, seed);
  }
}
