package io.lapidary.model;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.lapidary.InputException;
import io.lapidary.io.CheckpointFolder;
import io.lapidary.layer.Lora;
import io.lapidary.layer.LoraAdapters;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import java.util.stream.Stream;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * An open LoRA adapter in the folder layout of PEFT, whatever model it belongs to: {@code
 * adapter_config.json} and {@code adapter_model.safetensors} with the pairs A and B of the adapted
 * modules, the new weights of {@code modules_to_save}, and copies of the model's own token tables,
 * which PEFT writes beside adapters of them.
 */
public final class PeftFile implements AutoCloseable {
  /** Stands before the names of modules in adapter files. */
  static final String PREFIX = "base_model.model.";

  private static final Set<String> UNSUPPORTED =
      Set.of(
          "lora_bias",
          "layer_replication",
          "trainable_token_indices",
          "target_parameters",
          "alora_invocation_tokens",
          "arrow_config",
          "kasa_config",
          "monteclora_config",
          "velora_config");

  /** Ways of making A and B that do not change the base; the others are undone by PEFT only. */
  private static final Set<String> HARMLESS = Set.of("gaussian", "eva", "orthogonal");

  private static final String EMBEDDING = "lora_embedding_";
  private static final Pattern COPY =
      Pattern.compile("(.*)\\.base_layer\\.weight|((?:.*\\.)?(?:embed_tokens|lm_head))\\.weight");
  private static final double COPY_TOLERANCE = 0.01; // relative: a copy may be of another type

  private final CheckpointFolder folder;
  private final HubConfig config;
  private final Map<String, Part> parts;
  private final Map<String, String> saved;
  private final Map<String, String> copies;

  private PeftFile(
      CheckpointFolder folder,
      HubConfig config,
      Map<String, Part> parts,
      Map<String, String> saved,
      Map<String, String> copies) {
    this.folder = folder;
    this.config = config;
    this.parts = parts;
    this.saved = saved;
    this.copies = copies;
  }

  /**
   * The low-rank part of one module.
   *
   * @param stored name in the file, before {@link Lora#A} and {@link Lora#B}
   */
  record Part(String stored, Lora lora) {}

  /**
   * Opens a folder and checks its configuration and names.
   *
   * @throws InputException when it is no LoRA adapter or uses an unsupported option
   */
  public static PeftFile open(Path path) {
    CheckpointFolder folder = CheckpointFolder.open(path);
    try {
      if (folder.layout() != CheckpointFolder.Layout.PEFT_ADAPTER) {
        throw InputException.of("%s: expected an adapter folder with adapter_config.json", path);
      }
      HubConfig config = HubConfig.of(folder);
      checkOptions(config);
      List<String> whole = config.texts("modules_to_save");
      Map<String, Part> parts = new TreeMap<>();
      Map<String, String> saved = new LinkedHashMap<>();
      Map<String, String> copies = new LinkedHashMap<>();
      for (String tensor : folder.names()) {
        String name = tensor.startsWith(PREFIX) ? tensor.substring(PREFIX.length()) : tensor;
        if (tensor.endsWith(Lora.A) || tensor.endsWith(Lora.B)) {
          String module = name.substring(0, name.length() - Lora.A.length());
          String stored = tensor.substring(0, tensor.length() - Lora.A.length());
          parts.put(module, new Part(stored, lora(folder, config, module, stored)));
        } else if (whole.stream().anyMatch(m -> name.contains(m + "."))) { // PEFT: ends of names
          saved.put(name, tensor);
        } else if (name.contains(EMBEDDING)) {
          throw config.error(
              "target_modules names an embedding (%s), which is not supported",
              line(name.substring(0, name.indexOf(EMBEDDING) - 1)));
        } else if (COPY.matcher(name).matches()) {
          copies.put(name.replace(".base_layer.", "."), tensor);
        } else {
          throw InputException.of("%s: tensor %s is no part of a LoRA adapter", path, line(tensor));
        }
      }
      if (parts.isEmpty() && saved.isEmpty()) {
        throw InputException.of("%s: the adapter holds no tensors", path);
      }
      return new PeftFile(folder, config, parts, saved, copies);
    } catch (RuntimeException e) {
      folder.close();
      throw e;
    }
  }

  private static void checkOptions(HubConfig config) {
    if (!config.text("peft_type", "none").equals("LORA")) {
      throw config.error("peft_type must be LORA, found %s", config.text("peft_type", "none"));
    }
    if (!config.text("bias", "none").equals("none")) {
      throw config.notSupported("bias");
    }
    for (String key : config.keys()) {
      boolean variant = key.startsWith("use_") && !key.equals("use_rslora");
      if ((variant || UNSUPPORTED.contains(key)) && config.set(key)) {
        throw config.notSupported(key);
      }
    }
    if (config.isText("init_lora_weights")
        && !HARMLESS.contains(config.text("init_lora_weights", ""))) {
      throw config.error(
          "init_lora_weights %s changes the base model; convert the adapter in Python with"
              + " save_pretrained(path_initial_model_for_weight_conversion=...)",
          line(config.text("init_lora_weights", "")));
    }
  }

  private static Lora lora(
      CheckpointFolder folder, HubConfig config, String module, String stored) {
    long[] a = folder.info(stored + Lora.A).shape();
    long rank = a.length == 0 ? 0 : a[0];
    double expected = byPattern(config, "rank_pattern", module, config.number("r", 8));
    if (rank != expected) {
      throw config.error(
          "the rank of %s is %.0f here, but its tensor has %d rows", line(module), expected, rank);
    }
    double alpha = byPattern(config, "alpha_pattern", module, config.number("lora_alpha", 8));
    double dropout = config.number("lora_dropout", 0);
    boolean stable = config.flag("use_rslora", false);
    return config.build(() -> new Lora((int) rank, alpha, dropout, stable));
  }

  /** The value of the first pattern that a module's name ends with. */
  private static double byPattern(HubConfig config, String key, String module, double otherwise) {
    HubConfig patterns = config.group(key);
    for (String pattern : patterns.keys()) {
      if (regex(config, "(.*\\.)?(" + pattern + ")").matcher(module).matches()) {
        return patterns.number(pattern, otherwise);
      }
    }
    return otherwise;
  }

  private static Pattern regex(HubConfig config, String expression) {
    try {
      return Pattern.compile(expression);
    } catch (PatternSyntaxException e) {
      throw config.error("%s is no regular expression", line(expression));
    }
  }

  private static String line(String text) {
    return text.replaceAll("\\p{Cntrl}", "?");
  }

  /** The folder. */
  Path path() {
    return folder.folder();
  }

  /**
   * The names under which a model folder may hold a module: its own and, for ViT and DINOv2, the
   * stored ones of modules that the Python library calls otherwise since its version 5.
   */
  static List<String> spellings(String module) {
    String stored =
        module
            .replaceFirst("(^|\\.)layers\\.(\\d+)\\.(attention|mlp)\\.", "$1encoder.layer.$2.$3.")
            .replaceFirst("\\.attention\\.q_proj(?=$|\\.)", ".attention.attention.query")
            .replaceFirst("\\.attention\\.k_proj(?=$|\\.)", ".attention.attention.key")
            .replaceFirst("\\.attention\\.v_proj(?=$|\\.)", ".attention.attention.value")
            .replaceFirst("\\.attention\\.o_proj(?=$|\\.)", ".attention.output.dense");
    String vit =
        stored
            .replaceFirst("(layer\\.\\d+)\\.mlp\\.fc1(?=$|\\.)", "$1.intermediate.dense")
            .replaceFirst("(layer\\.\\d+)\\.mlp\\.fc2(?=$|\\.)", "$1.output.dense");
    return Stream.of(module, stored, vit).distinct().toList();
  }

  /** A copy of the configuration. */
  ObjectNode json() {
    return folder.config();
  }

  /** Low-rank parts by the name of the module in its model. */
  Map<String, Part> parts() {
    return parts;
  }

  /** Names in the file of the tensors that replace those of the model, by their name there. */
  Map<String, String> saved() {
    return saved;
  }

  /** Names in the file of copies of the model's tensors, by their name there. */
  Map<String, String> copies() {
    return copies;
  }

  /**
   * Requires that a tensor of the file is that of the model.
   *
   * @param own the model's, of any type
   */
  void requireCopy(String tensor, INDArray own) {
    requireShape(tensor, own.shape());
    try (INDArray copy = read(tensor);
        INDArray difference = own.castTo(DataType.FLOAT).sub(copy)) {
      double largest = copy.amaxNumber().doubleValue();
      double off = difference.amaxNumber().doubleValue();
      if (!(off <= COPY_TOLERANCE * largest)) {
        throw InputException.of(
            "%s: %s differs from that of the base model by up to %.3g; is it the model that the"
                + " adapter was trained on? Trained embeddings belong into modules_to_save",
            path(), line(tensor), off);
      }
    }
  }

  /** Whether the weights of the model are stored [in, out]. */
  boolean fanInFanOut() {
    return config.flag("fan_in_fan_out", false);
  }

  /** Requires the shape of a tensor, given by its name in the file. */
  void requireShape(String tensor, long... expected) {
    long[] found = folder.info(tensor).shape();
    if (!Arrays.equals(found, expected)) {
      throw InputException.of(
          "%s: wrong shape of %s: expected %s, found %s",
          path(), line(tensor), Arrays.toString(expected), Arrays.toString(found));
    }
  }

  /** Reads a tensor by its name in the file, as FLOAT; the caller closes it. */
  INDArray read(String tensor) {
    return folder.read(tensor, DataType.FLOAT);
  }

  /** The error for a module that the model does not have. */
  InputException unknown(String module) {
    return InputException.of(
        "%s: the base model has no linear map or convolution %s; is it the model that the adapter"
            + " was trained on? A head that is tied to the token table is none; untie it first",
        path(), line(module));
  }

  /** The modules that {@code target_modules} names; empty when it does not name them one by one. */
  Optional<LoraAdapters.Predicates> targets() {
    if (config.set("layers_to_transform")
        || config.set("exclude_modules")
        || !config.set("target_modules")) {
      return Optional.empty();
    }
    if (!config.isText("target_modules")) {
      List<String> names = config.texts("target_modules");
      return Optional.of(LoraAdapters.Predicates.names(names.toArray(String[]::new)));
    }
    String expression = config.text("target_modules", "");
    if (expression.equals("all-linear")) {
      return Optional.empty();
    }
    Pattern pattern = regex(config, expression);
    return Optional.of(map -> pattern.matcher(map).matches());
  }

  /** The error for a target that the file has no tensors for. */
  InputException withoutTensors(String module) {
    return config.error(
        "target_modules names %s, but the adapter has no tensors for it", line(module));
  }

  @Override
  public void close() {
    folder.close();
  }
}
