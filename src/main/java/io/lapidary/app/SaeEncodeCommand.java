package io.lapidary.app;

import io.lapidary.InputException;
import io.lapidary.data.ActivationRows;
import io.lapidary.engine.Runtime;
import io.lapidary.io.Safetensors;
import io.lapidary.method.sae.SaeQuality;
import io.lapidary.model.sae.SaeFolder;
import io.lapidary.model.sae.SparseAutoencoder;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Callable;
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
  @Parameters(index = "0", paramLabel = "DIR", description = "Folder of the autoencoder.")
  private Path folder;

  @Option(
      names = "--activations",
      required = true,
      paramLabel = "PATH",
      description =
          "A folder of sae collect, or a safetensors file with tensor activations [rows, width].")
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
    ActivationRows rows = ActivationRows.open(activations);
    if (rows.width() != sae.config().inputWidth()) {
      throw InputException.of(
          "%s: activations have width %d, the autoencoder %s takes %d",
          activations, rows.width(), folder, sae.config().inputWidth());
    }
    SaeQuality quality = new SaeQuality(sae);
    Safetensors.writeRows(
        out,
        "codes",
        rows.rows(),
        sae.config().latentWidth(),
        quality.codes(rows, rows.rows()).iterator(),
        Map.of("format", "pt"));
    PrintWriter output = spec.commandLine().getOut();
    output.printf(
        "codes of %d rows over %d latents in %s%n",
        rows.rows(), sae.config().latentWidth(), Outputs.shown(out));
    output.println(Outputs.listed(quality.values()));
    return 0;
  }
}
