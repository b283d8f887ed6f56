package io.lapidary.app;

import io.lapidary.InputException;
import io.lapidary.io.Jsons;
import io.lapidary.io.Safetensors;
import io.lapidary.io.SafetensorsFile;
import io.lapidary.io.TensorRows;
import io.lapidary.metric.TopActivations;
import io.lapidary.metric.Uniqueness;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code lapidary sae top}: the images that excite each latent most. */
@Command(
    name = "top",
    description = {
      "The images that excite every latent most, ascending by activation; of equal activations",
      "the later images."
    },
    footer = {"", "Example:", "  lapidary sae top --codes codes.safetensors --out top.safetensors"})
final class SaeTopCommand implements Callable<Integer> {
  @Option(
      names = "--codes",
      required = true,
      paramLabel = "FILE",
      description = "Safetensors file with tensor codes [images, latents].")
  private Path codes;

  @Option(
      names = "--k",
      paramLabel = "K",
      defaultValue = "16",
      description = "Images per latent; 16 unless given.")
  private int k;

  @Option(
      names = "--out",
      paramLabel = "FILE",
      description = "Write indices and activations [latents, K] to this safetensors file.")
  private Path out;

  @Option(
      names = "--json",
      description = "Print an array with latent, indices and activations of every latent.")
  private boolean json;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    if (k < 1) {
      throw new ParameterException(spec.commandLine(), "--k must be at least 1, got " + k);
    }
    if (out == null && !json) {
      throw new ParameterException(
          spec.commandLine(), "say where to put the table: --out or --json");
    }
    if (out != null) {
      Outputs.writable(out.toAbsolutePath().getParent());
    }
    TopActivations top = read();
    if (out != null) {
      write(top);
    }
    if (json) {
      printJson(top);
    } else {
      sumUp(top);
    }
    return 0;
  }

  private TopActivations read() {
    try (SafetensorsFile file = SafetensorsFile.open(codes)) {
      TensorRows code = TensorRows.of(file, "codes");
      if (code.rows() < k) {
        throw InputException.of(
            "%s has %d rows, too few for %d images per latent; give a smaller --k",
            code.source(), code.rows(), k);
      }
      TopActivations top = new TopActivations(code.columns(), k);
      for (int from = 0; from < code.rows(); from += code.rowsPerBlock()) {
        int count = Math.min(code.rowsPerBlock(), code.rows() - from);
        top.update(code.read(from, count), count);
      }
      return top;
    }
  }

  private void write(TopActivations top) {
    try (INDArray indices = Nd4j.createUninitialized(DataType.INT, top.latents(), k);
        INDArray activations = Nd4j.createUninitialized(DataType.FLOAT, top.latents(), k)) {
      for (int latent = 0; latent < top.latents(); latent++) {
        int[] rows = top.indices(latent);
        double[] values = top.values(latent);
        for (int i = 0; i < k; i++) {
          indices.putScalar(latent, i, rows[i]);
          activations.putScalar(latent, i, values[i]);
        }
      }
      Safetensors.write(
          out,
          Map.of("indices", indices, "activations", activations),
          Map.of("format", "pt", "order", "ascending"));
    }
  }

  private void printJson(TopActivations top) {
    PrintWriter to = spec.commandLine().getOut();
    for (int latent = 0; latent < top.latents(); latent++) {
      to.print(latent == 0 ? "[" : ",\n ");
      to.print(
          Jsons.object()
              .put("latent", latent)
              .<com.fasterxml.jackson.databind.node.ObjectNode>set(
                  "indices", Jsons.toTree(top.indices(latent)))
              .set("activations", Jsons.toTree(top.values(latent))));
    }
    to.println("]");
  }

  private void sumUp(TopActivations top) {
    PrintWriter to = spec.commandLine().getOut();
    int[] described = top.described();
    to.printf(
        "%d images of each of %d latents in %s; %d latents reach activation 0 among them%n",
        k, top.latents(), Outputs.shown(out), top.latents() - described.length);
    if (described.length > 1) {
      Uniqueness uniqueness = Uniqueness.of(top, described);
      to.printf(
          Locale.ROOT,
          "of %d pairs of the others %.2f%% share images, %.2f%% have a Jaccard index above 0.5%n",
          uniqueness.pairs(),
          100 * uniqueness.shareAbove(0),
          100 * uniqueness.shareAbove(0.5));
    }
  }
}
