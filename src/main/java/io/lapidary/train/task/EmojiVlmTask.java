package io.lapidary.train.task;

import io.lapidary.Seeds;
import io.lapidary.data.Batches;
import io.lapidary.data.Column;
import io.lapidary.data.DataHome;
import io.lapidary.data.Emoji;
import io.lapidary.data.EmojiDataset;
import io.lapidary.data.EmojiExample;
import io.lapidary.data.EmojiSplit;
import io.lapidary.data.Normalization;
import io.lapidary.train.Checkpoints;
import io.lapidary.train.Evaluator;
import io.lapidary.train.TrainResult;
import io.lapidary.train.Trainer;
import io.lapidary.train.TrainingTask;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Trains an {@link EmojiVlm}: projector and decoder learn to answer, the image tower stays as it
 * is. Measures {@code test/category} and {@code test/kind}, the shares of right answers about
 * concepts held out. The model is saved as {@code model} in the run folder.
 */
public final class EmojiVlmTask implements TrainingTask<EmojiVlmConfig> {
  @Override
  public String name() {
    return "emoji-vlm";
  }

  @Override
  public String description() {
    return "a small LLaVA that answers questions about emoji";
  }

  @Override
  public Class<EmojiVlmConfig> configType() {
    return EmojiVlmConfig.class;
  }

  @Override
  public Outcome train(EmojiVlmConfig config, Run run) {
    EmojiDataset data = EmojiDataset.open();
    EmojiSplit split =
        EmojiSplit.heldOut(
            data, config.data().heldOut(), new Seeds(config.data().splitSeed()), Emoji::base);
    List<EmojiExample> train = chosen(config, split.train());
    Path folder = run.folder().resolve("model");
    try (EmojiVlm vlm =
        EmojiVlm.fresh(
            config,
            DataHome.find().folder().resolve(config.tower()),
            answers(data, train),
            run.seeds().stream("weights").seed(),
            folder)) {
      TrainResult result =
          run.apply(
                  Trainer.builder(
                          config.train(),
                          vlm.model().parameters(),
                          (g, in) ->
                              Map.of(
                                  "answer",
                                  vlm.loss(g, in.get(EmojiVlm.PIXELS), in.get(EmojiVlm.IDS))),
                          batches(config, vlm, data, train, run.seeds()))
                      .features(EmojiVlm.PIXELS, EmojiVlm.IDS)
                      .evaluator(accuracy(vlm, data, chosen(config, split.test())))
                      .identity(config))
              .build()
              .run();
      if (result.reason() == TrainResult.Reason.STOPPED) {
        return new Outcome(result, null);
      }
      Path best =
          result.bestCheckpoint() == null ? result.latestCheckpoint() : result.bestCheckpoint();
      Checkpoints.load(best, vlm.model().parameters(), true);
      vlm.save(folder);
      return new Outcome(result, folder);
    }
  }

  private static List<EmojiExample> chosen(EmojiVlmConfig config, List<EmojiExample> examples) {
    Emoji.Vendor vendor = config.data().vendor();
    return examples.stream().filter(e -> vendor == null || e.vendor() == vendor).toList();
  }

  private static List<String> answers(EmojiDataset data, List<EmojiExample> examples) {
    List<String> all = new ArrayList<>();
    for (EmojiExample example : examples) {
      for (EmojiQuestion question : EmojiQuestion.values()) {
        all.add(question.answer(data.get(example.emoji())));
      }
    }
    return all;
  }

  private static Batches batches(
      EmojiVlmConfig config,
      EmojiVlm vlm,
      EmojiDataset data,
      List<EmojiExample> examples,
      Seeds seeds) {
    int length = vlm.model().config().text().maxPositions();
    EmojiQuestion[] questions = EmojiQuestion.values();
    int[][][] texts = new int[examples.size()][questions.length][];
    for (int i = 0; i < texts.length; i++) {
      for (int q = 0; q < questions.length; q++) {
        texts[i][q] = vlm.example(questions[q], data.get(examples.get(i).emoji()), length);
      }
    }
    return Batches.builder(config.batchSize(), seeds.stream("batches"))
        .feature(
            Column.pictures(
                data.pictures(examples), config.augmentation(), Normalization.SYMMETRIC))
        .feature(Column.idChoices(texts))
        .build();
  }

  private static Evaluator accuracy(EmojiVlm vlm, EmojiDataset data, List<EmojiExample> test) {
    return (step, epoch) -> {
      Map<String, Double> shares = new LinkedHashMap<>();
      try (INDArray pixels = EmojiVlm.pixels(data, test)) {
        for (EmojiQuestion question : List.of(EmojiQuestion.CATEGORY, EmojiQuestion.KIND)) {
          List<String> answers = vlm.answers(pixels, question);
          int right = 0;
          for (int i = 0; i < test.size(); i++) {
            String expected = vlm.answer(question, data.get(test.get(i).emoji()));
            right += answers.get(i).equals(expected) ? 1 : 0;
          }
          shares.put(
              "test/" + question.name().toLowerCase(Locale.ROOT), right / (double) test.size());
        }
      }
      return shares;
    };
  }
}
