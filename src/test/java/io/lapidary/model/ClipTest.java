package io.lapidary.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.lapidary.InputException;
import io.lapidary.engine.Gradients;
import io.lapidary.engine.Graph;
import io.lapidary.engine.Parameters;
import io.lapidary.engine.Plan;
import io.lapidary.io.CheckpointFolder;
import io.lapidary.io.Dtype;
import io.lapidary.io.Jsons;
import io.lapidary.io.SafetensorsFile;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

class ClipTest {
  private static final Path FOLDER = Path.of("src/test/resources/golden/clip");
  private static final double TOLERANCE = 1e-4;
  private static final ClipConfig TINY =
      new ClipConfig(
          6,
          1.5,
          new VisionConfig(8, 4, 3, 8, 12, 2, 2, "quick_gelu", 1e-5),
          new TextConfig(11, 5, 8, 12, 1, 2, "gelu", 1e-5, 1, 2, 0));

  @TempDir Path temporary;

  private static INDArray golden(String name) {
    try (SafetensorsFile file = SafetensorsFile.open(FOLDER.resolve("golden.safetensors"))) {
      return file.read(name);
    }
  }

  private static void assertClose(INDArray actual, INDArray expected) {
    assertThat(actual.shape()).isEqualTo(expected.shape());
    assertThat(actual.sub(expected).amaxNumber().doubleValue()).isLessThan(TOLERANCE);
  }

  @Test
  void matchesTheReferenceImplementation() {
    try (Clip clip = Clip.load(FOLDER)) {
      INDArray images = clip.imageEmbeddings(golden("pixel_values"));
      INDArray texts = clip.textEmbeddings(golden("input_ids"));
      assertClose(images, golden("image_embeds"));
      assertClose(texts, golden("text_embeds"));
      assertClose(clip.logits(images, texts), golden("logits_per_image"));
      List<INDArray> states = clip.visionHiddenStates(golden("pixel_values"));
      assertThat(states).hasSize(4);
      for (int i = 0; i < states.size(); i++) {
        assertClose(states.get(i), golden("vision_hidden_states." + i));
      }
    }
  }

  @Test
  void matchesTheReferenceInsideTheTowers() {
    try (Clip clip = Clip.load(FOLDER)) {
      Graph g = new Graph(clip.parameters(), false);
      SDVariable pooled = clip.vision(g, g.placeholder("p", 2, 3, 32, 32)).pooled();
      SDVariable last = clip.text(g, g.placeholder("i", DataType.INT, 3, 10)).lastHidden();
      try (Plan plan = Plan.compile(g, pooled, last)) {
        plan.run(Map.of("p", golden("pixel_values"), "i", golden("input_ids")));
        assertClose(plan.output(pooled), golden("vision_pooler_output"));
        assertClose(plan.output(last), golden("text_last_hidden_state"));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3, 64, 65, 130})
  void anExampleDoesNotDependOnItsBatch(int batch) {
    try (Clip clip = Clip.load(FOLDER)) {
      INDArray pixels = Nd4j.tile(golden("pixel_values"), batch, 1, 1, 1);
      INDArray some = pixels.get(NDArrayIndex.interval(0, batch));
      INDArray expected = Nd4j.tile(golden("image_embeds"), batch, 1);
      assertClose(clip.imageEmbeddings(some), expected.get(NDArrayIndex.interval(0, batch)));
      INDArray ids = Nd4j.tile(golden("input_ids").castTo(DataType.LONG), batch, 1);
      INDArray texts = Nd4j.tile(golden("text_embeds"), batch, 1);
      assertClose(
          clip.textEmbeddings(ids.get(NDArrayIndex.interval(0, batch))),
          texts.get(NDArrayIndex.interval(0, batch)));
    }
  }

  @Test
  void saveThenLoadIsEqual() {
    try (Clip clip = Clip.load(FOLDER)) {
      clip.save(temporary, Dtype.F32);
      try (Clip again = Clip.load(temporary)) {
        assertThat(again.config()).isEqualTo(clip.config());
        assertThat(again.parameters().all()).isEqualTo(clip.parameters().all());
      }
      try (CheckpointFolder before = CheckpointFolder.open(FOLDER);
          CheckpointFolder after = CheckpointFolder.open(temporary)) {
        assertThat(after.names()).isEqualTo(before.names());
      }
      clip.save(temporary, Dtype.F16);
      try (Clip half = Clip.load(temporary)) {
        INDArray images = half.imageEmbeddings(golden("pixel_values"));
        assertThat(images.sub(golden("image_embeds")).amaxNumber().doubleValue()).isLessThan(1e-2);
      }
    }
  }

  @Test
  void aFreshModelHasTheTensorsOfACheckpoint() {
    try (Clip clip = Clip.create(TINY, 3)) {
      Map<String, List<Long>> made = new LinkedHashMap<>();
      clip.parameters().all().forEach((name, array) -> made.put(name, shape(array.shape())));
      Map<String, List<Long>> listed = new LinkedHashMap<>();
      ClipShapes.of(TINY).forEach((name, s) -> listed.put(name, shape(s)));
      assertThat(made).isEqualTo(listed);
      try (Clip same = Clip.create(TINY, 3);
          Clip other = Clip.create(TINY, 4)) {
        assertThat(same.parameters().all()).isEqualTo(clip.parameters().all());
        assertThat(other.parameters().all()).isNotEqualTo(clip.parameters().all());
      }
    }
  }

  private static List<Long> shape(long[] shape) {
    List<Long> list = new ArrayList<>();
    for (long size : shape) {
      list.add(size);
    }
    return list;
  }

  @Test
  void textStateIsAtTheLargestIdOrTheFirstEnd() {
    INDArray ids = Nd4j.createFromArray(new int[][] {{1, 3, 7, 4, 0}, {1, 3, 7, 0, 0}});
    assertThat(cosineOfRows(TINY, ids)).isCloseTo(1, within(1e-5)); // end 2: the largest id, 7
    TextConfig t = TINY.text();
    TextConfig ended =
        new TextConfig(
            t.vocabularySize(),
            t.contextLength(),
            t.hiddenSize(),
            t.intermediateSize(),
            t.layers(),
            t.heads(),
            t.activation(),
            t.epsilon(),
            1,
            4,
            0);
    ClipConfig config = new ClipConfig(TINY.projection(), 1.5, TINY.vision(), ended);
    INDArray twice = Nd4j.createFromArray(new int[][] {{1, 4, 7, 4, 0}, {1, 4, 9, 9, 9}});
    assertThat(cosineOfRows(config, twice)).isCloseTo(1, within(1e-5)); // the first 4
    assertThat(cosineOfRows(config, ids)).isLessThan(0.9999);
  }

  private static double cosineOfRows(ClipConfig config, INDArray ids) {
    try (Clip clip = Clip.create(config, 1)) {
      INDArray e = clip.textEmbeddings(ids);
      return e.getRow(0).mul(e.getRow(1)).sumNumber().doubleValue();
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2})
  void lossGradientsMatchDifferences(long seed) {
    Clip clip = new Clip(TINY, new Parameters(DataType.DOUBLE, seed));
    Graph g = new Graph(clip.parameters(), true);
    SDVariable pixels = g.placeholder("p", 3, 3, 8, 8);
    SDVariable ids = g.placeholder("i", DataType.INT, 3, 5);
    SDVariable loss = clip.contrastiveLoss(g, pixels, ids);
    List<SDVariable> parameters = g.parameters();
    List<SDVariable> outputs = new ArrayList<>(Gradients.of(g, loss, parameters));
    outputs.add(loss);
    Nd4j.getRandom().setSeed(seed);
    Map<String, INDArray> feeds =
        Map.of(
            "p",
            Nd4j.randn(DataType.DOUBLE, 3, 3, 8, 8),
            "i",
            Nd4j.createFromArray(new int[][] {{1, 3, 4, 9, 0}, {1, 5, 8, 0, 0}, {1, 10, 0, 0, 0}}));
    try (Plan plan = Plan.compile(g, outputs)) {
      java.util.SplittableRandom random = new java.util.SplittableRandom(seed);
      for (int p = 0; p < parameters.size(); p++) {
        INDArray w = clip.parameters().get(parameters.get(p).name());
        long at = random.nextLong(w.length());
        plan.run(feeds);
        double analytic = plan.output(outputs.get(p)).reshape(-1).getDouble(at);
        double old = w.data().getDouble(at);
        double[] values = new double[2];
        for (int side = 0; side < 2; side++) {
          w.data().put(at, old + (side == 0 ? 1e-5 : -1e-5));
          plan.run(feeds);
          values[side] = plan.output(loss).getDouble(0);
        }
        w.data().put(at, old);
        double numeric = (values[0] - values[1]) / 2e-5;
        assertThat(analytic)
            .as("seed %d, %s[%d]", seed, parameters.get(p).name(), at)
            .isCloseTo(numeric, within(1e-7 + 1e-5 * Math.abs(numeric)));
      }
    }
  }

  @Test
  void planEqualsSameDiff() {
    try (Clip clip = Clip.load(FOLDER)) {
      Map<String, INDArray> out =
          clip.sameDiff(2, 10)
              .output(
                  Map.of(
                      "pixel_values",
                      golden("pixel_values"),
                      "input_ids",
                      golden("input_ids").get(NDArrayIndex.interval(0, 2))),
                  "image_embeds",
                  "logits_per_image");
      assertClose(out.get("image_embeds"), golden("image_embeds"));
      INDArray expected = golden("logits_per_image");
      assertClose(
          out.get("logits_per_image"),
          expected.get(NDArrayIndex.all(), NDArrayIndex.interval(0, 2)));
    }
  }

  @Test
  void rejectsInputsThatDoNotFit() {
    try (Clip clip = Clip.create(TINY, 1)) {
      assertThatThrownBy(() -> clip.imageEmbeddings(Nd4j.zeros(2, 3, 9, 9)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("[B, 3, 8, 8], got [2, 3, 9, 9]");
      assertThatThrownBy(() -> clip.textEmbeddings(Nd4j.zeros(DataType.INT, 1, 6)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("6 tokens, but there are 5 positions");
      assertThatThrownBy(() -> clip.textEmbeddings(Nd4j.zeros(DataType.INT, 1, 4).addi(11)))
          .isInstanceOf(IndexOutOfBoundsException.class)
          .hasMessageContaining("is 11, but ids must be in [0, 11)");
      assertThatThrownBy(() -> clip.textEmbeddings(Nd4j.zeros(1, 4)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("FLOAT");
    }
  }

  @Test
  void readsConfigurationsOfSeveralAges() {
    ObjectNode old = Jsons.object();
    old.putObject("text_config").put("hidden_size", 64).put("extra", true);
    old.putObject("text_config_dict").put("hidden_size", 768).put("num_attention_heads", 12);
    old.putNull("vision_config_dict");
    ClipConfig config = ClipConfig.of(old, "config.json");
    assertThat(config.text().hiddenSize()).isEqualTo(768);
    assertThat(config.vision().patchSize()).isEqualTo(32);
    assertThat(config.projection()).isEqualTo(512);
    assertThat(ClipConfig.of(TINY.toJson(), "config.json")).isEqualTo(TINY);
  }

  @Test
  void namesTheValueOfAConfigurationThatDoesNotFit() {
    ObjectNode json = TINY.toJson();
    ((ObjectNode) json.get("vision_config")).put("num_attention_heads", 3);
    assertThatThrownBy(() -> ClipConfig.of(json, "x/config.json"))
        .isInstanceOf(InputException.class)
        .hasMessage(
            "x/config.json: vision_config: num_attention_heads=3 must divide hidden_size=8");
    ((ObjectNode) json.get("vision_config")).put("num_attention_heads", "two");
    assertThatThrownBy(() -> ClipConfig.of(json, "x/config.json"))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("num_attention_heads must be a whole number, found \"two\"");
    json.put("model_type", "bert");
    assertThatThrownBy(() -> ClipConfig.of(json, "x/config.json"))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("found model_type bert");
  }
}
