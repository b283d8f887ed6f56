package io.lapidary.model.sae;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.lapidary.InputException;
import io.lapidary.engine.Parameters;
import io.lapidary.io.Jsons;
import io.lapidary.io.Safetensors;
import io.lapidary.io.SafetensorsFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * The folders of dictionary_learning ({@code config.json} and {@code ae.safetensors}, its {@code
 * ae.pt} written anew without pickle) and of sparsify ({@code cfg.json} and {@code
 * sae.safetensors}), whose tensors have the names of their modules.
 */
final class StateDictLayout {
  static final String DICTIONARY = "ae.safetensors";
  private static final String DICTIONARY_CONFIG = "config.json";
  private static final String SPARSIFY = "sae.safetensors";
  private static final String SPARSIFY_CONFIG = "cfg.json";

  private StateDictLayout() {}

  /**
   * A tensor in the file.
   *
   * @param own name here
   * @param stored name there
   * @param transposed whether rows and columns are exchanged
   */
  private record Place(String own, String stored, boolean transposed) {}

  private static final Place DECODER_COLUMNS = new Place(SaeGraph.DECODER, "decoder.weight", true);
  private static final Place ENCODER_ROWS = new Place(SaeGraph.ENCODER, "encoder.weight", true);
  private static final Place ENCODER_BIAS = new Place(SaeGraph.ENCODER_BIAS, "encoder.bias", false);

  /** Names of the tensors of each class of dictionary_learning, and of sparsify. */
  private enum Names {
    STANDARD("AutoEncoder", ENCODER_ROWS, ENCODER_BIAS, DECODER_COLUMNS, bias("bias")),
    GATED(
        "GatedAutoEncoder",
        ENCODER_ROWS,
        new Place("b_gate", "gate_bias", false),
        new Place("r_mag", "r_mag", false),
        new Place("b_mag", "mag_bias", false),
        DECODER_COLUMNS,
        bias("decoder_bias")),
    JUMP_RELU(
        "JumpReluAutoEncoder",
        same(SaeGraph.ENCODER),
        same(SaeGraph.ENCODER_BIAS),
        same(SaeGraph.DECODER),
        same(SaeGraph.DECODER_BIAS),
        same(SaeGraph.THRESHOLD)),
    TOP_K("AutoEncoderTopK", ENCODER_ROWS, ENCODER_BIAS, DECODER_COLUMNS, bias("b_dec")),
    BATCH_TOP_K("BatchTopKSAE", ENCODER_ROWS, ENCODER_BIAS, DECODER_COLUMNS, bias("b_dec")),
    MATRYOSHKA(
        "MatryoshkaBatchTopKSAE",
        same(SaeGraph.ENCODER),
        same(SaeGraph.ENCODER_BIAS),
        same(SaeGraph.DECODER),
        same(SaeGraph.DECODER_BIAS)),
    SPARSIFY_TOP_K("", ENCODER_ROWS, ENCODER_BIAS, same(SaeGraph.DECODER), bias("b_dec"));

    private final String dictClass;
    private final List<Place> places;

    Names(String dictClass, Place... places) {
      this.dictClass = dictClass;
      this.places = List.of(places);
    }

    private static Place same(String name) {
      return new Place(name, name, false);
    }

    private static Place bias(String name) {
      return new Place(SaeGraph.DECODER_BIAS, name, false);
    }

    static Names of(SaeVariant variant) {
      return switch (variant.type()) {
        case "standard" -> STANDARD;
        case "gated" -> GATED;
        case "jumprelu" -> JUMP_RELU;
        case "top_k" -> TOP_K;
        case "batch_top_k" -> BATCH_TOP_K;
        default -> MATRYOSHKA;
      };
    }
  }

  /** Whether a folder is in one of these layouts. */
  static boolean isIn(Path folder) {
    return Files.isRegularFile(folder.resolve(DICTIONARY))
        || Files.isRegularFile(folder.resolve(SPARSIFY))
            && Files.isRegularFile(folder.resolve(SPARSIFY_CONFIG));
  }

  // ---- reading ------------------------------------------------------------------------------

  static SparseAutoencoder read(Path folder) {
    return Files.isRegularFile(folder.resolve(DICTIONARY))
        ? readDictionary(folder)
        : readSparsify(folder);
  }

  private static SparseAutoencoder readDictionary(Path folder) {
    Path configFile = folder.resolve(DICTIONARY_CONFIG);
    ObjectNode json = Jsons.readObject(configFile);
    String dictClass = json.path("trainer").path("dict_class").asText("none");
    String known = dictClass.replace("Matroyshka", "Matryoshka");
    Names names =
        Arrays.stream(Names.values())
            .filter(n -> !n.dictClass.isEmpty() && n.dictClass.equals(known))
            .findFirst()
            .orElseThrow(
                () ->
                    InputException.of(
                        "%s: trainer.dict_class must be one of %s, found %s",
                        configFile,
                        Arrays.stream(Names.values())
                            .map(n -> n.dictClass)
                            .filter(n -> !n.isEmpty())
                            .toList(),
                        dictClass.replaceAll("\\p{Cntrl}", "?")));
    try (SafetensorsFile file = SafetensorsFile.open(folder.resolve(DICTIONARY))) {
      DeadLatents none = new DeadLatents(0, 1);
      ThresholdTracking fixed = new ThresholdTracking(0, 0);
      SaeVariant variant =
          switch (names) {
            case STANDARD -> new StandardSae(0, 0);
            case GATED -> new GatedSae(0, 0);
            case JUMP_RELU -> new JumpReluSae(0, 1, 0.001, 0);
            case TOP_K -> new TopKSae(k(file), none, fixed);
            case BATCH_TOP_K -> new BatchTopKSae(k(file), none, fixed);
            default -> new MatryoshkaSae(k(file), groups(file), none, fixed, false);
          };
      return read(file, names, variant);
    } catch (IllegalArgumentException e) {
      throw new InputException(folder + ": " + e.getMessage(), e);
    }
  }

  private static SparseAutoencoder readSparsify(Path folder) {
    Path configFile = folder.resolve(SPARSIFY_CONFIG);
    ObjectNode json = Jsons.readObject(configFile);
    String activation = json.path("activation").asText("topk");
    if (!activation.equals("topk")
        || json.path("transcode").asBoolean(false)
        || json.path("skip_connection").asBoolean(false)) {
      throw InputException.of(
          "%s: autoencoders with activation topk are read, without transcode or skip_connection",
          configFile);
    }
    JsonNode k = json.path("k");
    if (!k.isInt() || k.intValue() < 1) {
      throw InputException.of("%s: k must be a whole number above 0, found %s", configFile, k);
    }
    try (SafetensorsFile file = SafetensorsFile.open(folder.resolve(SPARSIFY))) {
      SaeVariant variant =
          new TopKSae(k.intValue(), new DeadLatents(0, 1), new ThresholdTracking(0, 0));
      return read(file, Names.SPARSIFY_TOP_K, variant);
    } catch (IllegalArgumentException e) {
      throw new InputException(folder + ": " + e.getMessage(), e);
    }
  }

  private static SparseAutoencoder read(SafetensorsFile file, Names names, SaeVariant variant) {
    Place encoder = names.places.get(0);
    long[] shape = shape(file, encoder.stored());
    if (shape.length != 2) {
      throw InputException.of(
          "%s: %s must have two axes, found %s",
          file.file(), encoder.stored(), Arrays.toString(shape));
    }
    int width = Math.toIntExact(encoder.transposed() ? shape[1] : shape[0]);
    int latents = Math.toIntExact(encoder.transposed() ? shape[0] : shape[1]);
    SparseAutoencoderConfig config = new SparseAutoencoderConfig(width, latents, variant);
    TreeSet<String> unknown = new TreeSet<>(file.names());
    unknown.removeAll(List.of("k", SaeGraph.THRESHOLD, "group_sizes", "apply_b_dec_to_input"));
    Map<String, long[]> shapes = SaeFolder.shapes(config);
    Parameters parameters = new Parameters(DataType.FLOAT, 0);
    for (Place place : names.places) {
      unknown.remove(place.stored());
      long[] own = shapes.get(place.own());
      if (!place.transposed()) {
        parameters.adopt(place.own(), file.read(place.stored(), DataType.FLOAT, own));
        continue;
      }
      long[] there = {own[1], own[0]};
      try (INDArray stored = file.read(place.stored(), DataType.FLOAT, there)) {
        parameters.adopt(place.own(), stored.transpose().dup('c'));
      }
    }
    if (!unknown.isEmpty()) {
      throw InputException.of(
          "%s: tensor '%s' is unknown; %s has %s",
          file.file(),
          unknown.first(),
          variant.type(),
          names.places.stream().map(Place::stored).toList());
    }
    if (variant.tracksThreshold()) {
      double threshold = scalar(file, SaeGraph.THRESHOLD);
      parameters.adopt(SaeGraph.THRESHOLD, Nd4j.createFromArray((float) threshold));
    } else if (variant instanceof TopKSae) {
      parameters.adopt(SaeGraph.THRESHOLD, Nd4j.createFromArray(-1f)); // not used
    }
    return new SparseAutoencoder(config, parameters);
  }

  private static int k(SafetensorsFile file) {
    return (int) scalar(file, "k");
  }

  private static List<Integer> groups(SafetensorsFile file) {
    shape(file, "group_sizes");
    try (INDArray sizes = file.read("group_sizes", DataType.DOUBLE)) {
      return Arrays.stream(sizes.dup('c').data().asDouble()).mapToObj(s -> (int) s).toList();
    }
  }

  private static double scalar(SafetensorsFile file, String name) {
    shape(file, name);
    try (INDArray value = file.read(name, DataType.DOUBLE)) {
      if (value.length() != 1) {
        throw InputException.of(
            "%s: %s must be one number, found %d", file.file(), name, value.length());
      }
      return value.getDouble(0);
    }
  }

  private static long[] shape(SafetensorsFile file, String name) {
    if (!file.names().contains(name)) {
      throw InputException.of("%s: tensor '%s' is missing", file.file(), name);
    }
    return file.info(name).shape();
  }

  // ---- writing ------------------------------------------------------------------------------

  /** Writes the layout of dictionary_learning. */
  static void write(Path folder, SparseAutoencoder sae) {
    SparseAutoencoderConfig config = sae.config();
    SaeVariant variant = config.variant();
    Names names = Names.of(variant);
    Map<String, INDArray> tensors = new LinkedHashMap<>();
    for (Place place : names.places) {
      INDArray own = sae.parameters().get(place.own());
      tensors.put(place.stored(), place.transposed() ? own.transpose().dup('c') : own);
    }
    ObjectNode trainer = Jsons.object();
    trainer.put("dict_class", names.dictClass);
    trainer.put("activation_dim", config.inputWidth()).put("dict_size", config.latentWidth());
    int k =
        variant instanceof TopKSae t
            ? t.k()
            : variant instanceof BatchTopKSae b
                ? b.k()
                : variant instanceof MatryoshkaSae m ? m.k() : 0;
    if (k > 0) {
      trainer.put("k", k);
      tensors.put("k", Nd4j.scalar((long) k));
      if (variant.tracksThreshold()) {
        sae.requireThreshold();
      }
      float threshold =
          variant.tracksThreshold()
              ? sae.parameters().get(SaeGraph.THRESHOLD).getFloat(0)
              : -1; // the top k of a row need none
      tensors.put(SaeGraph.THRESHOLD, Nd4j.scalar(threshold));
    }
    if (variant instanceof MatryoshkaSae m) {
      tensors.put(
          "group_sizes", Nd4j.createFromArray(m.groupSizes().stream().mapToLong(i -> i).toArray()));
    }
    Safetensors.write(folder.resolve(DICTIONARY), tensors, Map.of("format", "pt"));
    ObjectNode json = Jsons.object();
    json.set("trainer", trainer);
    Jsons.write(folder.resolve(DICTIONARY_CONFIG), json);
  }
}
