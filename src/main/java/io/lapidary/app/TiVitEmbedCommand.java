package io.lapidary.app;

import io.lapidary.InputException;
import io.lapidary.data.series.SeriesFiles;
import io.lapidary.data.series.SeriesPreparation;
import io.lapidary.data.series.SeriesProblem;
import io.lapidary.data.series.SeriesSet;
import io.lapidary.engine.Runtime;
import io.lapidary.io.Safetensors;
import io.lapidary.method.tivit.LayerFeatures;
import io.lapidary.method.tivit.TiVitClassifier;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code lapidary tivit embed DATA --out FILE}: features of series, layer by layer. */
@Command(
    name = "embed",
    description = {
      "Writes the features of time series as a safetensors file: a tensor layer.N [cases, width]",
      "for every layer of the encoder, and the labels [cases]."
    },
    footer = {"", "Example:", "  lapidary tivit embed Coffee_TRAIN.ts --out coffee.safetensors"})
final class TiVitEmbedCommand implements Callable<Integer> {
  @Parameters(index = "0", paramLabel = "DATA", description = "Time series.")
  private Path data;

  @Option(names = "--out", required = true, paramLabel = "FILE", description = "File to write.")
  private Path out;

  @Mixin private TiVitOptions options;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    SeriesSet read = SeriesFiles.read(data);
    SeriesProblem both = options.prepared(new SeriesProblem(read, read), 0);
    SeriesSet set = SeriesPreparation.complete(both).train();
    Outputs.writable(out.toAbsolutePath().getParent());
    Runtime.check();
    try (TiVitOptions opened = options) {
      List<TiVitClassifier.Source> sources = opened.sources();
      if (sources.size() != 1) {
        throw InputException.of("embed takes one --encoder, found %d", sources.size());
      }
      TiVitClassifier.Source source = sources.get(0);
      LayerFeatures features = opened.cache().features(source.encoder(), set);
      Map<String, INDArray> tensors = new LinkedHashMap<>();
      for (int layer = 0; layer <= features.layers(); layer++) {
        if (source.layer() < 0 || source.layer() == layer) {
          tensors.put("layer." + layer, Nd4j.createFromArray(features.layer(layer)));
        }
      }
      tensors.put("labels", Nd4j.createFromArray(set.labels()));
      Safetensors.write(out, tensors, Map.of("format", "pt"));
      spec.commandLine()
          .getOut()
          .printf(
              "%d cases, %d layers of %d numbers in %s%n",
              set.size(), tensors.size() - 1, features.layer(0)[0].length, Outputs.shown(out));
    }
    return 0;
  }
}
