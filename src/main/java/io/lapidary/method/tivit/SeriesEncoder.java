package io.lapidary.method.tivit;

import io.lapidary.Check;
import io.lapidary.data.Hashes;
import io.lapidary.data.Normalization;
import io.lapidary.data.series.SeriesSet;
import io.lapidary.io.CheckpointFolder;
import io.lapidary.io.ImageProcessor;
import io.lapidary.model.Clip;
import io.lapidary.model.VisionConfig;
import io.lapidary.model.VisionEncoder;
import io.lapidary.model.VisionFamily;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Function;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Features of series by a frozen vision transformer: every channel becomes a picture, the tokens of
 * every layer are averaged, channels stand one behind the other, and rows get unit length. Layer 0
 * is what enters the blocks, layer n what leaves block n; no last norm.
 */
public final class SeriesEncoder implements AutoCloseable {
  private static final int MOST_AT_ONCE = 64;
  private static final long LARGEST_ACTIVATION = 64L << 20; // bytes, bounds what a plan holds

  private final String model;
  private final VisionConfig config;
  private final Normalization normalization;
  private final Function<INDArray, List<INDArray>> encode;
  private final Runnable release;
  private final Options options;
  private final SeriesPictures pictures;

  /**
   * How pictures are made and read.
   *
   * @param window length of a window; 0 for the root of the length
   * @param stride as a share of the window, see {@link SeriesPictures}
   * @param gamma exponent of the contrast
   * @param classToken whether the class token is read instead of the mean of all tokens
   * @param oneDimensional whether runs of values fill patch after patch, the control without
   *     windows, see {@link SeriesPictures#runs}
   * @param acrossLayers whether every feature gets unit length over the layers, not the row of
   *     every layer over its features; the authors' code does so where it reads all layers
   */
  public record Options(
      int window,
      double stride,
      double gamma,
      boolean classToken,
      boolean oneDimensional,
      boolean acrossLayers) {
    /** The paper's. */
    public static final Options USUAL = new Options(0, 0.1, 0.8, false, false, false);

    /** Checks ranges. */
    public Options {
      new SeriesPictures(1, window, stride, gamma);
    }

    /** The same with another stride. */
    public Options withStride(double other) {
      return new Options(window, other, gamma, classToken, oneDimensional, acrossLayers);
    }

    /** The same as the one-dimensional control. */
    public Options oneDimensionally() {
      return new Options(window, stride, gamma, classToken, true, acrossLayers);
    }
  }

  private SeriesEncoder(
      String model,
      VisionConfig config,
      Normalization normalization,
      Function<INDArray, List<INDArray>> encode,
      Runnable release,
      Options options) {
    this.model = model;
    this.config = config;
    this.normalization = normalization;
    this.encode = encode;
    this.release = release;
    this.options = Check.present("options", options);
    this.pictures =
        new SeriesPictures(config.imageSize(), options.window, options.stride, options.gamma);
  }

  /**
   * Loads a folder of type vit, dinov2, siglip, clip, or of OpenCLIP.
   *
   * @throws io.lapidary.InputException when it does not load
   */
  public static SeriesEncoder load(Path folder, Options options) {
    boolean openClip;
    try (CheckpointFolder open = CheckpointFolder.open(folder)) {
      openClip = open.layout() == CheckpointFolder.Layout.OPEN_CLIP;
    }
    String sum = Hashes.model(folder);
    if (openClip) {
      Clip clip = Clip.load(folder);
      return new SeriesEncoder(
          sum,
          clip.config().vision(),
          normalization(folder, VisionFamily.CLIP),
          pixels -> clip.visionLayerFeatures(pixels, options.classToken),
          clip::close,
          options);
    }
    VisionEncoder encoder = VisionEncoder.load(folder);
    Normalization normalization = normalization(folder, encoder.config().family());
    return of(encoder, sum, normalization, options);
  }

  /**
   * An encoder in memory, which is closed with this one.
   *
   * @param model tells its weights from others, such as a checksum
   */
  public static SeriesEncoder of(
      VisionEncoder encoder, String model, Normalization normalization, Options options) {
    return new SeriesEncoder(
        model,
        encoder.config(),
        normalization,
        pixels -> encoder.layerFeatures(pixels, options.classToken),
        encoder::close,
        options);
  }

  private static Normalization normalization(Path folder, VisionFamily family) {
    Path file = folder.resolve("preprocessor_config.json");
    if (Files.exists(file)) {
      ImageProcessor processor = ImageProcessor.read(file);
      return new Normalization(processor.mean(), processor.std());
    }
    return family == VisionFamily.CLIP ? Normalization.CLIP : Normalization.SYMMETRIC;
  }

  /** The same weights with other pictures; to be closed by the original only. */
  public SeriesEncoder with(Options others) {
    Check.that(
        others.classToken == options.classToken, "both must read the same tokens of the model");
    return new SeriesEncoder(model, config, normalization, encode, () -> {}, others);
  }

  /** An encoder of the same kind and options with fresh weights. */
  SeriesEncoder untrained(long seed) {
    return of(
        VisionEncoder.create(config, seed),
        "random " + seed + " " + config,
        normalization,
        options);
  }

  /** Sizes of the encoder. */
  public VisionConfig config() {
    return config;
  }

  /** Number of blocks. */
  public int layers() {
    return config.layers();
  }

  /** Side of the pictures in pixels. */
  public int side() {
    return config.imageSize();
  }

  /** What decides the features of a series: weights and options. */
  public String key() {
    return model + " " + options + " " + normalization;
  }

  /** Features [layer][case][channels · width] of complete series. */
  public float[][][] features(SeriesSet set) {
    int channels = set.channels();
    int width = config.hiddenSize();
    float[][][] features = new float[config.layers() + 1][set.size()][channels * width];
    int all = set.size() * channels;
    long perPicture = (long) config.tokens() * config.intermediateSize() * Float.BYTES;
    int atOnce = (int) Math.max(1, Math.min(MOST_AT_ONCE, LARGEST_ACTIVATION / perPicture));
    for (int from = 0; from < all; from += atOnce) {
      int count = Math.min(atOnce, all - from);
      List<INDArray> layers;
      try (INDArray pixels = pixels(set, from, count)) {
        layers = encode.apply(pixels);
      }
      for (int layer = 0; layer < features.length; layer++) {
        float[][] rows = layers.get(layer).toFloatMatrix();
        for (int i = 0; i < count; i++) {
          int item = from + i;
          System.arraycopy(
              rows[i], 0, features[layer][item / channels], item % channels * width, width);
        }
      }
      layers.forEach(INDArray::close);
    }
    if (options.acrossLayers) {
      normaliseAcross(features);
      return features;
    }
    for (float[][] layer : features) {
      for (float[] row : layer) {
        normalise(row);
      }
    }
    return features;
  }

  /** Gives the values of every case and feature in all layers unit length; zeros stay. */
  private static void normaliseAcross(float[][][] features) {
    float[] values = new float[features.length];
    for (int i = 0; i < features[0].length; i++) {
      for (int f = 0; f < features[0][i].length; f++) {
        for (int layer = 0; layer < values.length; layer++) {
          values[layer] = features[layer][i][f];
        }
        normalise(values);
        for (int layer = 0; layer < values.length; layer++) {
          features[layer][i][f] = values[layer];
        }
      }
    }
  }

  /** Gives a row unit length; one of zeros stays. */
  static void normalise(float[] row) {
    double squares = 0;
    for (float v : row) {
      squares += (double) v * v;
    }
    if (squares > 0) {
      float scale = (float) (1 / Math.sqrt(squares));
      for (int f = 0; f < row.length; f++) {
        row[f] *= scale;
      }
    }
  }

  /** Normalised pictures [count, channels of the model, side, side] of series and channels. */
  private INDArray pixels(SeriesSet set, int from, int count) {
    int area = side() * side();
    int planes = config.channels();
    float[] values = new float[count * planes * area];
    for (int i = 0; i < count; i++) {
      int item = from + i;
      double[] channel = set.cases().get(item / set.channels()).values()[item % set.channels()];
      float[] grey =
          options.oneDimensional
              ? pictures.runs(channel, config.patchSize())
              : pictures.picture(channel);
      for (int c = 0; c < planes; c++) {
        float mean = normalization.mean(c);
        float std = normalization.std(c);
        int at = (i * planes + c) * area;
        for (int p = 0; p < area; p++) {
          values[at + p] = (grey[p] - mean) / std;
        }
      }
    }
    return Nd4j.createFromArray(values).reshape('c', count, planes, side(), side());
  }

  @Override
  public void close() {
    release.run();
  }
}
