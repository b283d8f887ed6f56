package io.lapidary.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.lapidary.InputException;
import io.lapidary.io.Dtype;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.api.ndarray.INDArray;
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
      var both = model.generate(uneven, pixels, GenerateOptions.greedy(12), null);
      for (int i = 0; i < 2; i++) {
        INDArray own = pixels.get(NDArrayIndex.interval(i, i + 1)).dup('c');
        var alone = model.generate(List.of(uneven.get(i)), own, GenerateOptions.greedy(12), null);
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
      INDArray pixels = org.nd4j.linalg.factory.Nd4j.rand(1, 3, 12, 12);
      SplicedText spliced = model.splice(texts, pixels, SplicedText.Side.RIGHT);
      assertThat(spliced.length()).isEqualTo(12);
      try (VisionLanguageModel again = VisionLanguageModel.load(temporary)) {
        assertThat(again.config()).isEqualTo(config);
        assertThat(again.logits(spliced, pixels)).isEqualTo(model.logits(spliced, pixels));
      }
    }
  }
}
