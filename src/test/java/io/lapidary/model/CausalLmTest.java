package io.lapidary.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.lapidary.InputException;
import io.lapidary.Logged;
import io.lapidary.engine.Gradients;
import io.lapidary.engine.Graph;
import io.lapidary.engine.Parameters;
import io.lapidary.engine.Plan;
import io.lapidary.io.CheckpointFolder;
import io.lapidary.io.Dtype;
import io.lapidary.io.Jsons;
import io.lapidary.io.SafetensorsFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

class CausalLmTest {
  private static final Path GOLDEN = Path.of("src/test/resources/golden");
  private static final double TOLERANCE = 1e-4;

  @TempDir Path temporary;

  private static Map<String, INDArray> golden(String family) {
    Map<String, INDArray> all = new LinkedHashMap<>();
    Path file = GOLDEN.resolve(family).resolve("golden.safetensors");
    try (SafetensorsFile open = SafetensorsFile.open(file)) {
      open.names().forEach(name -> all.put(name, open.read(name)));
    }
    return all;
  }

  private static void assertClose(String what, INDArray actual, INDArray expected, double limit) {
    assertThat(actual.shape()).as(what).isEqualTo(expected.shape());
    assertThat(actual.sub(expected).amaxNumber().doubleValue()).as(what).isLessThan(limit);
  }

  private static INDArray row(INDArray array, long from, long row) {
    return array
        .get(
            NDArrayIndex.point(row), NDArrayIndex.interval(from, array.size(1)), NDArrayIndex.all())
        .dup('c');
  }

  @ParameterizedTest
  @ValueSource(strings = {"gpt2", "llama", "qwen2", "phi", "phi3"})
  void matchesTheReferenceImplementation(String family) {
    Map<String, INDArray> golden = golden(family);
    INDArray ids = golden.get("input_ids");
    try (CausalLm lm = CausalLm.load(GOLDEN.resolve(family))) {
      assertClose("logits", lm.logits(ids), golden.get("logits"), TOLERANCE);
      List<INDArray> states = lm.hiddenStates(ids, null);
      for (int i = 0; i < states.size(); i++) {
        INDArray expected = golden.get("hidden_states." + i);
        assertClose("state " + i, states.get(i), expected, TOLERANCE);
      }
      INDArray mask = golden.get("attention_mask_left_padded").castTo(DataType.FLOAT);
      INDArray padded = lm.logits(ids, mask);
      INDArray expected = golden.get("logits_left_padded");
      assertClose("full row", row(padded, 0, 0), row(expected, 0, 0), TOLERANCE);
      assertClose("padded row", row(padded, 3, 1), row(expected, 3, 1), TOLERANCE);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"gpt2", "llama", "qwen2", "phi", "phi3"})
  void lossAndGradientsMatchTheReference(String family) {
    Map<String, INDArray> golden = golden(family);
    INDArray ids = golden.get("input_ids");
    try (CausalLm lm = CausalLm.load(GOLDEN.resolve(family))) {
      Graph g = new Graph(lm.parameters(), true);
      SDVariable loss = lm.loss(g, g.placeholder("ids", DataType.INT, ids.shape()), null, null);
      List<String> names =
          golden.keySet().stream()
              .filter(n -> n.startsWith("grad."))
              .map(n -> n.substring(5))
              .toList();
      assertThat(names).isNotEmpty();
      List<SDVariable> wrt = names.stream().map(g::variable).toList();
      List<SDVariable> gradients = Gradients.of(g, loss, wrt);
      List<SDVariable> outputs = new ArrayList<>(gradients);
      outputs.add(loss);
      try (Plan plan = Plan.compile(g, outputs)) {
        plan.run(Map.of("ids", ids));
        assertThat(plan.output(loss).getDouble(0))
            .isCloseTo(
                golden.get("lm_loss").getDouble(0),
                org.assertj.core.api.Assertions.within(TOLERANCE));
        for (int i = 0; i < names.size(); i++) {
          INDArray expected = golden.get("grad." + names.get(i));
          assertClose(names.get(i), plan.output(gradients.get(i)), expected, TOLERANCE);
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"gpt2", "llama", "qwen2", "phi", "phi3"})
  void savesWhatItLoaded(String family) {
    Path folder = GOLDEN.resolve(family);
    Path saved = temporary.resolve(family);
    try (CausalLm lm = CausalLm.load(folder)) {
      lm.save(saved, null);
    }
    assertThat(Jsons.readObject(saved.resolve("config.json")))
        .isEqualTo(Jsons.readObject(folder.resolve("config.json")));
    try (SafetensorsFile before = SafetensorsFile.open(folder.resolve("model.safetensors"));
        SafetensorsFile after = SafetensorsFile.open(saved.resolve("model.safetensors"))) {
      assertThat(after.names()).containsExactlyInAnyOrderElementsOf(before.names());
      for (String name : before.names()) {
        assertThat(after.info(name).dtype()).isEqualTo(before.info(name).dtype());
        assertThat(after.read(name)).as(name).isEqualTo(before.read(name));
      }
    }
  }

  @Test
  void namesWithoutPrefixLoadAndAreWrittenBack() {
    Map<String, INDArray> golden = golden("gpt2");
    Map<String, INDArray> bare = new LinkedHashMap<>();
    ObjectNode json = Jsons.readObject(GOLDEN.resolve("gpt2/config.json"));
    try (SafetensorsFile file = SafetensorsFile.open(GOLDEN.resolve("gpt2/model.safetensors"))) {
      file.names().forEach(n -> bare.put(n.replaceFirst("^transformer\\.", ""), file.read(n)));
    }
    bare.put("h.0.attn.bias", Nd4j.ones(DataType.FLOAT, 1, 1, 32, 32));
    CheckpointFolder.save(temporary.resolve("bare"), json, bare, Dtype.F32);
    try (CausalLm lm = CausalLm.load(temporary.resolve("bare"))) {
      assertClose("logits", lm.logits(golden.get("input_ids")), golden.get("logits"), TOLERANCE);
      lm.save(temporary.resolve("again"), null);
    }
    try (CheckpointFolder again = CheckpointFolder.open(temporary.resolve("again"))) {
      assertThat(again.names()).contains("wte.weight").doesNotContain("transformer.wte.weight");
    }
  }

  @Test
  void joinedMapsEqualSeparateOnes() {
    Map<String, INDArray> split = new LinkedHashMap<>();
    try (SafetensorsFile file = SafetensorsFile.open(GOLDEN.resolve("phi3/model.safetensors"))) {
      for (String name : file.names()) {
        INDArray w = file.read(name);
        if (name.contains("qkv_proj")) {
          put(split, name.replace("qkv_proj", "q_proj"), w, 0, 32);
          put(split, name.replace("qkv_proj", "k_proj"), w, 32, 48);
          put(split, name.replace("qkv_proj", "v_proj"), w, 48, 64);
        } else if (name.contains("gate_up_proj")) {
          put(split, name.replace("gate_up_proj", "gate_proj"), w, 0, 48);
          put(split, name.replace("gate_up_proj", "up_proj"), w, 48, 96);
        } else {
          split.put(name, w);
        }
      }
    }
    ObjectNode json = Jsons.readObject(GOLDEN.resolve("phi3/config.json"));
    json.put("model_type", "llama");
    CheckpointFolder.save(temporary, json, split, Dtype.F32);
    Map<String, INDArray> golden = golden("phi3");
    try (CausalLm lm = CausalLm.load(temporary)) {
      assertClose("logits", lm.logits(golden.get("input_ids")), golden.get("logits"), TOLERANCE);
    }
  }

  private static void put(Map<String, INDArray> all, String name, INDArray w, int from, int to) {
    all.put(name, w.get(NDArrayIndex.interval(from, to), NDArrayIndex.all()).dup('c'));
  }

  @Test
  void tiedTablesAreOneTensor() {
    ObjectNode json = Jsons.readObject(GOLDEN.resolve("qwen2/config.json"));
    Map<String, INDArray> tensors = new LinkedHashMap<>();
    try (SafetensorsFile file = SafetensorsFile.open(GOLDEN.resolve("qwen2/model.safetensors"))) {
      file.names().forEach(n -> tensors.put(n, file.read(n)));
    }
    INDArray table = tensors.remove("model.embed_tokens.weight");
    tensors.put("lm_head.weight", table);
    CheckpointFolder.save(temporary.resolve("head"), json, tensors, Dtype.F32);
    Map<String, INDArray> golden = golden("qwen2");
    try (CausalLm lm = CausalLm.load(temporary.resolve("head"))) {
      assertClose("logits", lm.logits(golden.get("input_ids")), golden.get("logits"), TOLERANCE);
    }
    tensors.put("model.embed_tokens.weight", table);
    tensors.put("lm_head.weight", table.mul(2));
    CheckpointFolder.save(temporary.resolve("both"), json, tensors, Dtype.F32);
    try (Logged logged = Logged.by(CausalLm.class);
        CausalLm lm = CausalLm.load(temporary.resolve("both"))) {
      assertClose("logits", lm.logits(golden.get("input_ids")), golden.get("logits"), TOLERANCE);
      assertThat(logged.messages()).singleElement().asString().contains("the token table is used");
    }
    tensors.remove("lm_head.weight");
    json.put("tie_word_embeddings", false);
    CheckpointFolder.save(temporary.resolve("none"), json, tensors, Dtype.F32);
    assertThatThrownBy(() -> CausalLm.load(temporary.resolve("none")))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("missing 'lm_head.weight' [99, 32]");
  }

  @ParameterizedTest
  @EnumSource(LmFamily.class)
  void unequalBlocksSaveAndLoad(LmFamily family) {
    ObjectNode json = Jsons.object();
    String source = family == LmFamily.MISTRAL ? "llama" : family.modelType();
    json.setAll(Jsons.readObject(GOLDEN.resolve(source).resolve("config.json")));
    json.put("model_type", family.modelType());
    boolean grouped = family != LmFamily.GPT2;
    LmConfig config =
        LmConfig.of(json, "config.json")
            .withLayers(
                List.of(LmLayer.of(3, grouped ? 1 : 3, 40), new LmLayer(2, 2, 24, window(family))));
    INDArray ids = Nd4j.createFromArray(new int[][] {{5, 6, 7, 8, 9, 10}});
    try (CausalLm lm = CausalLm.create(config, 3)) {
      lm.save(temporary, Dtype.F32);
      try (CausalLm again = CausalLm.load(temporary)) {
        assertThat(again.config()).isEqualTo(config);
        assertThat(again.logits(ids)).isEqualTo(lm.logits(ids));
      }
    }
  }

  private static int window(LmFamily family) {
    return switch (family) {
      case MISTRAL, QWEN2, PHI3 -> 3;
      default -> 0;
    };
  }

  @Test
  void aLaterTokenDoesNotChangeEarlierLogitsAndAWindowEnds() {
    LmConfig plain = LmConfig.llama(31, 16, 1, 2, 1, 24, 32);
    LmConfig windowed = plain.withLayers(List.of(new LmLayer(2, 1, 24, 3)));
    int[] ids = {3, 4, 5, 6, 7, 8};
    for (LmConfig config : List.of(plain, windowed)) {
      try (CausalLm lm = CausalLm.create(config, 1)) {
        INDArray before = lm.logits(Nd4j.createFromArray(new int[][] {ids}));
        int[] last = ids.clone();
        last[5] = 20;
        INDArray after = lm.logits(Nd4j.createFromArray(new int[][] {last}));
        INDArray early = after.sub(before).norm1(2);
        assertThat(early.getDouble(0, 4)).isZero();
        assertThat(early.getDouble(0, 5)).isPositive();
        int[] first = ids.clone();
        first[0] = 20;
        INDArray moved = lm.logits(Nd4j.createFromArray(new int[][] {first})).sub(before).norm1(2);
        assertThat(moved.getDouble(0, 2)).isPositive(); // positions 0, 1, 2: the window's border
        assertThat(moved.getDouble(0, 3) > 0).isEqualTo(config == plain);
      }
    }
  }

  @Test
  void ignoredLabelsDoNotCount() {
    try (CausalLm lm = CausalLm.create(LmConfig.llama(31, 16, 1, 2, 2, 24, 32), 1)) {
      INDArray ids = Nd4j.createFromArray(new int[][] {{3, 4, 5, 6}, {7, 8, 9, 10}});
      INDArray labels =
          Nd4j.createFromArray(new int[][] {{-100, -100, 5, 6}, {-1, -100, -100, -100}});
      labels.putScalar(1, 0, -100);
      Graph g = new Graph(lm.parameters(), false);
      SDVariable i = g.placeholder("ids", DataType.INT, 2, 4);
      SDVariable loss = lm.loss(g, i, g.placeholder("labels", DataType.INT, 2, 4), null);
      INDArray logits = lm.logits(ids);
      double expected = 0;
      for (int t = 1; t <= 2; t++) {
        INDArray row = logits.get(NDArrayIndex.point(0), NDArrayIndex.point(t), NDArrayIndex.all());
        double total = Arrays.stream(row.dup().data().asDouble()).map(Math::exp).sum();
        expected += (Math.log(total) - row.getDouble(t + 4)) / 2;
      }
      try (Plan plan = Plan.compile(g, loss)) {
        plan.run(Map.of("ids", ids, "labels", labels));
        assertThat(plan.output(loss).getDouble(0))
            .isCloseTo(expected, org.assertj.core.api.Assertions.within(1e-5));
      }
    }
  }

  @Test
  void aStoreMayHoldAModelUnderAPrefix() {
    LmConfig config = LmConfig.llama(31, 16, 1, 2, 2, 24, 32);
    Parameters parameters = new Parameters(DataType.FLOAT, 1);
    try (CausalLm lm = new CausalLm(config, parameters, "language_model.")) {
      lm.logits(Nd4j.createFromArray(new int[][] {{1, 2}}));
      assertThat(parameters.all()).containsKey("language_model.model.norm.weight");
      assertThat(lm.weightNames()).containsExactlyInAnyOrderElementsOf(parameters.all().keySet());
    }
  }

  @Test
  void rejectsIdsAndTextsThatDoNotFit() {
    try (CausalLm lm = CausalLm.load(GOLDEN.resolve("gpt2"))) {
      assertThatThrownBy(() -> lm.logits(Nd4j.createFromArray(new int[][] {{1, 99}})))
          .isInstanceOf(IndexOutOfBoundsException.class)
          .hasMessageContaining("99");
      assertThatThrownBy(() -> lm.logits(Nd4j.ones(DataType.INT, 1, 33)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("33 tokens, but the model has 32 positions");
      assertThatThrownBy(() -> lm.logits(Nd4j.ones(DataType.FLOAT, 1, 3)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("ids must be integers");
    }
  }

  @Test
  void theGenerationFileNamesTheIdsThatEndAText() throws IOException {
    for (String model : List.of("llama", "llava")) {
      Path folder = Files.createDirectories(temporary.resolve(model));
      for (String file : List.of("config.json", "model.safetensors")) {
        Files.copy(GOLDEN.resolve(model).resolve(file), folder.resolve(file));
      }
      Path generation = folder.resolve("generation_config.json");
      Files.writeString(generation, "{\"eos_token_id\": [7, 9], \"temperature\": 0.6}");
      assertThat(ends(folder, model)).containsExactly(7, 9);
      Files.writeString(generation, "{\"eos_token_id\": 11}");
      assertThat(ends(folder, model)).containsExactly(11);
      Files.writeString(generation, "{\"do_sample\": true}");
      List<Integer> own = ends(folder, model);
      Files.delete(generation);
      assertThat(ends(folder, model)).isEqualTo(own);
      Files.writeString(generation, "{\"eos_token_id\": \"</s>\"}");
      assertThatThrownBy(() -> ends(folder, model))
          .isInstanceOf(InputException.class)
          .hasMessageContaining("generation_config.json: eos_token_id");
    }
    Path folder = temporary.resolve("llama");
    Files.writeString(folder.resolve("generation_config.json"), "{\"eos_token_id\": [7, 9]}");
    try (CausalLm lm = CausalLm.load(folder)) {
      lm.save(temporary.resolve("saved"), Dtype.F32);
    }
    assertThat(Jsons.readObject(temporary.resolve("saved/config.json")))
        .as("the configuration stays as it was")
        .isEqualTo(Jsons.readObject(folder.resolve("config.json")));
  }

  private static List<Integer> ends(Path folder, String model) {
    if (model.equals("llama")) {
      try (CausalLm lm = CausalLm.load(folder)) {
        return lm.config().tokens().end();
      }
    }
    try (VisionLanguageModel vlm = VisionLanguageModel.load(folder)) {
      return vlm.config().text().tokens().end();
    }
  }
}
