package io.lapidary.train.task;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.lapidary.InputException;
import io.lapidary.Seeds;
import io.lapidary.data.DataHome;
import io.lapidary.data.Emoji;
import io.lapidary.data.EmojiDataset;
import io.lapidary.data.EmojiExample;
import io.lapidary.engine.Graph;
import io.lapidary.engine.Plan;
import io.lapidary.model.CausalLm;
import io.lapidary.model.Clip;
import io.lapidary.model.SplicedText;
import io.lapidary.train.OptimizerConfig;
import io.lapidary.train.ParameterGroup;
import io.lapidary.train.TrainConfig;
import io.lapidary.train.TrainingTask;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class EmojiVlmTaskTest {
  private static final String TOWER = "checkpoints/emoji-clip";

  @TempDir private Path temporary;

  private static EmojiVlmConfig config(String tower, long steps) {
    return new EmojiVlmConfig(
        tower,
        null,
        new EmojiVlmConfig.Data(Emoji.Vendor.GOOGLE, 0.1, 1L),
        new EmojiVlmConfig.Decoder(16, 1, 2, 24),
        null,
        32,
        TrainConfig.steps(steps, OptimizerConfig.adam(0.01))
            .groups(ParameterGroup.frozen("vision_tower.*"))
            .build());
  }

  private TrainingTask.Outcome train(EmojiVlmConfig config, String run) {
    return new EmojiVlmTask()
        .train(
            config, new TrainingTask.Run(temporary.resolve(run), false, new Seeds(3), List.of()));
  }

  @Test
  void learnsToAnswerOverATowerThatStaysAsItIs() {
    TrainingTask.Outcome outcome = train(config(TOWER, 60), "run");
    assertThat(outcome.result().losses().get("total")).isLessThan(5);
    EmojiDataset data = EmojiDataset.open();
    List<EmojiExample> some =
        List.of(
            new EmojiExample(0, Emoji.Vendor.GOOGLE),
            new EmojiExample(40, Emoji.Vendor.TWITTER),
            new EmojiExample(900, Emoji.Vendor.GOOGLE));
    try (EmojiVlm vlm = EmojiVlm.load(outcome.model());
        Clip clip = Clip.load(DataHome.find().folder().resolve(TOWER));
        INDArray pixels = EmojiVlm.pixels(data, some)) {
      clip.parameters()
          .all()
          .forEach(
              (name, array) -> {
                if (name.startsWith("vision_model.")) {
                  assertThat(vlm.model().parameters().get("vision_tower." + name))
                      .as(name)
                      .isEqualTo(array);
                }
              });
      List<String> answers = vlm.answers(pixels, EmojiQuestion.CATEGORY);
      List<String> categories = data.categories().stream().map(Emoji::words).toList();
      assertThat(answers).hasSize(3);
      assertThat(answers.get(0).split(" ")[0]).as("a known word").isIn(words(categories));
      assertThat(lossByArrays(vlm, data, some, pixels))
          .isEqualTo(lossByGraph(vlm, data, some, pixels), within(1e-5));
    }
  }

  private static List<String> words(List<String> texts) {
    return texts.stream()
        .flatMap(t -> Arrays.stream(t.toLowerCase(Locale.ROOT).split(" ")))
        .toList();
  }

  /** The loss of training, whose texts already have room for the image. */
  private static double lossByGraph(
      EmojiVlm vlm, EmojiDataset data, List<EmojiExample> some, INDArray pixels) {
    int length = vlm.model().config().text().maxPositions();
    int[][] ids = new int[some.size()][];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = vlm.example(question(i), data.get(some.get(i).emoji()), length);
    }
    Graph g = new Graph(vlm.model().parameters(), false);
    SDVariable x = g.placeholder("pixels", pixels.shape());
    SDVariable t = g.placeholder("ids", DataType.INT, ids.length, length);
    SDVariable loss = g.name(vlm.loss(g, x, t), "loss");
    try (Plan plan = Plan.compile(g, loss)) {
      return plan.run(Map.of("pixels", pixels, "ids", Nd4j.createFromArray(ids)))
          .get("loss")
          .getDouble(0);
    }
  }

  /** The same by splicing texts, the labels of questions ignored. */
  private static double lossByArrays(
      EmojiVlm vlm, EmojiDataset data, List<EmojiExample> some, INDArray pixels) {
    List<int[]> texts = new ArrayList<>();
    List<int[]> labels = new ArrayList<>();
    for (int i = 0; i < some.size(); i++) {
      int[] prompt = vlm.prompt(question(i));
      int[] answer = vlm.tokenizer().encode(question(i).answer(data.get(some.get(i).emoji())));
      int[] text = Arrays.copyOf(prompt, prompt.length + answer.length);
      System.arraycopy(answer, 1, text, prompt.length, answer.length - 1);
      text[text.length - 1] = vlm.model().config().text().tokens().end().get(0);
      int[] label = text.clone();
      Arrays.fill(label, 0, prompt.length, CausalLm.IGNORED);
      texts.add(text);
      labels.add(label);
    }
    int rows = vlm.model().config().rowsPerImage();
    SplicedText spliced =
        SplicedText.of(
            texts,
            labels,
            vlm.model().config().imageToken(),
            some.size(),
            rows,
            Integer.MAX_VALUE,
            SplicedText.Side.RIGHT);
    return vlm.model().loss(spliced, pixels);
  }

  private static EmojiQuestion question(int i) {
    return EmojiQuestion.values()[i % 3];
  }

  @Test
  void sameSeedSameModel() {
    Path a = train(config(TOWER, 3), "a").model();
    Path b = train(config(TOWER, 3), "b").model();
    assertThat(a.resolve("model.safetensors"))
        .hasSameBinaryContentAs(b.resolve("model.safetensors"));
  }

  @Test
  void aTowerThatIsNotThereIsNamed() {
    assertThatThrownBy(() -> train(config("checkpoints/nowhere", 1), "c"))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("nowhere");
  }
}
