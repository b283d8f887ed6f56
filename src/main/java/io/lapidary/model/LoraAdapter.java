package io.lapidary.model;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.lapidary.Check;
import io.lapidary.InputException;
import io.lapidary.engine.Graph;
import io.lapidary.engine.Parameters;
import io.lapidary.io.CheckpointFolder;
import io.lapidary.io.Dtype;
import io.lapidary.io.Jsons;
import io.lapidary.io.Safetensors;
import io.lapidary.layer.Lora;
import io.lapidary.layer.LoraAdapters;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import java.util.stream.Collectors;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * A LoRA adapter of a language model (Hu et al. 2022), in the folder layout of PEFT. Its arrays
 * stand in the store of the model under {@link LoraAdapters#prefixed}; {@link CausalLm#with} lays
 * it over graphs, {@link #merge} adds it to the weights.
 */
public final class LoraAdapter {
  private static final String PEFT = "base_model.model.";
  private static final String A = ".lora_A.weight";
  private static final String B = ".lora_B.weight";

  private final String name;
  private final CausalLm base;
  private final Map<String, Lora> maps; // by name of the map in the store
  private final ObjectNode json;
  private double merged;

  private LoraAdapter(String name, CausalLm base, Map<String, Lora> maps, ObjectNode json) {
    this.name = name;
    this.base = base;
    this.maps = maps;
    this.json = json;
  }

  /**
   * A fresh adapter, which changes nothing until it is trained.
   *
   * @param name tells it from other adapters of the model
   * @param targets which linear maps it changes, by their full name
   */
  public static LoraAdapter create(
      CausalLm base, String name, Lora lora, LoraAdapters.Predicates targets) {
    Map<String, Lora> maps = new LinkedHashMap<>();
    for (String map : maps(base)) {
      if (targets.test(map)) {
        maps.put(map, lora);
      }
    }
    Check.that(!maps.isEmpty(), "no linear map of the model is a target of adapter %s", name);
    LoraAdapter adapter = new LoraAdapter(name, base, maps, null);
    Graph g = new Graph(base.parameters(), false); // makes the arrays
    SDVariable ids = g.placeholder("ids", DataType.INT, 1, 1);
    try (CausalLm over = base.with(adapter.over(1))) {
      over.logits(g, over.lastHidden(g, ids, null));
    }
    return adapter;
  }

  /**
   * Loads a PEFT folder over its base model.
   *
   * @throws InputException when it is no LoRA adapter, uses an unsupported option, or does not fit
   *     the model
   */
  public static LoraAdapter load(Path folder, CausalLm base, String name) {
    try (CheckpointFolder open = CheckpointFolder.open(folder)) {
      Path file = folder.resolve(CheckpointFolder.Layout.PEFT_ADAPTER.configFile());
      if (open.layout() != CheckpointFolder.Layout.PEFT_ADAPTER) {
        throw InputException.of("%s: expected an adapter folder with adapter_config.json", folder);
      }
      ObjectNode json = open.config();
      HubConfig config = new HubConfig(json, file.toString());
      checkOptions(config);
      Map<String, Lora> maps = new LinkedHashMap<>();
      Map<String, String> stored = stored(open, base);
      Map<String, long[]> expected = new LinkedHashMap<>();
      stored.forEach(
          (map, prefix) -> {
            long[] shape = base.parameters().get(map + ".weight").shape();
            boolean inputMajor = base.config().family().traits().inputMajor();
            long rank = open.info(prefix + A).shape()[0];
            expected.put(prefix + A, new long[] {rank, shape[inputMajor ? 0 : 1]});
            expected.put(prefix + B, new long[] {shape[inputMajor ? 1 : 0], rank});
            double alpha = alpha(json, config, map);
            double dropout = config.number("lora_dropout", 0);
            boolean stable = config.flag("use_rslora", false);
            maps.put(map, config.build(() -> new Lora((int) rank, alpha, dropout, stable)));
          });
      checkTargets(json, config, base, maps);
      Map<String, INDArray> arrays = open.readAll(expected, DataType.FLOAT);
      stored.forEach(
          (map, prefix) -> {
            String own = LoraAdapters.prefixed(name, map);
            base.parameters().put(own + A, arrays.get(prefix + A));
            base.parameters().put(own + B, arrays.get(prefix + B));
          });
      arrays.values().forEach(INDArray::close);
      return new LoraAdapter(name, base, maps, json);
    }
  }

  private static void checkOptions(HubConfig config) {
    if (!config.text("peft_type", "none").equals("LORA")) {
      throw config.error("peft_type must be LORA, found %s", config.text("peft_type", "none"));
    }
    if (config.flag("use_dora", false)) {
      throw config.notSupported("use_dora");
    }
    if (!config.text("bias", "none").equals("none")) {
      throw config.notSupported("bias");
    }
    for (String key : List.of("modules_to_save", "layer_replication", "trainable_token_indices")) {
      if (config.set(key)) {
        throw config.notSupported(key);
      }
    }
  }

  /** Prefix of the stored names by name of the map. */
  private static Map<String, String> stored(CheckpointFolder open, CausalLm base) {
    Map<String, String> stored = new LinkedHashMap<>();
    List<String> known = maps(base);
    for (String tensor : open.names()) {
      if (!tensor.endsWith(A) && !tensor.endsWith(B)) {
        throw InputException.of(
            "%s: tensor %s is no part of a LoRA adapter", open.folder(), line(tensor));
      }
      String prefix = tensor.substring(0, tensor.length() - A.length());
      String map = prefix.startsWith(PEFT) ? prefix.substring(PEFT.length()) : prefix;
      Optional<String> own =
          List.of("", "model.", "transformer.").stream()
              .map(more -> base.prefix() + more + map)
              .filter(known::contains)
              .findFirst();
      if (own.isEmpty()) {
        throw InputException.of(
            "%s: the base model has no linear map %s; is it the model that the adapter was trained"
                + " on?",
            open.folder(), line(map));
      }
      stored.put(own.get(), prefix);
    }
    if (stored.isEmpty()) {
      throw InputException.of("%s: the adapter holds no tensors", open.folder());
    }
    return stored;
  }

  private static String line(String text) {
    return text.replaceAll("\\p{Cntrl}", "?");
  }

  /** {@code alpha_pattern} gives some maps an α of their own. */
  private static double alpha(ObjectNode json, HubConfig config, String map) {
    JsonNode patterns = json.path("alpha_pattern");
    for (String key : (Iterable<String>) patterns::fieldNames) {
      if (regex(config, "(.*\\.)?(" + key + ")").matcher(map).matches()) {
        return config.group("alpha_pattern").number(key, 0);
      }
    }
    return config.number("lora_alpha", 8);
  }

  private static Pattern regex(HubConfig config, String expression) {
    try {
      return Pattern.compile(expression);
    } catch (PatternSyntaxException e) {
      throw config.error("%s is no regular expression", line(expression));
    }
  }

  /** Maps that {@code target_modules} names must be there. */
  private static void checkTargets(
      ObjectNode json, HubConfig config, CausalLm base, Map<String, Lora> maps) {
    boolean some = config.set("layers_to_transform") || config.set("exclude_modules");
    JsonNode node = json.path("target_modules");
    if (some || node.isMissingNode() || node.isNull() || node.asText().equals("all-linear")) {
      return;
    }
    LoraAdapters.Predicates targets;
    if (node.isTextual()) {
      Pattern pattern = regex(config, node.textValue());
      targets = map -> pattern.matcher(map).matches();
    } else {
      targets =
          LoraAdapters.Predicates.names(config.texts("target_modules").toArray(String[]::new));
    }
    for (String map : maps(base)) {
      if (targets.test(map.substring(base.prefix().length())) && !maps.containsKey(map)) {
        throw config.error("target_modules names %s, but the adapter has no tensors for it", map);
      }
    }
  }

  /** Linear maps inside the blocks and the output map, by their names in the store. */
  private static List<String> maps(CausalLm base) {
    String table = base.prefix() + base.config().family().names().embedding() + ".weight";
    String positions = base.prefix() + base.config().family().names().positions() + ".weight";
    Map<String, long[]> shapes = Decoder.shapes(base.config());
    List<String> maps = new ArrayList<>();
    shapes.forEach(
        (weight, shape) -> {
          String full = base.prefix() + weight;
          if (shape.length == 2 && !full.equals(table) && !full.equals(positions)) {
            maps.add(full.substring(0, full.length() - ".weight".length()));
          }
        });
    return maps;
  }

  /** This adapter alone, for {@link CausalLm#with}. */
  public LoraAdapters over(double weight) {
    return over(LoraAdapters.NONE, weight);
  }

  /** {@code others} and this adapter; its part is multiplied by {@code weight}. */
  public LoraAdapters over(LoraAdapters others, double weight) {
    return others.with(name, weight, map -> Optional.ofNullable(maps.get(map)));
  }

  /** Names of its arrays in the store: what training changes. */
  public List<String> parameterNames() {
    return maps.keySet().stream()
        .flatMap(map -> Lora.names(LoraAdapters.prefixed(name, map)).stream())
        .toList();
  }

  /** Adds it to the weights of the model, for all graphs: W + weight · s B A. */
  public void merge(double weight) {
    if (merged != 0) {
      throw new IllegalStateException("adapter " + name + " is merged already");
    }
    addToWeights(weight);
    merged = weight;
  }

  /** Takes it off the weights again, up to rounding. */
  public void unmerge() {
    if (merged == 0) {
      throw new IllegalStateException("adapter " + name + " is not merged");
    }
    addToWeights(-merged);
    merged = 0;
  }

  private void addToWeights(double weight) {
    Parameters p = base.parameters();
    boolean inputMajor = base.config().family().traits().inputMajor();
    maps.forEach(
        (map, lora) -> {
          INDArray a = p.get(LoraAdapters.prefixed(name, map) + A);
          INDArray b = p.get(LoraAdapters.prefixed(name, map) + B);
          try (INDArray delta =
              inputMajor ? Nd4j.gemm(a, b, true, true) : Nd4j.gemm(b, a, false, false)) {
            p.get(map + ".weight").addi(delta.muli(lora.scale() * weight));
          }
        });
  }

  /** Writes a folder that {@link #load} and PEFT read. */
  public void save(Path folder) {
    Map<String, INDArray> tensors = new LinkedHashMap<>();
    for (String map : maps.keySet()) {
      String own = LoraAdapters.prefixed(name, map);
      String stored = PEFT + map.substring(base.prefix().length());
      tensors.put(stored + A, base.parameters().get(own + A));
      tensors.put(stored + B, base.parameters().get(own + B));
    }
    CheckpointFolder.Layout layout = CheckpointFolder.Layout.PEFT_ADAPTER;
    Safetensors.write(
        folder.resolve(layout.weightsFile()), tensors, Map.of("format", "pt"), Dtype.F32);
    Jsons.write(folder.resolve(layout.configFile()), json == null ? config() : json);
  }

  private ObjectNode config() {
    Lora lora = maps.values().iterator().next();
    ObjectNode config = Jsons.object();
    config.put("peft_type", "LORA").put("task_type", "CAUSAL_LM").put("r", lora.rank());
    config.put("lora_alpha", lora.alpha()).put("lora_dropout", lora.dropout());
    config.put("use_rslora", lora.rankStabilised()).put("bias", "none");
    config.put("fan_in_fan_out", base.config().family().traits().inputMajor());
    config.put("inference_mode", true).putNull("base_model_name_or_path");
    Map<String, Long> all =
        maps(base).stream()
            .collect(Collectors.groupingBy(LoraAdapter::last, Collectors.counting()));
    Map<String, Long> own =
        maps.keySet().stream()
            .collect(Collectors.groupingBy(LoraAdapter::last, Collectors.counting()));
    TreeSet<String> targets = new TreeSet<>();
    for (String map : maps.keySet()) {
      boolean whole = all.get(last(map)).equals(own.get(last(map)));
      targets.add(whole ? last(map) : map.substring(base.prefix().length()));
    }
    ArrayNode list = config.putArray("target_modules");
    targets.forEach(list::add);
    return config;
  }

  private static String last(String map) {
    return map.substring(map.lastIndexOf('.') + 1);
  }
}
