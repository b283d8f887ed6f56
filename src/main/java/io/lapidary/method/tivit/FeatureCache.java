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
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Features that were computed before, on disk by their content: the same weights, options and
 * series give the same file, whatever they are called. Files are whole or not there; each holds a
 * part of the cases of a set, so that memory and what an interruption costs stay small.
 */
public final class FeatureCache {
  private static final long PART_BYTES = 64L << 20;

  private final Path folder;
  private final long partBytes;

  /**
   * @param partBytes of the features in one file
   */
  FeatureCache(Path folder, long partBytes) {
    this.folder = folder;
    this.partBytes = partBytes;
  }

  /** A cache in a folder, which is made when it is needed. */
  public static FeatureCache in(Path folder) {
    return new FeatureCache(Check.present("folder", folder), PART_BYTES);
  }

  /** Keeps nothing on disk: all layers of a set are in memory as long as its features are. */
  public static FeatureCache none() {
    return new FeatureCache(null, PART_BYTES);
  }

  /** Features of the series, computed now unless they are here. */
  public LayerFeatures features(SeriesEncoder encoder, SeriesSet set) {
    if (folder == null) {
      return inMemory(encoder.features(set));
    }
    long perCase =
        (encoder.layers() + 1L) * set.channels() * encoder.config().hiddenSize() * Float.BYTES;
    int cases = (int) Math.max(1, partBytes / perCase);
    List<Path> parts = new ArrayList<>();
    for (int from = 0; from < set.size(); from += cases) {
      SeriesSet part =
          set.subset(IntStream.range(from, Math.min(set.size(), from + cases)).toArray());
      Path file = folder.resolve(key(encoder, part) + ".safetensors");
      if (!Files.isRegularFile(file)) {
        write(file, encoder.features(part));
      }
      parts.add(file);
    }
    return onDisk(parts, encoder.layers());
  }

  private static LayerFeatures inMemory(float[][][] features) {
    return new LayerFeatures() {
      @Override
      public int layers() {
        return features.length - 1;
      }

      @Override
      public float[][] layer(int layer) {
        return features[layer];
      }
    };
  }

  private static LayerFeatures onDisk(List<Path> parts, int layers) {
    return new LayerFeatures() {
      @Override
      public int layers() {
        return layers;
      }

      @Override
      public float[][] layer(int layer) {
        return parts.stream()
            .flatMap(file -> Arrays.stream(read(file, layer)))
            .toArray(float[][]::new);
      }
    };
  }

  private static String key(SeriesEncoder encoder, SeriesSet set) {
    return Hashes.sha256((encoder.key() + " " + digest(set)).getBytes(StandardCharsets.UTF_8));
  }

  /** Checksum of the values. */
  static String digest(SeriesSet set) {
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
    return HexFormat.of().formatHex(digest.digest());
  }

  private static float[][] read(Path file, int layer) {
    try (SafetensorsFile open = SafetensorsFile.open(file);
        INDArray rows = open.read("layer." + layer, DataType.FLOAT)) {
      return rows.toFloatMatrix();
    }
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
