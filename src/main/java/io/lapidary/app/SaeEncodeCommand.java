package io.lapidary.app;

import io.lapidary.InputException;
import io.lapidary.data.ActivationRows;
import io.lapidary.engine.Runtime;
import io.lapidary.io.Safetensors;
import io.lapidary.model.sae.SaeFolder;
import io.lapidary.model.sae.SparseAutoencoder;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
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
  private static final int VALUES_AT_ONCE = 1 << 24;

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
    Safetensors.writeRows(
        out,
        "codes",
        rows.rows(),
        sae.config().latentWidth(),
        codes(sae, rows).iterator(),
        Map.of("format", "pt"));
    spec.commandLine()
        .getOut()
        .printf(
            "codes of %d rows over %d latents in %s%n",
            rows.rows(), sae.config().latentWidth(), Outputs.shown(out));
    return 0;
  }

  /** The codes block after block. */
  private static Stream<INDArray> codes(SparseAutoencoder sae, ActivationRows rows) {
    int most = Math.max(1, VALUES_AT_ONCE / Math.max(rows.width(), sae.config().latentWidth()));
    return IntStream.range(0, rows.shardRows().size())
        .boxed()
        .flatMap(
            shard -> {
              int count = rows.shardRows().get(shard);
              return IntStream.iterate(0, from -> from < count, from -> from + most)
                  .mapToObj(from -> encode(sae, rows, shard, from, Math.min(most, count - from)));
            });
  }

  private static INDArray encode(
      SparseAutoencoder sae, ActivationRows rows, int shard, int from, int count) {
    double[] values = rows.read(shard, from, count);
    float[] floats = new float[values.length];
    for (int i = 0; i < floats.length; i++) {
      floats[i] = (float) values[i];
    }
    try (INDArray x = Nd4j.createFromArray(floats).reshape('c', count, rows.width())) {
      return sae.encode(x);
    }
  }
}
