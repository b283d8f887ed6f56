package io.lapidary.train.task;

import io.lapidary.data.Emoji;
import io.lapidary.data.EmojiDataset;
import io.lapidary.data.EmojiExample;
import io.lapidary.engine.Graph;
import io.lapidary.engine.Ops;
import io.lapidary.engine.Parameters;
import io.lapidary.io.Dtype;
import io.lapidary.io.ImageProcessor;
import io.lapidary.io.Tokenizer;
import io.lapidary.io.WordVocabulary;
import io.lapidary.model.CausalLm;
import io.lapidary.model.Clip;
import io.lapidary.model.GenerateOptions;
import io.lapidary.model.Generator;
import io.lapidary.model.LmConfig;
import io.lapidary.model.SplicedText;
import io.lapidary.model.VisionConfig;
import io.lapidary.model.VisionLanguageConfig;
import io.lapidary.model.VisionLanguageModel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * A small LLaVA over a frozen CLIP tower that answers {@link EmojiQuestion}s, with its tokenizer.
 * The folder is that of any {@link VisionLanguageModel}.
 *
 * <p>A text is {@code [BOS] picture question answer [EOS]}.
 */
public final class EmojiVlm implements AutoCloseable {
  static final String PIXELS = "pixel_values";
  static final String IDS = "input_ids";
  private static final String MARK = "<image>";
  private static final int LARGEST_BATCH = 64;

  private final VisionLanguageModel model;
  private final Tokenizer tokenizer;

  /** A model and its tokenizer, which this object closes. */
  public EmojiVlm(VisionLanguageModel model, Tokenizer tokenizer) {
    this.model = model;
    this.tokenizer = tokenizer;
  }

  /**
   * Loads a folder.
   *
   * @throws io.lapidary.InputException when a file is missing or does not fit
   */
  public static EmojiVlm load(Path folder) {
    return new EmojiVlm(VisionLanguageModel.load(folder), Tokenizer.open(folder));
  }

  /**
   * A fresh projector and decoder over the tower of {@code clip}.
   *
   * @param answers all answers there are
   * @param folder gets the tokenizer
   */
  static EmojiVlm fresh(
      EmojiVlmConfig config, Path clip, List<String> answers, long seed, Path folder) {
    List<String> texts = new ArrayList<>(answers);
    for (EmojiQuestion question : EmojiQuestion.values()) {
      texts.add(question.text());
    }
    WordVocabulary words = WordVocabulary.of(texts, 1, Integer.MAX_VALUE);
    words.writeForPrompts(folder, List.of(MARK));
    Tokenizer tokenizer = Tokenizer.open(folder);
    int longest = answers.stream().mapToInt(a -> tokenizer.encode(a).length).max().orElse(1);
    Parameters parameters = new Parameters(DataType.FLOAT, seed);
    VisionConfig vision;
    try (Clip tower = Clip.load(clip)) {
      vision = tower.config().vision();
      tower
          .parameters()
          .all()
          .forEach(
              (name, array) -> {
                if (name.startsWith("vision_model.")) {
                  parameters.put("vision_tower." + name, array);
                }
              });
    }
    EmojiVlmConfig.Decoder d = config.decoder();
    LmConfig text =
        LmConfig.llama(
                words.size() + 1, // the mark of a picture
                d.width(),
                d.layers(),
                d.heads(),
                d.heads(),
                d.mlp(),
                vision.tokens() + tokenizer.encode(EmojiQuestion.NAME.text()).length + longest)
            .withTokens(new LmConfig.Tokens(words.bosId(), List.of(words.eosId()), words.padId()));
    VisionLanguageConfig sizes =
        new VisionLanguageConfig(
            text, vision, words.size(), List.of(config.featureLayer()), true, 2, "gelu", true);
    return new EmojiVlm(new VisionLanguageModel(sizes, parameters), tokenizer);
  }

  /** The model. */
  public VisionLanguageModel model() {
    return model;
  }

  /** Its tokenizer. */
  public Tokenizer tokenizer() {
    return tokenizer;
  }

  /** Ids of a question about a picture, ready to be continued by the answer. */
  public int[] prompt(EmojiQuestion question) {
    int[] text = tokenizer.encode(question.text()); // [BOS] words
    int[] ids = new int[text.length + 1];
    ids[0] = text[0];
    ids[1] = SplicedText.SENTINEL;
    System.arraycopy(text, 1, ids, 2, text.length - 1);
    return ids;
  }

  /** The right answer as the model would write it. */
  public String answer(EmojiQuestion question, Emoji emoji) {
    return tokenizer.decode(tokenizer.encode(question.answer(emoji))).strip();
  }

  /**
   * Greedy answers.
   *
   * @param pixels pictures [n, 3, S, S] with values in [−1, 1]
   */
  public List<String> answers(INDArray pixels, EmojiQuestion question) {
    return answers(model, pixels, question);
  }

  /** Greedy answers of a form of the model, such as one with edited activations. */
  public List<String> answers(VisionLanguageModel form, INDArray pixels, EmojiQuestion question) {
    int[] prompt = prompt(question);
    List<String> answers = new ArrayList<>();
    for (long from = 0; from < pixels.size(0); from += LARGEST_BATCH) {
      long to = Math.min(pixels.size(0), from + LARGEST_BATCH);
      INDArray some = pixels.get(NDArrayIndex.interval(from, to)).dup('c');
      int room = form.config().text().maxPositions() - prompt.length - form.config().rowsPerImage();
      form
          .generate(
              Collections.nCopies((int) (to - from), prompt),
              some,
              GenerateOptions.greedy(room),
              tokenizer)
          .stream()
          .map(Generator.Continuation::text)
          .map(String::strip)
          .forEach(answers::add);
      some.close();
    }
    return answers;
  }

  /** Pictures on white with values in [−1, 1]: [n, 3, 32, 32]. */
  public static INDArray pixels(EmojiDataset data, List<EmojiExample> examples) {
    return data.images(examples, new float[] {1, 1, 1}).muli(2).subi(1);
  }

  // ---- training -----------------------------------------------------------------------------

  /** All ids of a question and its answer; images as zeros, padding at the end. */
  int[] example(EmojiQuestion question, Emoji emoji, int length) {
    int[] ids = new int[length];
    Arrays.fill(ids, model.config().text().tokens().pad());
    int[] head = tokenizer.encode(question.text());
    int[] answer = tokenizer.encode(question.answer(emoji));
    int rows = model.config().rowsPerImage();
    ids[0] = head[0];
    System.arraycopy(head, 1, ids, 1 + rows, head.length - 1);
    System.arraycopy(answer, 1, ids, rows + head.length, answer.length - 1);
    ids[rows + head.length + answer.length - 1] = model.config().text().tokens().end().get(0);
    return ids;
  }

  /** Mean cross-entropy of the answers. */
  SDVariable loss(Graph g, SDVariable pixels, SDVariable ids) {
    Ops ops = g.ops();
    int batch = Math.toIntExact(g.size(ids, 0));
    int length = Math.toIntExact(g.size(ids, 1));
    int rows = model.config().rowsPerImage();
    int first = 1 + rows + prompt(EmojiQuestion.NAME).length - 2;
    int[][] sources = new int[batch][length];
    float[] answers = new float[length];
    for (int b = 0; b < batch; b++) {
      for (int t = 0; t < length; t++) {
        boolean image = t >= 1 && t <= rows;
        sources[b][t] = image ? batch * length + b * rows + t - 1 : b * length + t;
        answers[t] = t >= first ? 1 : 0;
      }
    }
    SDVariable values = ops.cast(ids, g.type());
    SDVariable isAnswer =
        ops.mul(
            ops.greater(values, model.config().text().tokens().pad()),
            g.constant(Nd4j.createFromArray(new float[][] {answers}).castTo(g.type())));
    SDVariable labels =
        ops.cast(ops.where(isAnswer, values, g.constant(CausalLm.IGNORED)), DataType.INT);
    SDVariable embeddings =
        model.embed(
            g, ids, model.imageFeatures(g, pixels), g.constant(Nd4j.createFromArray(sources)));
    return model.loss(g, embeddings, labels, null);
  }

  /** Writes weights in half precision, configuration and picture preparation. */
  void save(Path folder) {
    model.save(folder, Dtype.F16);
    ImageProcessor.writeClip(folder, model.config().vision().imageSize(), 0.5, 0.5);
  }

  @Override
  public void close() {
    model.close();
    tokenizer.close();
  }
}
