package io.lapidary.model.sae;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.lapidary.InputException;
import io.lapidary.engine.Parameters;
import io.lapidary.io.Jsons;
import io.lapidary.io.Safetensors;
import io.lapidary.io.SafetensorsFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.ops.transforms.Transforms;

/**
 * The folders of SAELens: {@code cfg.json} and {@code sae_weights.safetensors}. An autoencoder with
 * a tracked threshold is stored as SAELens stores such ones, as a JumpReLU with that threshold for
 * every latent; what training alone needs has no place there.
 */
final class SaeLensLayout {
  static final String CONFIG = "cfg.json";
  static final String WEIGHTS = "sae_weights.safetensors";
  private static final String ENCODER_BIAS = SaeGraph.ENCODER_BIAS;

  private SaeLensLayout() {}

  /** Whether a folder is in this layout. */
  static boolean isIn(Path folder) {
    return Files.isRegularFile(folder.resolve(CONFIG));
  }

  // ---- reading ------------------------------------------------------------------------------

  static SparseAutoencoder read(Path folder) {
    Path file = folder.resolve(CONFIG);
    ObjectNode json = Jsons.readObject(file);
    String kind = kind(file, json);
    String normalize = json.path("normalize_activations").asText("none");
    if (!normalize.equals("none") && !normalize.equals("null")) {
      throw InputException.of(
          "%s: normalize_activations must be none, found %s; fold the scale into the weights first",
          file, shown(normalize));
    }
    int d = size(file, json, "d_in");
    int f = size(file, json, "d_sae");
    SaeVariant variant = variant(file, json, kind);
    SparseAutoencoderConfig config;
    try {
      config = new SparseAutoencoderConfig(d, f, variant);
    } catch (IllegalArgumentException e) {
      throw new InputException(file + ": " + e.getMessage(), e);
    }
    Parameters parameters = tensors(folder.resolve(WEIGHTS), config);
    if (json.path("rescale_acts_by_decoder_norm").asBoolean(false)) {
      foldNorms(parameters, variant);
    }
    boolean centred = json.path("apply_b_dec_to_input").asBoolean(!kind.equals("jumprelu"));
    if (centred != !(variant instanceof JumpReluSae)) { // ours centres all but JumpReLU
      shiftBias(parameters, variant, centred ? -1 : 1);
    }
    return new SparseAutoencoder(config, parameters);
  }

  private static String kind(Path file, ObjectNode json) {
    String kind = json.path("architecture").asText("standard");
    String activation =
        json.path("activation_fn").asText(json.path("activation_fn_str").asText("relu"));
    boolean topK = kind.equals("standard") && activation.equals("topk");
    if (!topK && !List.of("standard", "gated", "jumprelu", "topk").contains(kind)) {
      throw InputException.of(
          "%s: architecture must be standard, gated, jumprelu or topk, found %s; SAELens saves"
              + " batchtopk and matryoshka_batchtopk as jumprelu",
          file, shown(kind));
    }
    if (!topK && !activation.equals("relu") && !activation.equals("topk")) {
      throw InputException.of(
          "%s: activation_fn must be relu or topk, found %s", file, shown(activation));
    }
    return topK ? "topk" : kind;
  }

  private static String shown(String text) {
    return text.replaceAll("\\p{Cntrl}", "?");
  }

  private static int size(Path file, ObjectNode json, String key) {
    if (!json.path(key).isInt() || json.path(key).intValue() < 1) {
      throw InputException.of(
          "%s: %s must be a whole number above 0, found %s", file, key, json.path(key));
    }
    return json.path(key).intValue();
  }

  private static SaeVariant variant(Path file, ObjectNode json, String kind) {
    return switch (kind) {
      case "standard" -> new StandardSae(0, 0);
      case "gated" -> new GatedSae(0, 0);
      case "jumprelu" -> new JumpReluSae(0, 1, 0.001, 0);
      default -> {
        ObjectNode holder = json.path("activation_fn_kwargs") instanceof ObjectNode o ? o : json;
        int k = size(file, json.has("k") ? json : holder, "k");
        yield new TopKSae(k, new DeadLatents(0, 1), new ThresholdTracking(0, 0));
      }
    };
  }

  private static Parameters tensors(Path file, SparseAutoencoderConfig config) {
    Map<String, long[]> shapes = new LinkedHashMap<>(SaeFolder.shapes(config));
    if (config.variant() instanceof TopKSae) {
      shapes.remove(SaeGraph.THRESHOLD);
    }
    Parameters parameters = new Parameters(DataType.FLOAT, 0);
    if (config.variant() instanceof TopKSae) {
      parameters.adopt(SaeGraph.THRESHOLD, Nd4j.createFromArray(-1f)); // not used
    }
    try (SafetensorsFile open = SafetensorsFile.open(file)) {
      TreeSet<String> unknown = new TreeSet<>(open.names());
      unknown.removeAll(shapes.keySet());
      if (!unknown.isEmpty()) {
        throw InputException.of(
            "%s: tensor '%s' is unknown; a %s autoencoder has %s",
            file, unknown.first(), config.variant().type(), shapes.keySet());
      }
      shapes.forEach(
          (name, shape) -> parameters.adopt(name, open.read(name, DataType.FLOAT, shape)));
    }
    return parameters;
  }

  /** z‖w‖ in place of z, and w/‖w‖ in place of w. */
  private static void foldNorms(Parameters p, SaeVariant variant) {
    INDArray rows = p.get(SaeGraph.DECODER);
    try (INDArray norms = rows.norm2(1)) {
      p.get(SaeGraph.ENCODER).muliRowVector(norms);
      if (!(variant instanceof GatedSae)) {
        p.get(ENCODER_BIAS).muli(norms);
      }
      rows.diviColumnVector(norms.addi(1e-12));
    }
  }

  /** Adds {@code sign}·b_dec·W_enc to what stands for the encoder bias. */
  private static void shiftBias(Parameters p, SaeVariant variant, int sign) {
    INDArray bias = p.get(SaeGraph.DECODER_BIAS);
    try (INDArray row = bias.reshape(1, bias.length());
        INDArray product = row.mmul(p.get(SaeGraph.ENCODER));
        INDArray shift = product.reshape(product.length()).mul(sign)) {
      if (variant instanceof GatedSae) {
        p.get("b_gate").addi(shift);
        try (INDArray scale = Transforms.exp(p.get("r_mag"), true)) {
          p.get("b_mag").addi(scale.muli(shift));
        }
      } else {
        p.get(ENCODER_BIAS).addi(shift);
      }
    }
  }

  // ---- writing ------------------------------------------------------------------------------

  static void write(Path folder, SparseAutoencoder sae) {
    SparseAutoencoderConfig config = sae.config();
    SaeVariant variant = config.variant();
    Map<String, INDArray> tensors = new LinkedHashMap<>();
    SaeFolder.shapes(config).keySet().forEach(n -> tensors.put(n, sae.parameters().get(n)));
    ObjectNode json = Jsons.object();
    json.put("d_in", config.inputWidth()).put("d_sae", config.latentWidth());
    json.put("dtype", "float32").put("device", "cpu").put("normalize_activations", "none");
    json.put("apply_b_dec_to_input", !(variant instanceof JumpReluSae));
    String kind =
        variant instanceof StandardSae
            ? "standard"
            : variant instanceof GatedSae
                ? "gated"
                : variant instanceof TopKSae ? "topk" : "jumprelu";
    json.put("architecture", kind);
    if (variant instanceof TopKSae topK) {
      json.put("k", topK.k()).put("rescale_acts_by_decoder_norm", false);
      tensors.remove(SaeGraph.THRESHOLD);
    }
    if (variant.tracksThreshold()) {
      sae.requireThreshold();
      double threshold = sae.parameters().get(SaeGraph.THRESHOLD).getDouble(0);
      INDArray each = sae.parameters().get(ENCODER_BIAS).like().assign(threshold);
      tensors.put(SaeGraph.THRESHOLD, each);
    }
    json.putObject("metadata").put("sae_lens_training_version", "lapidary");
    Safetensors.write(folder.resolve(WEIGHTS), tensors, Map.of("format", "pt"));
    Jsons.write(folder.resolve(CONFIG), json);
  }
}
