package io.lapidary.io;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.lapidary.Check;
import io.lapidary.InputException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.BiConsumer;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * An open model folder as the Python libraries write it: a JSON configuration beside one
 * safetensors file or several shards with an index. Tensors are read by name when asked for; a name
 * that differs from the stored one only by a usual prefix ({@code model.}, {@code transformer.},
 * ...) is found. Nothing in the folder is ever executed.
 */
public final class CheckpointFolder implements AutoCloseable {

  /** Whose file names a folder follows. */
  public enum Layout {
    /** {@code config.json} and {@code model.safetensors} or its shards. */
    TRANSFORMERS("config.json", "model"),
    /** {@code open_clip_config.json} and {@code open_clip_model.safetensors}. */
    OPEN_CLIP("open_clip_config.json", "open_clip_model"),
    /** {@code adapter_config.json} and {@code adapter_model.safetensors}. */
    PEFT_ADAPTER("adapter_config.json", "adapter_model");

    private final String config;
    private final String weights;

    Layout(String config, String stem) {
      this.config = config;
      this.weights = stem + ".safetensors";
    }

    /** Name of the configuration file. */
    public String configFile() {
      return config;
    }

    /** Name of the file that holds all tensors, when there is one. */
    public String weightsFile() {
      return weights;
    }

    /** Name of the index of shards. */
    public String indexFile() {
      return weights + ".index.json";
    }
  }

  private static final List<String> PREFIXES =
      List.of(
          "model.",
          "transformer.",
          "language_model.",
          "module.",
          "base_model.model.",
          "vision_model.",
          "vit.",
          "dinov2.",
          "bert.",
          "mpnet.",
          "resnet.");
  private static final Pattern BUFFER =
      Pattern.compile(
          "(.*\\.)?(rotary_emb\\.inv_freq|attn\\.bias|attn\\.masked_bias|position_ids|attn_mask)");
  private static final int PROBLEMS_SHOWN = 5;

  private final Path folder;
  private final Layout layout;
  private final ObjectNode config;
  private final Map<String, SafetensorsFile> owners; // by tensor name, buffers included
  private final Set<String> names;

  private CheckpointFolder(
      Path folder, Layout layout, ObjectNode config, Map<String, SafetensorsFile> owners) {
    this.folder = folder;
    this.layout = layout;
    this.config = config;
    this.owners = owners;
    Set<String> parameters = new java.util.LinkedHashSet<>(owners.keySet());
    parameters.removeIf(name -> BUFFER.matcher(name).matches());
    this.names = Collections.unmodifiableSet(parameters);
  }

  /**
   * Opens a folder and checks its configuration, its index and the header of every shard.
   *
   * @throws InputException when a file is missing or damaged, an index names a tensor that its
   *     shard lacks, the weights are pickled or quantised
   */
  public static CheckpointFolder open(Path folder) {
    if (!Files.isDirectory(folder)) {
      throw InputException.of(
          "%s: expected a model folder, found %s",
          folder, Files.exists(folder) ? "a file" : "nothing of that name");
    }
    Layout layout = layout(folder);
    ObjectNode config = Jsons.readObject(folder.resolve(layout.config));
    if (config.hasNonNull("quantization_config")) {
      throw InputException.of(
          "%s: quantised weights (quantization_config) cannot be loaded; use the folder of the"
              + " original F32, F16 or BF16 weights",
          folder.resolve(layout.config));
    }
    return new CheckpointFolder(folder, layout, config, CheckpointShards.open(folder, layout));
  }

  /** The folder given to {@link #open}. */
  public Path folder() {
    return folder;
  }

  /** Which library's file names the folder follows. */
  public Layout layout() {
    return layout;
  }

  /** A copy of the configuration. */
  public ObjectNode config() {
    return config.deepCopy();
  }

  /** Stored names of all parameters; mask and position buffers are left out. */
  public Set<String> names() {
    return names;
  }

  /** The stored name meant by {@code name}: itself, or with a usual prefix added or taken off. */
  public Optional<String> resolve(String name) {
    if (owners.containsKey(name)) {
      return Optional.of(name);
    }
    for (String prefix : PREFIXES) {
      if (owners.containsKey(prefix + name)) {
        return Optional.of(prefix + name);
      }
    }
    for (String prefix : PREFIXES) {
      if (name.startsWith(prefix) && owners.containsKey(name.substring(prefix.length()))) {
        return Optional.of(name.substring(prefix.length()));
      }
    }
    return Optional.empty();
  }

  /** Whether {@link #resolve} finds the tensor. */
  public boolean has(String name) {
    return resolve(name).isPresent();
  }

  /**
   * Type and shape of a tensor.
   *
   * @throws InputException when it is missing
   */
  public TensorInfo info(String name) {
    String stored = stored(name);
    return owners.get(stored).info(stored);
  }

  /**
   * Reads one tensor; see {@link SafetensorsFile#read(String, DataType)}. The caller closes it.
   *
   * @throws InputException when it is missing or cannot be converted
   */
  public INDArray read(String name, DataType as) {
    String stored = stored(name);
    return owners.get(stored).read(stored, as);
  }

  /** As {@link #readAll(Map, DataType, Predicate)}; a tensor nobody asked for is a problem. */
  public Map<String, INDArray> readAll(Map<String, long[]> expected, DataType as) {
    return readAll(expected, as, name -> false);
  }

  /**
   * Reads all parameters of a model after checking every name and shape.
   *
   * @param expected shape by name
   * @param mayBeUnused stored names that need not be expected, such as the other tower of a model
   * @return arrays under the expected names, in the same order; the caller closes them
   * @throws InputException one line that lists missing, wrongly shaped and unexpected tensors
   */
  public Map<String, INDArray> readAll(
      Map<String, long[]> expected, DataType as, Predicate<String> mayBeUnused) {
    check(expected, mayBeUnused);
    Map<String, INDArray> arrays = new LinkedHashMap<>();
    try {
      for (String name : expected.keySet()) {
        arrays.put(name, read(name, as));
      }
    } catch (RuntimeException e) {
      arrays.values().forEach(INDArray::close);
      throw e;
    }
    return arrays;
  }

  /**
   * As {@link #readAll(Map, DataType, Predicate)}, one tensor at a time: {@code use} gets each name
   * and its array, to keep or to close.
   */
  public void readEach(
      Map<String, long[]> expected,
      DataType as,
      Predicate<String> mayBeUnused,
      BiConsumer<String, INDArray> use) {
    check(expected, mayBeUnused);
    for (String name : expected.keySet()) {
      use.accept(name, read(name, as));
    }
  }

  /** Checks every name and shape as {@link #readAll(Map, DataType, Predicate)} does. */
  public void check(Map<String, long[]> expected, Predicate<String> mayBeUnused) {
    List<String> problems = new ArrayList<>();
    Set<String> used = new HashSet<>();
    expected.forEach(
        (name, shape) -> {
          Optional<String> stored = resolve(name);
          if (stored.isEmpty()) {
            problems.add("missing " + Texts.quote(name) + " " + Texts.shape(shape));
            return;
          }
          used.add(stored.get());
          SafetensorsFile file = owners.get(stored.get());
          TensorInfo info = file.info(stored.get());
          if (!info.hasShape(shape)) {
            problems.add(
                String.format(
                    "wrong shape of %s in %s: expected %s, found %s",
                    Texts.quote(stored.get()),
                    file.file().getFileName(),
                    Texts.shape(shape),
                    Texts.shape(info.shape())));
          }
        });
    for (String name : names) {
      if (!used.contains(name) && !mayBeUnused.test(name)) {
        problems.add("unexpected " + Texts.quote(name) + " " + Texts.shape(info(name).shape()));
      }
    }
    if (!problems.isEmpty()) {
      int more = problems.size() - PROBLEMS_SHOWN;
      throw InputException.of(
          "%s: the tensors do not fit the model: %s%s; check %s against the weights",
          folder,
          String.join("; ", problems.subList(0, Math.min(PROBLEMS_SHOWN, problems.size()))),
          more > 0 ? " and " + more + " more" : "",
          layout.config);
    }
  }

  /** Writes a folder with all tensors in one file; see the overload with a shard size. */
  public static void save(
      Path folder, ObjectNode config, Map<String, INDArray> tensors, Dtype floating) {
    save(folder, config, tensors, floating, Long.MAX_VALUE);
  }

  /**
   * Writes {@code config.json} and the weights so that the Python libraries load them. Each file is
   * replaced in one step, the configuration last.
   *
   * @param floating dtype of the floating tensors; null keeps their own
   * @param shardBytes a shard is closed before it would grow beyond this; a single larger tensor
   *     gets a shard of its own. {@link Long#MAX_VALUE} for one file
   * @throws InputException when the folder cannot be written
   */
  public static void save(
      Path folder,
      ObjectNode config,
      Map<String, INDArray> tensors,
      Dtype floating,
      long shardBytes) {
    save(folder, Layout.TRANSFORMERS, config, tensors, floating, shardBytes);
  }

  /** As the overload without a layout, under the file names of {@code layout}. */
  public static void save(
      Path folder,
      Layout layout,
      ObjectNode config,
      Map<String, INDArray> tensors,
      Dtype floating,
      long shardBytes) {
    Map<String, TensorSource> sources = new LinkedHashMap<>();
    tensors.forEach(
        (name, array) -> {
          Check.present("tensor '" + name + "'", array);
          sources.put(name, TensorSource.of(array, floating));
        });
    saveSources(folder, layout, config, sources, shardBytes);
  }

  /**
   * As the other forms, each tensor when its turn comes, so that a model need not fit in memory.
   */
  public static void saveSources(
      Path folder,
      Layout layout,
      ObjectNode config,
      Map<String, TensorSource> tensors,
      long shardBytes) {
    Check.positive("shardBytes", shardBytes);
    Map<String, String> metadata = Map.of("format", "pt"); // the Python loader insists on it
    Path single = folder.resolve(layout.weights);
    Path index = folder.resolve(layout.indexFile());
    List<Map<String, TensorSource>> shards = shards(tensors, shardBytes);
    if (shards.size() == 1) {
      Safetensors.writeSources(single, tensors, metadata);
      delete(index);
    } else {
      ObjectNode listing = Jsons.object();
      long total = tensors.values().stream().mapToLong(TensorSource::bytes).sum();
      listing.putObject("metadata").put("total_size", total);
      Map<String, String> weightMap = new TreeMap<>();
      for (int i = 0; i < shards.size(); i++) {
        String stem = layout.weights.replace(".safetensors", "");
        String name = String.format("%s-%05d-of-%05d.safetensors", stem, i + 1, shards.size());
        Safetensors.writeSources(folder.resolve(name), shards.get(i), metadata);
        shards.get(i).keySet().forEach(tensor -> weightMap.put(tensor, name));
      }
      listing.set("weight_map", Jsons.toTree(weightMap));
      Jsons.write(index, listing);
      delete(single); // it would be found first
    }
    Jsons.write(folder.resolve(layout.config), config);
  }

  @Override
  public void close() {
    new HashSet<>(owners.values()).forEach(SafetensorsFile::close);
  }

  @Override
  public String toString() {
    return folder + " (" + names.size() + " tensors)";
  }

  private String stored(String name) {
    return resolve(name)
        .orElseThrow(
            () ->
                InputException.of(
                    "%s: tensor %s is missing; the folder holds %s",
                    folder, Texts.quote(name), Texts.some(names, 3)));
  }

  private static Layout layout(Path folder) {
    for (Layout layout : Layout.values()) {
      if (Files.exists(folder.resolve(layout.config))) {
        return layout;
      }
    }
    throw InputException.of(
        "%s: config.json is missing; a model folder holds config.json and model.safetensors",
        folder);
  }

  private static List<Map<String, TensorSource>> shards(
      Map<String, TensorSource> tensors, long shardBytes) {
    List<Map<String, TensorSource>> shards = new ArrayList<>(List.of(new LinkedHashMap<>()));
    long size = 0;
    for (Map.Entry<String, TensorSource> entry : new TreeMap<>(tensors).entrySet()) {
      long bytes = entry.getValue().bytes();
      Map<String, TensorSource> last = shards.get(shards.size() - 1);
      if (!last.isEmpty() && size + bytes > shardBytes) {
        last = new LinkedHashMap<>();
        shards.add(last);
        size = 0;
      }
      last.put(entry.getKey(), entry.getValue());
      size += bytes;
    }
    return shards;
  }

  private static void delete(Path file) {
    try {
      Files.deleteIfExists(file);
    } catch (java.io.IOException e) {
      throw new InputException(file + ": an older file that must go cannot be deleted", e);
    }
  }
}
