package io.lapidary.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.lapidary.InputException;
import io.lapidary.io.Dtype;
import io.lapidary.io.Jsons;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.ops.transforms.Transforms;

class VisionLanguageModelTest {
  private static final Golden GOLDEN = Golden.of("llava");
  private static final int IMAGE = 97; // image_token_index of the golden model

  @TempDir Path temporary;

  private static List<int[]> texts() {
    INDArray ids = GOLDEN.get("input_ids");
    List<int[]> texts = new ArrayList<>();
    for (int i = 0; i < ids.size(0); i++) {
      texts.add(ids.get(NDArrayIndex.point(i), NDArrayIndex.all()).dup('c').data().asInt());
    }
    return texts;
  }

  private static void check(VisionLanguageModel model) {
    INDArray pixels = GOLDEN.get("pixel_values");
    SplicedText spliced = model.splice(texts(), pixels, SplicedText.Side.RIGHT);
    GOLDEN.assertClose(model.logits(spliced, pixels), "logits");
  }

  @Test
  void matchesTheReferenceImplementation() {
    try (VisionLanguageModel model = VisionLanguageModel.load(GOLDEN.folder())) {
      check(model);
      INDArray pixels = GOLDEN.get("pixel_values");
      INDArray first = pixels.get(NDArrayIndex.interval(0, 1)).dup('c');
      int[] prompt = texts().get(0);
      int[] added =
          model.generate(List.of(prompt), first, GenerateOptions.greedy(8), null).get(0).ids();
      int[] expected = GOLDEN.get("greedy_ids").data().asInt();
      assertThat(added).isEqualTo(Arrays.copyOfRange(expected, prompt.length, expected.length));
    }
  }

  @ParameterizedTest
  @CsvSource({
    // as written by older and newer versions of the Python library
    "language_model.model., language_model., vision_tower.vision_model., multi_modal_projector.",
    "model.language_model., '', model.vision_tower., model.multi_modal_projector.",
    "model.language_model., '', model.vision_tower.vision_model., model.multi_modal_projector."
  })
  void everySpellingLoadsAndIsKept(String body, String head, String tower, String projector) {
    Path spelt = temporary.resolve("spelt");
    GOLDEN.copyTo(
        spelt,
        config -> {},
        tensors -> {
          Map<String, INDArray> renamed = new LinkedHashMap<>();
          tensors.forEach(
              (name, array) ->
                  renamed.put(
                      name.replace("language_model.model.", "BODY")
                          .replace("language_model.", head)
                          .replace("BODY", body)
                          .replaceFirst("^vision_tower\\.", tower)
                          .replaceFirst("^multi_modal_projector\\.", projector),
                      array));
          tensors.clear();
          tensors.putAll(renamed);
        },
        Dtype.F32,
        100_000);
    try (VisionLanguageModel model = VisionLanguageModel.load(spelt)) {
      check(model);
      model.save(temporary.resolve("again"), null);
    }
    Golden.assertSameTensors(temporary.resolve("again"), spelt);
  }

  @Test
  void lossLeavesOutImages() {
    try (VisionLanguageModel model = VisionLanguageModel.load(GOLDEN.folder())) {
      INDArray pixels = GOLDEN.get("pixel_values");
      SplicedText spliced = model.splice(texts(), pixels, SplicedText.Side.RIGHT);
      INDArray logProbabilities =
          Transforms.log(Transforms.softmax(model.logits(spliced, pixels).reshape(50, 99), true));
      double sum = 0;
      int count = 0;
      for (int i = 0; i < 2; i++) {
        for (int t = 1; t < 25; t++) {
          int label = texts().get(i)[t];
          if (label != IMAGE) {
            sum -= logProbabilities.getDouble(i * 25 + t - 1, label);
            count++;
          }
        }
      }
      assertThat(count).isEqualTo(16);
      assertThat(model.loss(spliced, pixels)).isCloseTo(sum / count, within(1e-4));
    }
  }

  @Test
  void bothLayoutsOfImagesAndEitherPaddingGiveTheSame() {
    INDArray pixels = GOLDEN.get("pixel_values");
    List<int[]> sentinels =
        texts().stream()
            .map(
                t -> {
                  int[] shorter = new int[t.length - 15];
                  shorter[0] = t[0];
                  shorter[1] = t[1];
                  shorter[2] = SplicedText.SENTINEL;
                  System.arraycopy(t, 18, shorter, 3, t.length - 18);
                  return shorter;
                })
            .toList();
    List<int[]> uneven = List.of(sentinels.get(0), Arrays.copyOf(sentinels.get(1), 6));
    try (VisionLanguageModel model = VisionLanguageModel.load(GOLDEN.folder())) {
      SplicedText whole = model.splice(sentinels, pixels, SplicedText.Side.RIGHT);
      GOLDEN.assertClose(model.logits(whole, pixels), "logits");
      SplicedText left = model.splice(uneven, pixels, SplicedText.Side.LEFT);
      INDArray second = model.logits(left, pixels).get(NDArrayIndex.point(1));
      INDArray expected = GOLDEN.get("logits").get(NDArrayIndex.point(1));
      Golden.assertClose(
          second.get(NDArrayIndex.interval(4, 25)),
          expected.get(NDArrayIndex.interval(0, 21)),
          1e-4,
          "left-padded");
      SplicedText right = model.splice(uneven, pixels, SplicedText.Side.RIGHT);
      assertThat(model.loss(left, pixels)).isCloseTo(model.loss(right, pixels), within(1e-5));
      // a batch continues as each text alone
      var both = model.generate(uneven, pixels, GenerateOptions.greedy(64), null);
      for (int i = 0; i < 2; i++) {
        INDArray own = pixels.get(NDArrayIndex.interval(i, i + 1)).dup('c');
        var alone = model.generate(List.of(uneven.get(i)), own, GenerateOptions.greedy(64), null);
        assertThat(both.get(i).ids()).isEqualTo(alone.get(0).ids());
      }
    }
  }

  @Test
  void textsThatDoNotFitTheImagesAreRefused() {
    try (VisionLanguageModel model = VisionLanguageModel.load(GOLDEN.folder())) {
      INDArray one = GOLDEN.get("pixel_values").get(NDArrayIndex.interval(0, 1)).dup('c');
      assertThatThrownBy(() -> model.splice(texts(), one, SplicedText.Side.RIGHT))
          .hasMessageContaining("ask for 32 image rows, but 1 images of 16 rows give 16");
      SplicedText plain = model.splice(List.of(new int[] {1, 5, 9}), null, SplicedText.Side.RIGHT);
      assertThat(model.logits(plain, null).shape()).containsExactly(1, 3, 99);
    }
  }

  @Test
  void aFolderWithoutProjectorSaysSo() {
    GOLDEN.copyTo(
        temporary,
        config -> {},
        tensors -> tensors.keySet().removeIf(name -> name.startsWith("multi_modal")),
        Dtype.F32,
        Long.MAX_VALUE);
    assertThatThrownBy(() -> VisionLanguageModel.load(temporary))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("the weights of the projector are missing");
  }

  @Test
  void freshModelsOfOtherOptionsSaveAndLoad() {
    VisionLanguageConfig config =
        new VisionLanguageConfig(
            LmConfig.llama(40, 24, 2, 3, 1, 20, 64),
            new VisionConfig(12, 4, 3, 16, 24, 2, 2, "gelu", 1e-5),
            39,
            List.of(-1, 1),
            false,
            2,
            "gelu",
            false);
    List<int[]> texts = List.of(new int[] {1, SplicedText.SENTINEL, 7});
    try (VisionLanguageModel model = VisionLanguageModel.create(config, 3)) {
      model.save(temporary, null);
      INDArray pixels = Nd4j.rand(1, 3, 12, 12);
      SplicedText spliced = model.splice(texts, pixels, SplicedText.Side.RIGHT);
      assertThat(spliced.length()).isEqualTo(12);
      try (VisionLanguageModel again = VisionLanguageModel.load(temporary)) {
        assertThat(again.config()).isEqualTo(config);
        assertThat(again.logits(spliced, pixels)).isEqualTo(model.logits(spliced, pixels));
      }
    }
  }

  /**
   * The golden model in the layout of LLaVA's authors, its tower in {@code clip-tiny} beside it.
   */
  private void original(Path folder, boolean towerInside) {
    Path tower = folder.resolveSibling("clip-tiny");
    GOLDEN.copyTo(
        tower,
        config -> config.setAll((ObjectNode) config.get("vision_config")),
        tensors -> {
          tensors.keySet().removeIf(name -> !name.startsWith("vision_tower."));
          rename(tensors, name -> name.replace("vision_tower.", "vision_model."));
        },
        Dtype.F32,
        Long.MAX_VALUE);
    GOLDEN.copyTo(
        folder,
        config -> {
          ObjectNode text = (ObjectNode) config.get("text_config");
          config.removeAll();
          config.setAll(text);
          config
              .put("model_type", "llava_llama")
              .put("mm_vision_tower", "someone/clip-tiny")
              .put("mm_projector_type", "mlp2x_gelu")
              .put("mm_vision_select_layer", -2)
              .put("mm_vision_select_feature", "patch");
        },
        tensors -> {
          if (!towerInside) {
            tensors.keySet().removeIf(name -> name.startsWith("vision_tower."));
          }
          tensors.put("model.image_newline", Nd4j.ones(DataType.FLOAT, 32));
          rename(
              tensors,
              name ->
                  name.replaceFirst("^language_model\\.", "")
                      .replaceFirst("^vision_tower", "model.vision_tower.vision_tower.vision_model")
                      .replace("multi_modal_projector.linear_1", "model.mm_projector.0")
                      .replace("multi_modal_projector.linear_2", "model.mm_projector.2"));
        },
        Dtype.F32,
        Long.MAX_VALUE);
  }

  private static void rename(Map<String, INDArray> tensors, UnaryOperator<String> rename) {
    Map<String, INDArray> renamed = new LinkedHashMap<>();
    tensors.forEach((name, array) -> renamed.put(rename.apply(name), array));
    tensors.clear();
    tensors.putAll(renamed);
  }

  /** Made by the Python library, which gives phi's output map no bias here. */
  @ParameterizedTest
  @ValueSource(strings = {"llava_siglip", "llava_layers"})
  void recordedModelsAreWrittenBackAlike(String name) {
    Path folder = Path.of("src/test/resources/golden", name);
    try (VisionLanguageModel model = VisionLanguageModel.load(folder)) {
      model.save(temporary, null);
    }
    Golden.assertSameTensors(temporary, folder);
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void theLayoutOfTheAuthorsLoadsAndIsKept(boolean towerInside) {
    Path folder = temporary.resolve("llava");
    original(folder, towerInside);
    INDArray pixels = GOLDEN.get("pixel_values");
    List<int[]> sentinels =
        texts().stream()
            .map(
                t ->
                    IntStream.concat(
                            IntStream.of(t[0], t[1], SplicedText.SENTINEL),
                            Arrays.stream(t, 18, t.length))
                        .toArray())
            .toList();
    Path again = temporary.resolve("again");
    try (VisionLanguageModel model = VisionLanguageModel.load(folder)) {
      SplicedText spliced = model.splice(sentinels, pixels, SplicedText.Side.RIGHT);
      GOLDEN.assertClose(model.logits(spliced, pixels), "logits");
      model.save(again, null);
    }
    Golden.assertSameTensors(again, folder);
    try (VisionLanguageModel model = VisionLanguageModel.load(again)) {
      assertThat(model.config().imageToken()).isEqualTo(SplicedText.SENTINEL);
    }
  }

  @Test
  void aTowerThatIsNotThereIsNamed() throws IOException {
    Path folder = temporary.resolve("llava");
    original(folder, false);
    Files.move(temporary.resolve("clip-tiny"), temporary.resolve("elsewhere"));
    assertThatThrownBy(() -> VisionLanguageModel.load(folder))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("mm_vision_tower someone/clip-tiny")
        .hasMessageContaining("--vision-tower");
  }

  @ParameterizedTest
  @EnumSource(value = LmFamily.class, names = "GPT2", mode = EnumSource.Mode.EXCLUDE)
  void otherDecodersAndTowersContinueAsRecomputed(LmFamily family) {
    LmConfig text =
        family == LmFamily.LLAMA
            ? LmConfig.llama(40, 24, 2, 3, 1, 20, 128)
            : LmConfig.of(
                Jsons.object()
                    .put("model_type", family.modelType())
                    .put("vocab_size", 40)
                    .put("hidden_size", 24)
                    .put("num_hidden_layers", 2)
                    .put("num_attention_heads", 3)
                    .put("num_key_value_heads", 1)
                    .put("intermediate_size", 20)
                    .put("max_position_embeddings", 128),
                "test");
    VisionConfig siglip =
        new VisionConfig(
            VisionFamily.SIGLIP,
            12,
            4,
            3,
            16,
            24,
            2,
            2,
            "gelu_pytorch_tanh",
            1e-6,
            true,
            false,
            family == LmFamily.PHI);
    try (VisionLanguageModel model =
        VisionLanguageModel.create(new VisionLanguageConfig(text, siglip, 39), 5)) {
      model.save(temporary, null);
    }
    INDArray pixels = Nd4j.rand(2, 3, 12, 12);
    try (VisionLanguageModel model = VisionLanguageModel.load(temporary)) {
      assertThat(model.config().vision()).isEqualTo(siglip);
      List<int[]> prompts =
          List.of(new int[] {1, SplicedText.SENTINEL, 7, 9}, new int[] {3, 4, 5, -200, 8, 11, 2});
      GenerateOptions options =
          GenerateOptions.greedy(64).stoppingAt(List.of(39), List.of()); // the id of an image row
      var continued = model.generate(prompts, pixels, options, null);
      for (int i = 0; i < 2; i++) { // every token is the likeliest of a run over the whole text
        int[] added = Arrays.stream(continued.get(i).ids()).filter(id -> id != 39).toArray();
        assertThat(added).isNotEmpty();
        int[] all = IntStream.concat(Arrays.stream(prompts.get(i)), Arrays.stream(added)).toArray();
        INDArray own = pixels.get(NDArrayIndex.interval(i, i + 1)).dup('c');
        SplicedText spliced = model.splice(List.of(all), own, SplicedText.Side.RIGHT);
        INDArray logits = model.logits(spliced, own).get(NDArrayIndex.point(0));
        int first = spliced.length() - added.length - 1;
        for (int j = 0; j < added.length; j++) {
          INDArray row = logits.getRow(first + j);
          double gap = row.maxNumber().doubleValue() - row.getDouble(added[j]);
          assertThat(gap).as("text %d, token %d", i, j).isLessThan(1e-4);
        }
      }
    }
  }
}
