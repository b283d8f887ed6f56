package io.lapidary.app;

import io.lapidary.InputException;
import io.lapidary.data.DataHome;
import io.lapidary.data.series.SeriesPreparation;
import io.lapidary.data.series.SeriesPreparation.Lengths;
import io.lapidary.data.series.SeriesProblem;
import io.lapidary.method.tivit.FeatureCache;
import io.lapidary.method.tivit.SeriesEncoder;
import io.lapidary.method.tivit.SeriesMethods;
import io.lapidary.method.tivit.SeriesPictures;
import io.lapidary.method.tivit.TiVitClassifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Option;

/** The options that the commands of TiViT share. */
final class TiVitOptions implements AutoCloseable {
  private static final String USUAL_ENCODER = "checkpoints/emoji-mae";
  private static final double GAMMA = 0.8;

  @Option(
      names = "--encoder",
      paramLabel = "DIR[:LAYER]",
      description = {
        "Folder of a vision transformer (vit, dinov2, siglip, clip, OpenCLIP) and the layer read:",
        "0 enters the blocks, N leaves block N; chosen on held-out training cases when left out.",
        "Of several the features are joined (default: checkpoints/emoji-mae)."
      })
  private List<String> encoders = List.of();

  @Option(
      names = "--stride",
      paramLabel = "SHARE",
      defaultValue = "0.1",
      description = "Step between windows as a share of their length; 1 for no overlap; 0.1.")
  private double stride;

  @Option(
      names = "--window",
      paramLabel = "N",
      defaultValue = "0",
      description = "Values of a window; the root of the length when 0 or left out.")
  private int window;

  @Option(
      names = "--class-token",
      description = "Read the class token, not the mean of all tokens.")
  private boolean classToken;

  @Option(
      names = "--across-layers",
      description = {
        "Give every feature unit length over the layers, as the paper's code does where it reads all",
        "of them; left out, every layer's row has unit length."
      })
  private boolean acrossLayers;

  @Option(
      names = "--cache",
      paramLabel = "DIR",
      description = "Folder that keeps features, so that they are computed once.")
  private Path cache;

  @Option(
      names = "--lengths",
      paramLabel = "HOW",
      description = {
        "How series of several lengths get one: zeros or noise (0 to 0.001) at the end of shorter",
        "ones, or stretch. Left out: zeros, except for 1nn-ed and 1nn-dtw, which take any length."
      })
  private Lengths lengths;

  @Option(
      names = "--z-normalise",
      description = "Bring every series and channel to mean 0 and deviation 1 first.")
  private boolean normalise;

  private final List<SeriesEncoder> open = new ArrayList<>();

  /** The problem as the options want it prepared. */
  SeriesProblem prepared(SeriesProblem problem, long seed) {
    SeriesProblem used = problem;
    if (lengths != null) {
      used = SeriesPreparation.complete(problem, lengths, seed);
    }
    if (!normalise) {
      return used;
    }
    return new SeriesProblem(
        SeriesPreparation.zNormalised(SeriesPreparation.interpolated(used.train())),
        SeriesPreparation.zNormalised(SeriesPreparation.interpolated(used.test())));
  }

  /** The encoders; loaded anew at every call. */
  List<TiVitClassifier.Source> sources() {
    SeriesEncoder.Options options;
    try {
      options = new SeriesEncoder.Options(window, stride, GAMMA, classToken, false, acrossLayers);
    } catch (IllegalArgumentException e) {
      throw new InputException(e.getMessage(), e);
    }
    List<TiVitClassifier.Source> sources = new ArrayList<>();
    List<String> wanted =
        encoders.isEmpty()
            ? List.of(DataHome.find().folder().resolve(USUAL_ENCODER).toString())
            : encoders;
    for (String text : wanted) {
      int colon = text.lastIndexOf(':');
      boolean named = colon > 0 && text.substring(colon + 1).matches("[0-9]{1,4}");
      String folder = named ? text.substring(0, colon) : text;
      SeriesEncoder encoder = SeriesEncoder.load(Path.of(folder), options);
      open.add(encoder);
      int layer = named ? Integer.parseInt(text.substring(colon + 1)) : -1;
      if (layer > encoder.layers()) {
        throw InputException.of(
            "%s: layer must be in [0, %d], found %d", folder, encoder.layers(), layer);
      }
      sources.add(new TiVitClassifier.Source(encoder, layer));
    }
    return sources;
  }

  FeatureCache cache() {
    if (cache == null) {
      return FeatureCache.none();
    }
    if (Files.exists(cache) && !Files.isDirectory(cache)) {
      throw InputException.of("--cache: %s is a file; name a folder", cache);
    }
    return FeatureCache.in(cache);
  }

  /** The methods; {@code encoders} says whether the encoders are needed. */
  SeriesMethods methods(boolean encoders, double dtwWindow, boolean refit) {
    List<TiVitClassifier.Source> sources = encoders ? sources() : List.of();
    int side = sources.isEmpty() ? SeriesPictures.USUAL_SIDE : sources.get(0).encoder().side();
    try {
      return new SeriesMethods(
          sources, cache(), new SeriesPictures(side, window, stride, GAMMA), dtwWindow, refit);
    } catch (IllegalArgumentException e) {
      throw new InputException(e.getMessage(), e);
    }
  }

  @Override
  public void close() {
    open.forEach(SeriesEncoder::close);
  }
}
