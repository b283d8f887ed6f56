package io.lapidary.model.sae;

import io.lapidary.AtomicFiles;
import io.lapidary.Check;
import io.lapidary.InputException;
import io.lapidary.engine.Parameters;
import io.lapidary.io.Jsons;
import io.lapidary.io.Safetensors;
import io.lapidary.io.SafetensorsFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * An autoencoder in a folder: {@code config.json} and {@code sae.safetensors}, or the layout of
 * SAELens, dictionary_learning or sparsify.
 */
public final class SaeFolder {
  private static final String CONFIG = "config.json";
  private static final String WEIGHTS = "sae.safetensors";

  private SaeFolder() {}

  /** {@code config.json}: the sizes, and the numbers of exactly one variant. */
  record Saved(
      int inputWidth,
      int latentWidth,
      StandardSae standard,
      GatedSae gated,
      JumpReluSae jumpRelu,
      TopKSae topK,
      BatchTopKSae batchTopK,
      MatryoshkaSae matryoshka) {
    static Saved of(SparseAutoencoderConfig c) {
      SaeVariant v = c.variant();
      return new Saved(
          c.inputWidth(),
          c.latentWidth(),
          v instanceof StandardSae s ? s : null,
          v instanceof GatedSae s ? s : null,
          v instanceof JumpReluSae s ? s : null,
          v instanceof TopKSae s ? s : null,
          v instanceof BatchTopKSae s ? s : null,
          v instanceof MatryoshkaSae s ? s : null);
    }

    SparseAutoencoderConfig config() {
      SaeVariant[] given =
          Stream.of(standard, gated, jumpRelu, topK, batchTopK, matryoshka)
              .filter(v -> v != null)
              .toArray(SaeVariant[]::new);
      Check.that(given.length == 1, "exactly one variant is needed, found %d", given.length);
      return new SparseAutoencoderConfig(inputWidth, latentWidth, given[0]);
    }
  }

  /** How the files are named and what they say. */
  public enum Layout {
    /** {@code config.json} with everything, {@code sae.safetensors}. */
    LAPIDARY,
    /** {@code cfg.json}, {@code sae_weights.safetensors}; what training alone needs is left out. */
    SAE_LENS,
    /** {@code config.json}, {@code ae.safetensors}, with the names of dictionary_learning. */
    DICTIONARY_LEARNING
  }

  /** The file with the weights of an autoencoder's folder; empty where there is none. */
  public static Optional<Path> weights(Path folder) {
    return Stream.of(WEIGHTS, SaeLensLayout.WEIGHTS, StateDictLayout.DICTIONARY)
        .map(folder::resolve)
        .filter(Files::isRegularFile)
        .findFirst();
  }

  /** Writes the folder; the weights that training alone needs are left out. */
  public static void save(Path folder, SparseAutoencoder sae) {
    save(folder, sae, Layout.LAPIDARY);
  }

  /**
   * Writes the folder in a layout.
   *
   * @throws InputException when it cannot be written, or has no threshold that the layout needs
   */
  public static void save(Path folder, SparseAutoencoder sae, Layout layout) {
    try {
      Files.createDirectories(folder);
    } catch (IOException e) {
      throw new InputException(
          String.format("%s: cannot be made (%s)", folder, AtomicFiles.reason(e)), e);
    }
    if (layout == Layout.SAE_LENS) {
      SaeLensLayout.write(folder, sae);
      return;
    }
    if (layout == Layout.DICTIONARY_LEARNING) {
      StateDictLayout.write(folder, sae);
      return;
    }
    Map<String, INDArray> tensors = new LinkedHashMap<>();
    for (String name : shapes(sae.config()).keySet()) {
      tensors.put(name, sae.parameters().get(name));
    }
    Safetensors.write(folder.resolve(WEIGHTS), tensors, Map.of("format", "pt"));
    Jsons.write(folder.resolve(CONFIG), Saved.of(sae.config()));
  }

  /**
   * Reads a folder that {@link #save}, SAELens or sparsify wrote, as FLOAT.
   *
   * @throws InputException naming the file and tensor that is missing, unknown or of another shape
   */
  public static SparseAutoencoder load(Path folder) {
    if (StateDictLayout.isIn(folder)) {
      return StateDictLayout.read(folder);
    }
    if (SaeLensLayout.isIn(folder)) {
      return SaeLensLayout.read(folder);
    }
    Path configFile = folder.resolve(CONFIG);
    SparseAutoencoderConfig config;
    try {
      config = Jsons.read(configFile, Saved.class).config();
    } catch (IllegalArgumentException e) {
      throw new InputException(configFile + ": " + e.getMessage(), e);
    }
    Parameters parameters = new Parameters(DataType.FLOAT, 0);
    try (SafetensorsFile file = SafetensorsFile.open(folder.resolve(WEIGHTS))) {
      Map<String, long[]> shapes = shapes(config);
      TreeSet<String> unknown = new TreeSet<>(file.names());
      unknown.removeAll(shapes.keySet());
      if (!unknown.isEmpty()) {
        throw InputException.of(
            "%s: tensor '%s' is unknown; a %s autoencoder has %s",
            file.file(), unknown.first(), config.variant().type(), shapes.keySet());
      }
      shapes.forEach(
          (name, shape) -> parameters.adopt(name, file.read(name, DataType.FLOAT, shape)));
    }
    return new SparseAutoencoder(config, parameters);
  }

  static Map<String, long[]> shapes(SparseAutoencoderConfig config) {
    long d = config.inputWidth();
    long f = config.latentWidth();
    Map<String, long[]> shapes = new LinkedHashMap<>();
    shapes.put(SaeGraph.ENCODER, new long[] {d, f});
    shapes.put(SaeGraph.DECODER, new long[] {f, d});
    shapes.put(SaeGraph.DECODER_BIAS, new long[] {d});
    SaeVariant variant = config.variant();
    if (variant instanceof GatedSae) {
      Stream.of("b_gate", "r_mag", "b_mag").forEach(name -> shapes.put(name, new long[] {f}));
    } else {
      shapes.put(SaeGraph.ENCODER_BIAS, new long[] {f});
    }
    if (variant instanceof JumpReluSae) {
      shapes.put(SaeGraph.THRESHOLD, new long[] {f});
    } else if (variant instanceof TopKSae || variant.tracksThreshold()) {
      shapes.put(SaeGraph.THRESHOLD, new long[] {1});
    }
    return shapes;
  }
}
