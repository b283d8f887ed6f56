package io.lapidary.method.tivit;

import io.lapidary.AtomicFiles;
import io.lapidary.Check;
import io.lapidary.InputException;
import io.lapidary.data.Hashes;
import io.lapidary.data.series.SeriesSet;
import io.lapidary.data.series.TimeSeries;
import io.lapidary.io.Safetensors;
import io.lapidary.io.SafetensorsFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Features that were computed before, on disk by their content: the same weights, options and
 * series give the same file, whatever they are called. Files are whole or not there.
 */
public final class FeatureCache {
  private final Path folder;

  private FeatureCache(Path folder) {
    this.folder = folder;
  }

  /** A cache in a folder, which is made when it is needed. */
  public static FeatureCache in(Path folder) {
    return new FeatureCache(Check.present("folder", folder));
  }

  /** Keeps nothing. */
  public static FeatureCache none() {
    return new FeatureCache(null);
  }

  /** Features of the series, computed when they are not here yet. */
  public float[][][] features(SeriesEncoder encoder, SeriesSet set) {
    if (folder == null) {
      return encoder.features(set);
    }
    Path file = folder.resolve(key(encoder, set) + ".safetensors");
    if (Files.isRegularFile(file)) {
      return read(file, encoder.layers() + 1);
    }
    float[][][] features = encoder.features(set);
    write(file, features);
    return features;
  }

  private static String key(SeriesEncoder encoder, SeriesSet set) {
    MessageDigest digest;
    try {
      digest = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("this Java runtime lacks SHA-256", e);
    }
    for (TimeSeries one : set.cases()) {
      for (double[] channel : one.values()) {
        ByteBuffer bytes = ByteBuffer.allocate(8 * channel.length + 4).putInt(channel.length);
        for (double v : channel) {
          bytes.putDouble(v);
        }
        digest.update(bytes.array());
      }
    }
    String series = HexFormat.of().formatHex(digest.digest());
    return Hashes.sha256((encoder.key() + " " + series).getBytes(StandardCharsets.UTF_8));
  }

  private static float[][][] read(Path file, int layers) {
    float[][][] features = new float[layers][][];
    try (SafetensorsFile open = SafetensorsFile.open(file)) {
      for (int layer = 0; layer < layers; layer++) {
        try (INDArray rows = open.read("layer." + layer, DataType.FLOAT)) {
          features[layer] = rows.toFloatMatrix();
        }
      }
    }
    return features;
  }

  private void write(Path file, float[][][] features) {
    try {
      Files.createDirectories(folder);
    } catch (IOException e) {
      throw new InputException(
          String.format("%s: cannot be made (%s)", folder, AtomicFiles.reason(e)), e);
    }
    Map<String, INDArray> tensors = new LinkedHashMap<>();
    for (int layer = 0; layer < features.length; layer++) {
      tensors.put("layer." + layer, Nd4j.createFromArray(features[layer]));
    }
    Safetensors.write(file, tensors, Map.of("format", "pt"));
    tensors.values().forEach(INDArray::close);
  }
}
