package io.lapidary.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lapidary.InputException;
import io.lapidary.engine.Gradients;
import io.lapidary.engine.Graph;
import io.lapidary.engine.Parameters;
import io.lapidary.engine.Plan;
import io.lapidary.io.CheckpointFolder;
import io.lapidary.io.Dtype;
import io.lapidary.io.Jsons;
import io.lapidary.io.Safetensors;
import io.lapidary.io.SafetensorsFile;
import io.lapidary.layer.Convolutions;
import io.lapidary.layer.Layers;
import io.lapidary.layer.Lora;
import io.lapidary.layer.LoraAdapters;
import io.lapidary.layer.LoraAdapters.Predicates;
import io.lapidary.layer.Patches;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.Function;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Laws that adapters keep on every kind of model, with linear maps and convolutions. */
class LoraModelsTest {
  private static final Path GOLDEN = Path.of("src/test/resources/golden");

  @TempDir Path temporary;

  /**
   * A model as a function from a graph to one output.
   *
   * @param build adds the model under the overlay in force
   * @param run the model's own array method under adapters; null when it has none
   */
  private record Subject(
      LoraBase base, Function<Graph, SDVariable> build, Function<LoraAdapters, INDArray> run) {

    INDArray output(LoraAdapters adapters) {
      Graph g = new Graph(base.parameters(), false);
      SDVariable y = g.with(adapters, () -> build.apply(g));
      try (Plan plan = Plan.compile(g, List.of(y))) {
        plan.run(Map.of());
        return plan.output(y).dup('c');
      }
    }
  }

  private static INDArray random(long seed, long... shape) {
    return Nd4j.createUninitialized(DataType.FLOAT, shape, 'c').assign(values(seed, shape));
  }

  private static INDArray values(long seed, long... shape) {
    SplittableRandom random = new SplittableRandom(seed);
    int count = 1;
    for (long size : shape) {
      count *= (int) size;
    }
    double[] values = new double[count];
    for (int i = 0; i < count; i++) {
      values[i] = 2 * random.nextDouble() - 1;
    }
    return Nd4j.createFromArray(values).reshape('c', shape);
  }

  private static Subject subject(String name) {
    INDArray ids = Nd4j.createFromArray(new int[][] {{5, 6, 7, 8}, {9, 3, 2, 1}});
    INDArray mask = Nd4j.createFromArray(new int[][] {{1, 1, 1, 1}, {1, 1, 1, 0}});
    Path folder = GOLDEN.resolve(name);
    switch (name) {
      case "bert", "mpnet" -> {
        TextEncoder m = TextEncoder.load(folder);
        INDArray floats = mask.castTo(DataType.FLOAT);
        return new Subject(
            LoraBase.of(m),
            g -> m.build(g, g.constant(ids), g.constant(floats)).sentence(),
            a -> m.with(a).sentenceEmbeddings(ids, mask));
      }
      case "vit", "siglip_vision", "dinov2_gated" -> {
        VisionEncoder m = VisionEncoder.load(folder);
        INDArray pixels =
            random(1, 2, m.config().channels(), m.config().imageSize(), m.config().imageSize());
        return new Subject(
            LoraBase.of(m),
            g -> m.build(g, g.constant(pixels)).pooled(),
            a -> m.with(a).pooled(pixels));
      }
      case "clip" -> {
        Clip m = Clip.load(folder);
        INDArray pixels = random(2, 2, 3, 32, 32);
        return new Subject(
            LoraBase.of(m),
            g ->
                g.ops()
                    .concat(
                        0,
                        m.imageEmbeddings(g, g.constant(pixels)),
                        m.textEmbeddings(g, g.constant(ids))),
            a -> {
              Clip with = m.with(a);
              return Nd4j.concat(0, with.imageEmbeddings(pixels), with.textEmbeddings(ids));
            });
      }
      case "llava" -> {
        VisionLanguageModel m = VisionLanguageModel.load(folder);
        INDArray pixels = random(6, 1, 3, 32, 32);
        List<int[]> texts = List.of(new int[] {5, SplicedText.SENTINEL, 6, 7});
        SplicedText spliced = m.splice(texts, pixels, SplicedText.Side.RIGHT);
        INDArray tokens = Nd4j.createFromArray(spliced.ids());
        INDArray sources = Nd4j.createFromArray(spliced.sources(m.config().rowsPerImage()));
        return new Subject(
            LoraBase.of(m),
            g -> {
              SDVariable features = m.imageFeatures(g, g.constant(pixels));
              SDVariable x = m.embed(g, g.constant(tokens), features, g.constant(sources));
              List<SDVariable> states = m.language().hiddenStates(g, x, null);
              return m.language().logits(g, states.get(states.size() - 1));
            },
            a -> {
              try (VisionLanguageModel with = m.with(a)) {
                return with.logits(spliced, pixels);
              }
            });
      }
      case "resnet", "resnet_bottleneck" -> {
        ResNet m = ResNet.load(folder);
        INDArray pixels = random(3, 2, m.config().channels(), 40, 48);
        return new Subject(
            LoraBase.of(m),
            g -> m.build(g, g.constant(pixels)).pooled(),
            a -> m.with(a).pooled(pixels));
      }
      case "convnet" -> {
        ConvNet net = new ConvNet(2, 6, 4);
        Parameters store = new Parameters(DataType.FLOAT, 5);
        INDArray pixels = random(4, 2, 3, 8, 8);
        LoraBase base = LoraBase.of(store, g -> net.logits(g, g.placeholder("x", 1, 3, 8, 8)));
        return new Subject(base, g -> net.logits(g, g.constant(pixels)), null);
      }
      default -> {
        CausalLm m = CausalLm.load(folder);
        return new Subject(
            LoraBase.of(m),
            g -> m.logits(g, m.lastHidden(g, g.constant(ids), null)),
            a -> m.with(a).logits(ids));
      }
    }
  }

  /** An adapter whose B is drawn, so that it changes something. */
  private static LoraAdapter drawn(
      Subject s, String name, Lora lora, Predicates targets, int seed) {
    LoraAdapter adapter = LoraAdapter.create(s.base, name, lora, targets);
    for (String array : adapter.parameterNames()) {
      if (array.endsWith(Lora.B)) {
        INDArray b = s.base.parameters().get(array);
        b.assign(values(seed + array.hashCode(), b.shape())).muli(0.2);
      }
    }
    return adapter;
  }

  private static double difference(INDArray a, INDArray b) {
    assertThat(a.shape()).isEqualTo(b.shape());
    return a.sub(b).amaxNumber().doubleValue();
  }

  private static Map<String, INDArray> copies(Parameters parameters) {
    Map<String, INDArray> copies = new HashMap<>();
    parameters.all().forEach((name, array) -> copies.put(name, array.dup()));
    return copies;
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "llama",
        "llava",
        "gpt2",
        "phi3",
        "vit",
        "siglip_vision",
        "dinov2_gated",
        "clip",
        "bert",
        "mpnet",
        "resnet",
        "resnet_bottleneck",
        "convnet"
      })
  void mergedIsActiveAndOffIsTheBase(String name) {
    Subject s = subject(name);
    INDArray plain = s.output(LoraAdapters.NONE);
    assertThat(s.output(LoraAdapter.create(s.base, "fresh", Lora.of(2, 3), map -> true).over(1)))
        .isEqualTo(plain);
    LoraAdapter one = drawn(s, "one", new Lora(2, 3, 0.3, false), map -> true, 1);
    Predicates some = map -> map.hashCode() % 2 == 0 || map.contains("0");
    LoraAdapter two = drawn(s, "two", new Lora(3, 2, 0, true), some, 2);
    Map<String, INDArray> before = copies(s.base.parameters());
    INDArray active = s.output(one.over(two.over(-0.5), 0.75));
    assertThat(difference(active, plain)).isGreaterThan(1e-3);
    if (s.run != null) {
      assertThat(difference(s.run.apply(one.over(two.over(-0.5), 0.75)), active)).isLessThan(1e-5);
      assertThat(s.run.apply(LoraAdapters.NONE)).isEqualTo(plain);
    }
    assertThat(s.output(LoraAdapters.NONE)).isEqualTo(plain);
    one.merge(0.75);
    two.merge(-0.5);
    double scale = Math.max(1, active.amaxNumber().doubleValue());
    assertThat(difference(s.output(LoraAdapters.NONE), active)).isLessThan(2e-5 * scale);
    two.unmerge();
    one.unmerge();
    assertThat(difference(s.output(LoraAdapters.NONE), plain)).isLessThan(2e-5 * scale);
    before.forEach(
        (array, value) ->
            assertThat(difference(s.base.parameters().get(array), value)).isLessThan(1e-5));
  }

  @ParameterizedTest
  @ValueSource(strings = {"llama", "llava", "gpt2", "vit", "clip", "resnet", "convnet"})
  void oneGraphMayHaveThemInAPartOnly(String name) {
    Subject s = subject(name);
    INDArray plain = s.output(LoraAdapters.NONE);
    LoraAdapter adapter = drawn(s, "a", Lora.of(2, 4), map -> true, 3);
    INDArray active = s.output(adapter.over(1));
    Graph g = new Graph(s.base.parameters(), false);
    SDVariable off = s.build.apply(g);
    SDVariable on = g.with(adapter.over(1), () -> s.build.apply(g));
    SDVariable inside =
        g.with(adapter.over(1), () -> g.with(LoraAdapters.NONE, () -> s.build.apply(g)));
    try (Plan plan = Plan.compile(g, List.of(off, on, inside))) {
      plan.run(Map.of());
      assertThat(plan.output(off)).isEqualTo(plain);
      assertThat(plan.output(inside)).isEqualTo(plain);
      assertThat(difference(plan.output(on), active)).isLessThan(1e-6);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"llama", "llava", "gpt2", "vit", "clip", "resnet", "convnet"})
  void trainingChangesTheAdapterOnly(String name) {
    Subject s = subject(name);
    LoraAdapter adapter = drawn(s, "a", Lora.of(2, 4), map -> true, 4);
    Map<String, INDArray> before = copies(s.base.parameters());
    Graph g = new Graph(s.base.parameters(), name.equals("convnet")); // running statistics stay
    SDVariable y = g.with(adapter.over(1), () -> s.build.apply(g));
    SDVariable goal = g.constant(random(11, g.shape(y)));
    SDVariable loss = g.ops().sum(g.ops().mul(y, goal), false);
    List<String> names = adapter.parameterNames();
    List<SDVariable> gradients = Gradients.of(g, loss, names.stream().map(g::variable).toList());
    double first;
    try (Plan plan = Plan.compile(g, withLoss(gradients, loss))) {
      plan.run(Map.of());
      first = plan.output(loss).getDouble(0);
      double norm = 0;
      for (SDVariable gradient : gradients) {
        norm += Math.pow(plan.output(gradient).norm2Number().doubleValue(), 2);
      }
      assertThat(norm).isPositive();
      double rate = 0.01 / Math.sqrt(norm);
      for (int i = 0; i < names.size(); i++) {
        s.base.parameters().get(names.get(i)).subi(plan.output(gradients.get(i)).mul(rate));
      }
      plan.run(Map.of());
      double second = plan.output(loss).getDouble(0);
      assertThat(second).isLessThan(first - 0.005 * Math.sqrt(norm));
    }
    before.forEach(
        (array, value) -> {
          if (!names.contains(array)) {
            assertThat(s.base.parameters().get(array)).as(array).isEqualTo(value);
          }
        });
  }

  private static List<SDVariable> withLoss(List<SDVariable> gradients, SDVariable loss) {
    List<SDVariable> all = new ArrayList<>(gradients);
    all.add(loss);
    return all;
  }

  /** Central differences in DOUBLE for a convolution of stride 2, patches and linear maps. */
  @Test
  void gradientsAreThoseOfCentralDifferences() {
    Parameters store = new Parameters(DataType.DOUBLE, 6);
    INDArray pixels = values(7, 2, 2, 6, 6);
    Function<Graph, SDVariable> build =
        g -> {
          SDVariable x = g.constant(pixels);
          SDVariable map = Convolutions.conv2d(g, "conv", x, 3, 3, 2, 1, true);
          SDVariable tokens = Patches.embed(g, "patch", map, 3, 4, false);
          SDVariable flat = g.ops().reshape(g.ops().tanh(tokens), 2, -1);
          return Layers.linear(g, "out", flat, 2, false);
        };
    LoraBase base = LoraBase.of(store, g -> g.name(build.apply(g), "result"));
    assertThat(base.maps().keySet()).containsExactly("conv", "patch", "out");
    Subject s = new Subject(base, build, null);
    LoraAdapter adapter = drawn(s, "a", new Lora(2, 3, 0, true), map -> true, 5);
    Graph g = new Graph(store, false);
    SDVariable y = g.with(adapter.over(0.7), () -> build.apply(g));
    SDVariable loss = g.ops().sum(g.ops().mul(y, g.ops().mul(y, y)), false);
    List<String> names = adapter.parameterNames();
    List<SDVariable> gradients = Gradients.of(g, loss, names.stream().map(g::variable).toList());
    try (Plan plan = Plan.compile(g, withLoss(gradients, loss))) {
      for (int i = 0; i < names.size(); i++) {
        INDArray array = store.get(names.get(i));
        for (long j = 0; j < array.length(); j += 3) {
          plan.run(Map.of());
          double found = plan.output(gradients.get(i)).getDouble(j);
          double value = array.getDouble(j);
          array.putScalar(j, value + 1e-5);
          plan.run(Map.of());
          double above = plan.output(loss).getDouble(0);
          array.putScalar(j, value - 1e-5);
          plan.run(Map.of());
          double below = plan.output(loss).getDouble(0);
          array.putScalar(j, value);
          assertThat(Math.abs(found - (above - below) / 2e-5)).as(names.get(i)).isLessThan(1e-7);
        }
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "llama,q_proj|down_proj",
    "gpt2,c_attn|c_proj",
    "vit,query|projection",
    "clip,q_proj|fc1",
    "bert,value|dense",
    "resnet,convolution",
    "convnet,conv|classifier"
  })
  void savedAdaptersAreReadBack(String name, String targets) {
    Subject s = subject(name);
    Predicates chosen = Predicates.names(targets.split(Pattern.quote("|"), -1));
    LoraAdapter adapter = drawn(s, "a", new Lora(2, 5, 0, true), chosen, 8);
    adapter.save(temporary);
    Subject other = subject(name);
    LoraAdapter again = LoraAdapter.load(temporary, other.base, "b");
    assertThat(other.output(again.over(0.5))).isEqualTo(s.output(adapter.over(0.5)));
    try (SafetensorsFile file =
        SafetensorsFile.open(temporary.resolve("adapter_model.safetensors"))) {
      assertThat(file.names()).hasSameSizeAs(adapter.parameterNames());
      for (String tensor : file.names()) {
        assertThat(tensor).startsWith("base_model.model.").endsWith(".weight");
        long[] shape = file.info(tensor).shape();
        assertThat(tensor.endsWith(Lora.A) ? shape[0] : shape[1]).isEqualTo(2);
      }
    }
    assertThatThrownBy(() -> LoraAdapter.load(temporary, subject("phi").base, "c"))
        .hasMessageContaining("the base model has no linear map or convolution");
  }

  /** ViT's modules are called otherwise since version 5 of the Python library. */
  @Test
  void newerNamesOfModulesAreUnderstood() {
    Subject s = subject("vit");
    LoraAdapter adapter = drawn(s, "a", Lora.of(2, 4), map -> !map.startsWith("pooler"), 12);
    INDArray expected = s.output(adapter.over(1));
    adapter.save(temporary);
    Path file = temporary.resolve("adapter_model.safetensors");
    Map<String, INDArray> renamed = new HashMap<>();
    try (SafetensorsFile open = SafetensorsFile.open(file)) {
      open.names()
          .forEach(
              n ->
                  renamed.put(
                      n.replace("encoder.layer.", "layers.")
                          .replace("attention.attention.query", "attention.q_proj")
                          .replace("attention.attention.key", "attention.k_proj")
                          .replace("attention.attention.value", "attention.v_proj")
                          .replace("attention.output.dense", "attention.o_proj")
                          .replace("intermediate.dense", "mlp.fc1")
                          .replace("output.dense", "mlp.fc2"),
                      open.read(n)));
    }
    assertThat(renamed).containsKey("base_model.model.layers.1.mlp.fc2.lora_A.weight");
    Safetensors.write(file, renamed, Map.of(), Dtype.F32);
    var json = Jsons.readObject(temporary.resolve("adapter_config.json"));
    json.putArray("target_modules").add("q_proj");
    Jsons.write(temporary.resolve("adapter_config.json"), json);
    Subject other = subject("vit");
    assertThat(other.output(LoraAdapter.load(temporary, other.base, "n").over(1)))
        .isEqualTo(expected);
  }

  @Test
  void patternsGiveMapsTheirOwnRankAndAlpha() {
    Subject s = subject("llama");
    Predicates all = Predicates.regex("model\\.layers\\.0\\.self_attn\\.[qk]_proj");
    LoraAdapter three = drawn(s, "three", new Lora(3, 6, 0, false), all, 9);
    INDArray expected = s.output(three.over(1));
    three.save(temporary);
    var json = Jsons.readObject(temporary.resolve("adapter_config.json"));
    json.put("r", 7).put("lora_alpha", 99);
    json.putObject("rank_pattern").put("layers.0.self_attn.q_proj", 3).put("k_proj", 3);
    json.putObject("alpha_pattern").put("self_attn\\.[qk]_proj", 6);
    json.put("target_modules", "model\\.layers\\.0\\.self_attn\\.(q|k)_proj");
    Jsons.write(temporary.resolve("adapter_config.json"), json);
    Subject other = subject("llama");
    assertThat(other.output(LoraAdapter.load(temporary, other.base, "p").over(1)))
        .isEqualTo(expected);
  }

  @Test
  void wholeTensorsAreReplacedByMergingOnly() {
    Subject s = subject("llama");
    INDArray plain = s.output(LoraAdapters.NONE);
    LoraAdapter part = drawn(s, "p", Lora.of(2, 4), Predicates.names("q_proj"), 10);
    part.save(temporary);
    Map<String, INDArray> tensors = new HashMap<>();
    Path file = temporary.resolve("adapter_model.safetensors");
    try (SafetensorsFile open = SafetensorsFile.open(file)) {
      open.names().forEach(n -> tensors.put(n, open.read(n)));
    }
    INDArray head = s.base.parameters().get("lm_head.weight").mul(2).addi(0.1);
    tensors.put("base_model.model.lm_head.weight", head);
    Safetensors.write(file, tensors, Map.of("format", "pt"), Dtype.F32);
    var json = Jsons.readObject(temporary.resolve("adapter_config.json"));
    json.putArray("modules_to_save").add("lm_head");
    Jsons.write(temporary.resolve("adapter_config.json"), json);
    LoraAdapter adapter = LoraAdapter.load(temporary, s.base, "whole");
    assertThatThrownBy(() -> adapter.over(1)).hasMessageContaining("merge it");
    assertThatThrownBy(() -> adapter.merge(0.5)).hasMessageContaining("can only be 1");
    part.merge(1);
    s.base.parameters().get("lm_head.weight").muli(2).addi(0.1);
    INDArray expected = s.output(LoraAdapters.NONE);
    s.base.parameters().get("lm_head.weight").subi(0.1).divi(2);
    part.unmerge();
    adapter.merge(1);
    assertThat(difference(s.output(LoraAdapters.NONE), expected)).isLessThan(1e-4);
    adapter.save(temporary.resolve("again"));
    try (CheckpointFolder again = CheckpointFolder.open(temporary.resolve("again"))) {
      assertThat(again.read("base_model.model.lm_head.weight", DataType.FLOAT)).isEqualTo(head);
    }
    adapter.unmerge();
    assertThat(difference(s.output(LoraAdapters.NONE), plain)).isLessThan(1e-4);
  }

  @Test
  void copiesOfTheTokenTablesMustBeThoseOfTheModel() throws IOException {
    Path golden = Path.of("src/test/resources/golden/llama_lora_head");
    for (String name : List.of("adapter_config.json", "adapter_model.safetensors")) {
      Files.copy(golden.resolve(name), temporary.resolve(name));
    }
    Subject s = subject("llama");
    LoraAdapter.load(temporary, s.base, "fits");
    s.base.parameters().get("lm_head.weight").muli(1.5);
    assertThatThrownBy(() -> LoraAdapter.load(temporary, s.base, "other"))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("lm_head.base_layer.weight differs from that of the base model")
        .hasMessageContaining("modules_to_save");
    Map<String, INDArray> tensors = new HashMap<>();
    Path file = temporary.resolve("adapter_model.safetensors");
    try (SafetensorsFile open = SafetensorsFile.open(file)) {
      open.names().forEach(n -> tensors.put(n, open.read(n)));
    }
    tensors.put("base_model.model.model.embed_tokens.weight", Nd4j.ones(3, 32));
    Safetensors.write(file, tensors, Map.of("format", "pt"), Dtype.F32);
    assertThatThrownBy(() -> LoraAdapter.load(temporary, subject("llama").base, "larger"))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("expected [99, 32], found [3, 32]");
    tensors.put("base_model.model.model.embed_tokens.lora_embedding_A", Nd4j.ones(3, 99));
    Safetensors.write(file, tensors, Map.of("format", "pt"), Dtype.F32);
    assertThatThrownBy(() -> LoraAdapter.load(temporary, subject("llama").base, "tables"))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("names an embedding (model.embed_tokens), which is not supported");
  }
}
