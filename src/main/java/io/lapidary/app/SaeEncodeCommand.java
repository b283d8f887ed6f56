package io.lapidary.app;

import io.lapidary.InputException;
import io.lapidary.engine.Runtime;
import io.lapidary.io.Safetensors;
import io.lapidary.model.sae.SaeFolder;
import io.lapidary.model.sae.SparseAutoencoder;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Callable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code lapidary sae encode DIR}: codes of activations. */
@Command(
    name = "encode",
    description = "Writes the sparse codes of activations, by an autoencoder of sae train.")
final class SaeEncodeCommand implements Callable<Integer> {
  private static final int ROWS_AT_ONCE = 4096;

  @Parameters(index = "0", paramLabel = "DIR", description = "Folder of the autoencoder.")
  private Path folder;

  @Option(
      names = "--activations",
      required = true,
      paramLabel = "FILE",
      description = "Safetensors file with tensor activations [rows, width].")
  private Path activations;

  @Option(
      names = "--out",
      required = true,
      paramLabel = "FILE",
      description = "Safetensors file to write, with tensor codes [rows, latents].")
  private Path out;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    SparseAutoencoder sae = SaeFolder.load(folder);
    Outputs.writable(out.toAbsolutePath().getParent());
    Runtime.check();
    try (INDArray rows = ActivationFile.read(activations)) {
      if (rows.size(1) != sae.config().inputWidth()) {
        throw InputException.of(
            "%s: activations have width %d, the autoencoder %s takes %d",
            activations, rows.size(1), folder, sae.config().inputWidth());
      }
      long n = rows.size(0);
      try (INDArray codes = Nd4j.createUninitialized(n, sae.config().latentWidth())) {
        for (long from = 0; from < n; from += ROWS_AT_ONCE) {
          long to = Math.min(n, from + ROWS_AT_ONCE);
          try (INDArray part =
              sae.encode(rows.get(NDArrayIndex.interval(from, to), NDArrayIndex.all()))) {
            codes.get(NDArrayIndex.interval(from, to), NDArrayIndex.all()).assign(part);
          }
        }
        Safetensors.write(out, Map.of("codes", codes), Map.of("format", "pt"));
      }
      spec.commandLine()
          .getOut()
          .printf(
              "codes of %d rows over %d latents in %s%n",
              n, sae.config().latentWidth(), Outputs.shown(out));
    }
    return 0;
  }
}
