package io.lapidary.model;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.lapidary.Check;
import io.lapidary.InputException;
import io.lapidary.engine.Graph;
import io.lapidary.engine.Init;
import io.lapidary.engine.Overlay;
import io.lapidary.engine.Parameters;
import io.lapidary.io.CheckpointFolder;
import io.lapidary.io.Dtype;
import io.lapidary.io.Jsons;
import io.lapidary.io.Safetensors;
import io.lapidary.layer.Lora;
import io.lapidary.layer.LoraAdapters;
import java.nio.file.Path;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A LoRA adapter of a model (Hu et al. 2022), in the folder layout of PEFT. Its arrays stand in the
 * store of the model under {@link LoraAdapters#prefixed}; {@link #over} lays it over graphs, {@link
 * #merge} adds it to the weights. It may also bring whole tensors that replace those of the model
 * ({@code modules_to_save}); such an adapter can be merged only.
 */
public final class LoraAdapter {
  private final String name;
  private final LoraBase base;
  private final Map<String, Lora> maps; // by name of the map in the store
  private final ObjectNode json;
  private final Map<String, INDArray> replacements; // by name of the array in the store
  private double merged;

  private LoraAdapter(
      String name,
      LoraBase base,
      Map<String, Lora> maps,
      ObjectNode json,
      Map<String, INDArray> replacements) {
    this.name = name;
    this.base = base;
    this.maps = maps;
    this.json = json;
    this.replacements = replacements;
  }

  /** As {@link #create(LoraBase, String, Lora, LoraAdapters.Predicates)} for a language model. */
  public static LoraAdapter create(
      CausalLm base, String name, Lora lora, LoraAdapters.Predicates targets) {
    return create(LoraBase.of(base), name, lora, targets);
  }

  /**
   * A fresh adapter, which changes nothing until it is trained.
   *
   * @param name tells it from other adapters of the model
   * @param targets which affine maps and convolutions it changes, by their full name
   */
  public static LoraAdapter create(
      LoraBase base, String name, Lora lora, LoraAdapters.Predicates targets) {
    Map<String, Lora> maps = new LinkedHashMap<>();
    base.maps()
        .forEach(
            (map, weighted) -> {
              if (targets.test(map)) {
                long[][] shapes = lora.shapes(weighted);
                String own = LoraAdapters.prefixed(name, map);
                Init init = Init.fanIn(weighted.fanIn());
                base.parameters().getOrCreate(own + Lora.A, init, shapes[0]);
                base.parameters().getOrCreate(own + Lora.B, Init.zeros(), shapes[1]);
                maps.put(map, lora);
              }
            });
    Check.that(
        !maps.isEmpty(),
        "no affine map or convolution of the model is a target of adapter %s",
        name);
    return new LoraAdapter(name, base, maps, null, Map.of());
  }

  /** As {@link #load(Path, LoraBase, String)} for a language model. */
  public static LoraAdapter load(Path folder, CausalLm base, String name) {
    return load(folder, LoraBase.of(base), name);
  }

  /**
   * Loads a PEFT folder over its base model.
   *
   * @throws InputException when it is no LoRA adapter, uses an unsupported option, or does not fit
   *     the model
   */
  public static LoraAdapter load(Path folder, LoraBase base, String name) {
    try (PeftFile file = PeftFile.open(folder)) {
      Map<String, PeftFile.Part> parts = new LinkedHashMap<>();
      file.parts()
          .forEach(
              (module, part) ->
                  parts.put(base.mapOf(module).orElseThrow(() -> file.unknown(module)), part));
      Map<String, Lora> maps = new LinkedHashMap<>();
      parts.forEach(
          (map, part) -> {
            long[][] shapes = part.lora().shapes(base.maps().get(map));
            file.requireShape(part.stored() + Lora.A, shapes[0]);
            file.requireShape(part.stored() + Lora.B, shapes[1]);
            maps.put(map, part.lora());
          });
      checkTargets(file, base, maps.keySet());
      file.copies()
          .forEach(
              (tensor, stored) -> {
                String own = base.arrayOf(tensor).orElseThrow(() -> file.unknown(tensor));
                file.requireCopy(stored, base.parameters().get(own));
              });
      Map<String, INDArray> replacements = replacements(file, base);
      parts.forEach(
          (map, part) -> {
            String own = LoraAdapters.prefixed(name, map);
            base.parameters().adopt(own + Lora.A, file.read(part.stored() + Lora.A));
            base.parameters().adopt(own + Lora.B, file.read(part.stored() + Lora.B));
          });
      return new LoraAdapter(name, base, maps, file.json(), replacements);
    }
  }

  private static Map<String, INDArray> replacements(PeftFile file, LoraBase base) {
    Map<String, INDArray> replacements = new LinkedHashMap<>();
    file.saved()
        .forEach(
            (tensor, stored) -> {
              String own = base.arrayOf(tensor).orElseThrow(() -> file.unknown(tensor));
              file.requireShape(stored, base.parameters().get(own).shape());
              replacements.put(own, file.read(stored));
            });
    return replacements;
  }

  /** Modules that {@code target_modules} names must be there. */
  private static void checkTargets(PeftFile file, LoraBase base, Collection<String> found) {
    LoraAdapters.Predicates targets = file.targets().orElse(module -> false);
    for (String map : base.maps().keySet()) {
      if (targets.test(base.moduleOf(map)) && !found.contains(map)) {
        throw file.withoutTensors(map);
      }
    }
  }

  /** Whether it replaces whole tensors of the model, so that it can be merged only. */
  public boolean replacesTensors() {
    return !replacements.isEmpty();
  }

  /**
   * Brings it into force, for use only: merged when it replaces tensors of the model.
   *
   * @return what is to be laid over the model
   */
  public LoraAdapters applied() {
    if (replacesTensors()) {
      merge(1);
      return LoraAdapters.NONE;
    }
    return over(1);
  }

  /** This adapter alone, for a model's {@code with} or for {@link Graph#with}. */
  public LoraAdapters over(double weight) {
    return over(LoraAdapters.NONE, weight);
  }

  /** {@code others} and this adapter; its part is multiplied by {@code weight}. */
  public LoraAdapters over(LoraAdapters others, double weight) {
    if (replacesTensors()) {
      throw new IllegalStateException(
          "adapter " + name + " replaces whole tensors of the model; merge it");
    }
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
    Check.that(weight != 0, "the weight of a merged adapter must not be 0");
    Check.that(
        weight == 1 || !replacesTensors(),
        "adapter %s replaces whole tensors, so its weight can only be 1, got %s",
        name,
        weight);
    addToWeights(weight);
    swapReplacements();
    merged = weight;
  }

  /** Takes it off the weights again, up to rounding. */
  public void unmerge() {
    if (merged == 0) {
      throw new IllegalStateException("adapter " + name + " is not merged");
    }
    swapReplacements();
    addToWeights(-merged);
    merged = 0;
  }

  private void addToWeights(double weight) {
    Parameters p = base.parameters();
    maps.forEach(
        (map, lora) -> {
          String own = LoraAdapters.prefixed(name, map);
          INDArray array = p.get(map + ".weight");
          boolean inputMajor = base.maps().get(map).layout() == Overlay.Layout.INPUT_MAJOR;
          try (INDArray delta =
              lora.weightDelta(
                  array.shape(), inputMajor, p.get(own + Lora.A), p.get(own + Lora.B))) {
            array.addi(delta.muli(weight));
          }
        });
  }

  /** Exchanges the replaced tensors of the model and those of the adapter. */
  private void swapReplacements() {
    replacements.forEach(
        (array, other) -> {
          INDArray live = base.parameters().get(array);
          try (INDArray before = live.dup()) {
            live.assign(other);
            other.assign(before);
          }
        });
  }

  /** Writes a folder that {@link #load} and PEFT read. */
  public void save(Path folder) {
    Map<String, INDArray> tensors = new LinkedHashMap<>();
    for (String map : maps.keySet()) {
      String own = LoraAdapters.prefixed(name, map);
      String stored = PeftFile.PREFIX + base.moduleOf(map);
      tensors.put(stored + Lora.A, base.parameters().get(own + Lora.A));
      tensors.put(stored + Lora.B, base.parameters().get(own + Lora.B));
    }
    replacements.forEach(
        (array, other) ->
            tensors.put(
                PeftFile.PREFIX + base.moduleOf(array),
                merged == 0 ? other : base.parameters().get(array)));
    CheckpointFolder.Layout layout = CheckpointFolder.Layout.PEFT_ADAPTER;
    Safetensors.write(
        folder.resolve(layout.weightsFile()), tensors, Map.of("format", "pt"), Dtype.F32);
    Jsons.write(folder.resolve(layout.configFile()), json == null ? config() : json);
  }

  private ObjectNode config() {
    Lora lora = maps.values().iterator().next();
    ObjectNode config = Jsons.object();
    config.put("peft_type", "LORA").put("task_type", base.task()).put("r", lora.rank());
    config.put("lora_alpha", lora.alpha()).put("lora_dropout", lora.dropout());
    config.put("use_rslora", lora.rankStabilised()).put("bias", "none");
    config.put("fan_in_fan_out", base.inputMajor());
    config.put("inference_mode", true).putNull("base_model_name_or_path");
    Map<String, Long> all = countByLastName(base.maps().keySet());
    Map<String, Long> own = countByLastName(maps.keySet());
    TreeSet<String> targets = new TreeSet<>();
    for (String map : maps.keySet()) {
      boolean whole = all.get(last(map)).equals(own.get(last(map)));
      targets.add(whole ? last(map) : base.moduleOf(map));
    }
    ArrayNode list = config.putArray("target_modules");
    targets.forEach(list::add);
    return config;
  }

  private static Map<String, Long> countByLastName(Collection<String> maps) {
    return maps.stream().collect(Collectors.groupingBy(LoraAdapter::last, Collectors.counting()));
  }

  private static String last(String map) {
    return map.substring(map.lastIndexOf('.') + 1);
  }
}
