package io.lapidary.model;

import io.lapidary.Check;
import io.lapidary.InputException;
import io.lapidary.engine.Overlay;
import io.lapidary.io.CheckpointFolder;
import io.lapidary.io.Dtype;
import io.lapidary.io.TensorSource;
import io.lapidary.layer.Lora;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Merges LoRA adapters into the tensors of a model folder: W + Σ weight · s B A. It goes by names
 * and shapes alone, so that folders of any family can be merged, one tensor at a time.
 */
public final class LoraMerge {
  private final CheckpointFolder base;
  private final Map<String, List<Change>> changes = new LinkedHashMap<>(); // by stored name
  private final Map<String, Replacement> replacements = new LinkedHashMap<>();

  /** A merge into an open folder, without adapters yet. */
  public LoraMerge(CheckpointFolder base) {
    this.base = Check.present("base", base);
  }

  private record Change(PeftFile file, PeftFile.Part part, double weight) {}

  private record Replacement(PeftFile file, String tensor) {}

  /**
   * Adds an adapter, which must stay open until the tensors are written.
   *
   * @param weight factor of its part; 1 as trained
   * @throws InputException when it does not fit the folder or the adapters before it
   */
  public LoraMerge add(PeftFile adapter, double weight) {
    Check.that(Double.isFinite(weight), "the weight of an adapter must be finite, got %s", weight);
    adapter.parts().forEach((module, part) -> addPart(adapter, module, part, weight));
    if (weight != 1 && !adapter.saved().isEmpty()) {
      throw InputException.of(
          "%s: replaces whole tensors (modules_to_save), so its weight can only be 1, got %s",
          adapter.path(), weight);
    }
    adapter.saved().forEach((tensor, stored) -> replace(adapter, tensor, stored));
    adapter.copies().forEach((tensor, stored) -> compare(adapter, tensor, stored));
    return this;
  }

  private void addPart(PeftFile adapter, String module, PeftFile.Part part, double weight) {
    String name =
        PeftFile.spellings(module).stream()
            .flatMap(spelling -> resolve(spelling + ".weight").stream())
            .findFirst()
            .orElseThrow(() -> adapter.unknown(module));
    requireUnreplaced(adapter, name);
    long[] shape = base.info(name).shape();
    if (shape.length != 2 && shape.length != 4) {
      throw adapter.unknown(module);
    }
    Overlay.Layout layout =
        shape.length == 4
            ? Overlay.Layout.CONVOLUTION
            : adapter.fanInFanOut() ? Overlay.Layout.INPUT_MAJOR : Overlay.Layout.LINEAR;
    long[][] expected = part.lora().shapes(new Overlay.WeightedMap(module, layout, shape));
    adapter.requireShape(part.stored() + Lora.A, expected[0]);
    adapter.requireShape(part.stored() + Lora.B, expected[1]);
    changes.computeIfAbsent(name, n -> new ArrayList<>()).add(new Change(adapter, part, weight));
  }

  private void replace(PeftFile adapter, String tensor, String stored) {
    String name = resolve(tensor).orElseThrow(() -> adapter.unknown(tensor));
    requireUnreplaced(adapter, name);
    if (changes.containsKey(name)) {
      throw conflict(adapter, name);
    }
    adapter.requireShape(stored, base.info(name).shape());
    replacements.put(name, new Replacement(adapter, stored));
  }

  private void compare(PeftFile adapter, String tensor, String stored) {
    String name = resolve(tensor).orElseThrow(() -> adapter.unknown(tensor));
    try (INDArray own = base.read(name, DataType.FLOAT)) {
      adapter.requireCopy(stored, own);
    }
  }

  /** The stored tensor that an adapter calls {@code name}. */
  private Optional<String> resolve(String name) {
    Optional<String> same = base.resolve(name);
    if (same.isPresent() || !VisionLanguageModel.reads(base)) {
      return same;
    }
    VisionLanguageLayout layout =
        VisionLanguageConfig.isOriginal(base.config())
            ? VisionLanguageLayout.original(base)
            : VisionLanguageLayout.of(base);
    return VisionLanguageLayout.ownNames(name)
        .map(own -> layout.storedNames(List.of(own)).get(own))
        .filter(stored -> stored != null && base.names().contains(stored))
        .findFirst();
  }

  private void requireUnreplaced(PeftFile adapter, String name) {
    if (replacements.containsKey(name)) {
      throw conflict(adapter, name);
    }
  }

  private static InputException conflict(PeftFile adapter, String name) {
    return InputException.of(
        "%s: %s is changed by one adapter and replaced by another; merge them one by one",
        adapter.path(), name);
  }

  /** Number of tensors of the folder that the adapters change. */
  public int changed() {
    return changes.size() + replacements.size();
  }

  /** All tensors of the folder, merged when they are asked for, in their own types. */
  public Map<String, TensorSource> tensors() {
    Map<String, TensorSource> tensors = new LinkedHashMap<>();
    for (String name : base.names()) {
      Dtype dtype = base.info(name).dtype();
      tensors.put(
          name, new TensorSource(dtype, base.info(name).shape(), () -> read(name, dtype), true));
    }
    return tensors;
  }

  private INDArray read(String name, Dtype dtype) {
    Replacement replacement = replacements.get(name);
    if (replacement != null) {
      return replacement.file.read(replacement.tensor);
    }
    List<Change> here = changes.getOrDefault(name, List.of());
    if (here.isEmpty()) {
      return base.read(name, dtype.dataType());
    }
    INDArray weight = base.read(name, dtype == Dtype.F64 ? DataType.DOUBLE : DataType.FLOAT);
    for (Change change : here) {
      PeftFile file = change.file;
      Lora lora = change.part.lora();
      try (INDArray a = file.read(change.part.stored() + Lora.A);
          INDArray b = file.read(change.part.stored() + Lora.B);
          INDArray delta = lora.weightDelta(weight.shape(), file.fanInFanOut(), a, b)) {
        weight.addi(delta.muli(change.weight));
      }
    }
    return weight;
  }
}
