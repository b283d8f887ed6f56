package io.lapidary.app;

import static org.assertj.core.api.Assertions.assertThat;

import io.lapidary.io.CheckpointFolder;
import io.lapidary.io.Dtype;
import io.lapidary.io.Jsons;
import io.lapidary.io.Safetensors;
import io.lapidary.io.SafetensorsFile;
import io.lapidary.layer.Lora;
import io.lapidary.layer.LoraAdapters.Predicates;
import io.lapidary.model.CausalLm;
import io.lapidary.model.LoraAdapter;
import io.lapidary.model.LoraBase;
import io.lapidary.model.ResNet;
import io.lapidary.model.VisionEncoder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;

class CheckpointMergeTest {
  private static final Path GOLDEN = Path.of("src/test/resources/golden");
  private static final Path LLAMA = GOLDEN.resolve("llama");
  private static final Path ADAPTER = GOLDEN.resolve("llama_lora");

  @TempDir Path temporary;

  private Cli.Outcome merge(Path base, Path out, String... adapters) {
    List<String> args = new ArrayList<>(List.of("checkpoint", "merge"));
    args.add(base.toString());
    args.add(out.toString());
    for (String adapter : adapters) {
      args.addAll(List.of("--adapter", adapter));
    }
    return Cli.run(args.toArray(String[]::new));
  }

  private static Map<String, INDArray> tensors(Path folder) {
    Map<String, INDArray> tensors = new LinkedHashMap<>();
    try (CheckpointFolder open = CheckpointFolder.open(folder)) {
      open.names().stream().sorted().forEach(n -> tensors.put(n, open.read(n, DataType.FLOAT)));
    }
    return tensors;
  }

  private static void assertClose(Map<String, INDArray> found, Map<String, INDArray> expected) {
    assertThat(found.keySet()).isEqualTo(expected.keySet());
    expected.forEach(
        (name, array) -> {
          assertThat(found.get(name).shape()).isEqualTo(array.shape());
          double worst = found.get(name).sub(array).amaxNumber().doubleValue();
          assertThat(worst).as(name).isLessThan(1e-6);
        });
  }

  @Test
  void mergedIsWhatThePythonLibraryMerges() throws IOException {
    Path base = temporary.resolve("base");
    Files.createDirectories(base.resolve("1_Pooling"));
    for (String file : List.of("config.json", "model.safetensors", "golden.json")) {
      Files.copy(LLAMA.resolve(file), base.resolve(file));
    }
    Files.writeString(base.resolve("tokenizer.json"), "{}");
    Files.writeString(base.resolve("1_Pooling/config.json"), "{}");
    Path out = temporary.resolve("out");
    Cli.Outcome outcome = merge(base, out, ADAPTER.toString());
    assertThat(outcome.err()).isEmpty();
    assertThat(outcome.code()).isZero();
    assertThat(outcome.out()).contains("6 of 21 tensors changed");
    assertThat(out.resolve("tokenizer.json")).exists();
    assertThat(out.resolve("1_Pooling/config.json")).exists();
    assertThat(out.resolve("golden.json")).doesNotExist();
    try (SafetensorsFile golden = SafetensorsFile.open(ADAPTER.resolve("golden.safetensors"));
        CausalLm lm = CausalLm.load(out)) {
      assertClose(
          Map.of("w", tensors(out).get("model.layers.0.self_attn.q_proj.weight")),
          Map.of("w", golden.read("merged.q_proj.0")));
      INDArray logits = lm.logits(golden.read("input_ids"));
      assertThat(logits.sub(golden.read("logits")).amaxNumber().doubleValue()).isLessThan(1e-4);
    }
    Map<String, INDArray> before = tensors(base);
    Map<String, INDArray> after = tensors(out);
    assertThat(after.get("lm_head.weight")).isEqualTo(before.get("lm_head.weight"));
    Path none = temporary.resolve("none");
    assertThat(merge(out, none, ADAPTER + "=-1").code()).isZero();
    assertClose(tensors(none), before);
  }

  /** A saved adapter with drawn arrays. */
  private Path adapter(LoraBase base, String name, Lora lora, Predicates targets) {
    LoraAdapter adapter = LoraAdapter.create(base, name, lora, targets);
    SplittableRandom random = new SplittableRandom(name.hashCode());
    for (String array : adapter.parameterNames()) {
      INDArray values = base.parameters().get(array);
      for (long i = 0; i < values.length(); i++) {
        values.putScalar(i, random.nextDouble() - 0.5);
      }
    }
    adapter.save(temporary.resolve(name));
    return temporary.resolve(name);
  }

  @ParameterizedTest
  @ValueSource(strings = {"gpt2", "phi3", "vit", "resnet"})
  void severalAdaptersAddUpInEveryLayout(String family) throws IOException {
    Path folder = GOLDEN.resolve(family);
    LoraBase base;
    Runnable save;
    Path expected = temporary.resolve("expected");
    switch (family) {
      case "vit" -> {
        VisionEncoder model = VisionEncoder.load(folder);
        base = LoraBase.of(model);
        save = () -> model.save(expected, Dtype.F32);
      }
      case "resnet" -> {
        ResNet model = ResNet.load(folder);
        base = LoraBase.of(model);
        save = () -> model.save(expected, Dtype.F32);
      }
      default -> {
        CausalLm model = CausalLm.load(folder);
        base = LoraBase.of(model);
        save = () -> model.save(expected, Dtype.F32);
      }
    }
    Path one = adapter(base, "one", new Lora(2, 3, 0, true), map -> true);
    Path two = adapter(base, "two", new Lora(3, 5, 0, false), map -> map.contains("1"));
    Path out = temporary.resolve("out");
    Cli.Outcome outcome = merge(folder, out, one + "=0.25", two.toString());
    assertThat(outcome.err()).isEmpty();
    LoraAdapter.load(one, base, "first").merge(0.25);
    LoraAdapter.load(two, base, "second").merge(1);
    save.run();
    assertClose(tensors(out), tensors(expected));
  }

  @Test
  void typesStayAndLargeFilesAreSplit() {
    Path half = temporary.resolve("half");
    assertThat(
            Cli.run("checkpoint", "convert", LLAMA.toString(), half.toString(), "--dtype", "bf16")
                .code())
        .isZero();
    Path whole = temporary.resolve("whole");
    assertThat(merge(half, whole, ADAPTER.toString()).code()).isZero();
    Path split = temporary.resolve("split");
    Cli.Outcome outcome =
        Cli.run(
            "checkpoint",
            "merge",
            half.toString(),
            split.toString(),
            "--adapter",
            ADAPTER.toString(),
            "--shard-size",
            "10kB");
    assertThat(outcome.err()).isEmpty();
    assertThat(split.resolve("model.safetensors.index.json")).exists();
    assertThat(tensors(split)).isEqualTo(tensors(whole));
    try (CheckpointFolder open = CheckpointFolder.open(split)) {
      assertThat(open.names()).allMatch(name -> open.info(name).dtype() == Dtype.BF16);
    }
  }

  @Test
  void wholeTensorsReplaceThoseOfTheModel() throws IOException {
    Path adapter = Files.createDirectories(temporary.resolve("saved"));
    var json = Jsons.readObject(ADAPTER.resolve("adapter_config.json"));
    json.putArray("modules_to_save").add("lm_head");
    Jsons.write(adapter.resolve("adapter_config.json"), json);
    Map<String, INDArray> arrays = new LinkedHashMap<>();
    try (SafetensorsFile file =
        SafetensorsFile.open(ADAPTER.resolve("adapter_model.safetensors"))) {
      file.names().forEach(n -> arrays.put(n, file.read(n)));
    }
    INDArray head = tensors(LLAMA).get("lm_head.weight").mul(3);
    arrays.put("base_model.model.lm_head.weight", head);
    Safetensors.write(adapter.resolve("adapter_model.safetensors"), arrays, Map.of());
    Path out = temporary.resolve("out");
    assertThat(merge(LLAMA, out, adapter.toString()).err()).isEmpty();
    Path plain = temporary.resolve("plain");
    assertThat(merge(LLAMA, plain, ADAPTER.toString()).err()).isEmpty();
    Map<String, INDArray> expected = tensors(plain);
    expected.put("lm_head.weight", head);
    assertClose(tensors(out), expected);
    assertRefused("can only be 1", LLAMA, adapter + "=0.5");
    assertRefused("replaced by another", LLAMA, adapter.toString(), adapter.toString());
  }

  private void assertRefused(String message, Path base, String... adapters) throws IOException {
    Path out = temporary.resolve("refused");
    Cli.Outcome outcome = merge(base, out, adapters);
    assertThat(outcome.code()).as(message).isEqualTo(2);
    assertThat(outcome.errors().get(0)).startsWith("lapidary: ").contains(message);
    try (Stream<Path> files = Files.list(temporary)) {
      assertThat(files.map(Path::getFileName).map(Path::toString))
          .noneMatch(name -> name.equals("refused") || name.endsWith(".tmp"));
    }
  }

  @Test
  void whatDoesNotFitIsRefusedAndNothingIsWritten() throws IOException {
    assertRefused("no linear map or convolution", GOLDEN.resolve("gpt2"), ADAPTER.toString());
    assertRefused("expected ADAPTER or ADAPTER=WEIGHT", LLAMA, ADAPTER + "=much");
    assertRefused("adapter_config.json", LLAMA, LLAMA.toString());
    assertRefused("expected a model folder", LLAMA, "gone=2");
    assertRefused("adapters are merged into folders with config.json", ADAPTER, ADAPTER.toString());
    Path narrow = temporary.resolve("narrow");
    try (CheckpointFolder open = CheckpointFolder.open(LLAMA)) {
      Map<String, INDArray> tensors = tensors(LLAMA);
      String name = "model.layers.0.self_attn.q_proj.weight";
      tensors.put(name, tensors.get(name).get(NDArrayIndex.interval(0, 8)));
      CheckpointFolder.save(narrow, open.config(), tensors, Dtype.F32);
    }
    assertRefused("wrong shape", narrow, ADAPTER.toString());
    Files.createDirectories(temporary.resolve("full"));
    Files.writeString(temporary.resolve("full/file"), "x");
    assertThat(merge(LLAMA, temporary.resolve("full"), ADAPTER.toString()).errors().get(0))
        .contains("holds files");
  }

  @Test
  void anAdapterOfAVisionLanguageModelIsMergedIntoAllItsParts() throws IOException {
    Path out = temporary.resolve("out");
    Path adapter = GOLDEN.resolve("llava_lora");
    Cli.Outcome outcome = merge(GOLDEN.resolve("llava"), out, adapter.toString());
    assertThat(outcome.err()).isEmpty();
    for (String file : List.of("golden.json", "golden.safetensors")) {
      Files.copy(adapter.resolve(file), out.resolve(file));
    }
    Cli.Outcome verified = Cli.run("checkpoint", "verify", out.toString());
    assertThat(verified.code()).as(verified.out() + verified.err()).isZero();
    assertThat(verified.out()).contains("logits");
  }
}
