package io.lapidary.model;

import io.lapidary.Check;
import io.lapidary.Seeds;
import io.lapidary.io.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Supplier;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * Continues texts token by token. Keys and values of earlier tokens are kept, so that a step costs
 * one token; the result is that of running the whole text again at each step. Texts of different
 * lengths run together, padded at the left. One thread at a time.
 */
public final class Generator implements AutoCloseable {
  private final CausalLm model;
  private final CachedSteps steps;

  /** A generator over a model, which stays the caller's. */
  public Generator(CausalLm model) {
    this.model = Check.present("model", model);
    this.steps = new CachedSteps(model);
  }

  /**
   * One continuation.
   *
   * @param ids the new tokens, an id that ended the text included
   * @param text the new tokens as text, without what ended it; null without tokenizer
   * @param ended whether a stop id or a stop string ended it, rather than the limit
   */
  public record Continuation(int[] ids, String text, boolean ended) {}

  private static final class Row {
    private final List<Integer> added = new ArrayList<>();
    private final boolean[] seen;
    private final SplittableRandom random;
    private boolean ended;
    private String text;

    private Row(int[] prompt, int vocabulary, SplittableRandom random) {
      this.seen = new boolean[vocabulary];
      for (int id : prompt) {
        if (id >= 0 && id < vocabulary) { // others stand for images
          seen[id] = true;
        }
      }
      this.random = random;
    }

    private int[] ids() {
      return added.stream().mapToInt(Integer::intValue).toArray();
    }
  }

  /** Continues prompts of ids; stop strings need the form with a tokenizer. */
  public List<Continuation> generate(List<int[]> prompts, GenerateOptions options) {
    Check.that(options.stopStrings().isEmpty(), "stop strings need a tokenizer");
    return run(prompts, options, null);
  }

  /** Continues texts, encoded with the special tokens that the tokenizer adds. */
  public List<Continuation> generate(
      Tokenizer tokenizer, List<String> prompts, GenerateOptions options) {
    Check.present("tokenizer", tokenizer);
    return run(prompts.stream().map(tokenizer::encode).toList(), options, tokenizer);
  }

  /**
   * Continues prompts given as embeddings, for models whose prompts hold more than tokens.
   *
   * @param embeddings one array [T, hidden] per prompt
   * @param prompts ids that the repetition penalty counts as seen; those outside the vocabulary
   *     stand for something else
   * @param tokenizer for texts and stop strings, or null
   */
  List<Continuation> generate(
      List<INDArray> embeddings,
      List<int[]> prompts,
      GenerateOptions options,
      Tokenizer tokenizer) {
    Check.that(
        tokenizer != null || options.stopStrings().isEmpty(), "stop strings need a tokenizer");
    return run(prompts, () -> steps.startEmbedded(embeddings), options, tokenizer);
  }

  private List<Continuation> run(
      List<int[]> prompts, GenerateOptions options, Tokenizer tokenizer) {
    checkPrompts(prompts, options);
    return run(prompts, () -> steps.start(prompts), options, tokenizer);
  }

  private List<Continuation> run(
      List<int[]> prompts, Supplier<INDArray> start, GenerateOptions options, Tokenizer tokenizer) {
    Sampler sampler = new Sampler(options);
    Seeds seeds = new Seeds(options.seed()).stream("generate");
    List<Row> rows = new ArrayList<>();
    for (int i = 0; i < prompts.size(); i++) {
      rows.add(new Row(prompts.get(i), model.config().vocabularySize(), seeds.at(i).random()));
    }
    INDArray logits = start.get();
    for (int step = 0; ; step++) {
      int[] next = new int[rows.size()];
      for (int i = 0; i < next.length; i++) {
        next[i] = advance(rows.get(i), row(logits, i), sampler, options, tokenizer);
      }
      if (step + 1 == options.maxNewTokens() || rows.stream().allMatch(r -> r.ended)) {
        break;
      }
      logits = steps.step(next);
    }
    return rows.stream().map(r -> continuation(r, tokenizer)).toList();
  }

  private static float[] row(INDArray logits, int row) {
    return logits.get(NDArrayIndex.point(row), NDArrayIndex.all()).dup('c').data().asFloat();
  }

  private int advance(
      Row row, float[] logits, Sampler sampler, GenerateOptions options, Tokenizer tokenizer) {
    if (row.ended) {
      return row.added.get(row.added.size() - 1);
    }
    int id = sampler.next(logits, row.seen, row.random);
    row.added.add(id);
    row.seen[id] = true;
    if (model.config().tokens().end().contains(id) || options.stopIds().contains(id)) {
      row.ended = true;
      if (tokenizer != null) {
        int[] ids = row.ids();
        row.text = tokenizer.decode(Arrays.copyOf(ids, ids.length - 1));
      }
    } else if (!options.stopStrings().isEmpty()) {
      String text = tokenizer.decode(row.ids());
      for (String stop : options.stopStrings()) {
        int at = text.indexOf(stop);
        if (at >= 0) {
          row.ended = true;
          row.text = row.text == null || at < row.text.length() ? text.substring(0, at) : row.text;
        }
      }
    }
    return id;
  }

  private static Continuation continuation(Row row, Tokenizer tokenizer) {
    String text = row.text != null || tokenizer == null ? row.text : tokenizer.decode(row.ids());
    return new Continuation(row.ids(), text, row.ended);
  }

  private void checkPrompts(List<int[]> prompts, GenerateOptions options) {
    Check.that(!prompts.isEmpty(), "at least one prompt is needed");
    LmConfig config = model.config();
    for (int[] prompt : prompts) {
      Check.that(prompt.length > 0, "a prompt needs at least one token");
      Check.that(
          config.rotary() != null
              || prompt.length + options.maxNewTokens() <= config.maxPositions(),
          "%d prompt tokens and up to %d new ones are more than the %d positions of the model",
          prompt.length,
          options.maxNewTokens(),
          config.maxPositions());
      for (int id : prompt) {
        if (id < 0 || id >= config.vocabularySize()) {
          throw new IndexOutOfBoundsException(
              "prompt id " + id + " is outside [0, " + config.vocabularySize() + ")");
        }
      }
    }
  }

  /** Frees plans and caches; the model stays. */
  @Override
  public void close() {
    steps.close();
  }
}
