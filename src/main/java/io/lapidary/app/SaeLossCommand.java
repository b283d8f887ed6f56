package io.lapidary.app;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.lapidary.InputException;
import io.lapidary.engine.ActivationEdit;
import io.lapidary.engine.ActivationEdits;
import io.lapidary.engine.Graph;
import io.lapidary.engine.Plan;
import io.lapidary.engine.Runtime;
import io.lapidary.io.Jsons;
import io.lapidary.metric.ReconstructionError;
import io.lapidary.model.CausalLm;
import io.lapidary.model.sae.SaeFolder;
import io.lapidary.model.sae.SaeIntervention;
import io.lapidary.model.sae.SparseAutoencoder;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code lapidary sae loss}: what a language model loses when it reads reconstructions. */
@Command(
    name = "loss",
    description = {
      "Measures a language model's next-token loss as it is, with an autoencoder's reconstructions",
      "in place of a block's output, and with zeros there; and the share recovered."
    },
    footer = {
      "",
      "Example:",
      "  lapidary sae loss sae --model models/gpt2 --data book.txt --layer 6"
    })
final class SaeLossCommand implements Callable<Integer> {
  @Parameters(index = "0", paramLabel = "DIR", description = "Folder of the autoencoder.")
  private Path folder;

  @Option(
      names = "--model",
      required = true,
      paramLabel = "DIR",
      description = "Folder of the language model.")
  private Path modelFolder;

  @Option(names = "--data", required = true, paramLabel = "FILE", description = "A text file.")
  private Path data;

  @Option(
      names = "--layer",
      required = true,
      paramLabel = "N",
      description = "Block whose output is replaced, from 0; negative from the end.")
  private String layer;

  @Option(
      names = "--context",
      paramLabel = "TOKENS",
      defaultValue = "128",
      description = "Tokens of a window of text; 128.")
  private int context;

  @Option(
      names = "--windows",
      paramLabel = "N",
      defaultValue = "64",
      description = "Windows to measure at most, from the beginning; 64.")
  private int most;

  @Option(names = "--json", description = "Print the numbers as JSON.")
  private boolean json;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    if (most < 1) {
      throw InputException.of("--windows must be at least 1, found %d", most);
    }
    SparseAutoencoder sae = SaeFolder.load(folder);
    Runtime.check();
    try (TextStates states = TextStates.open(modelFolder, data, layer, context)) {
      if (states.width() != sae.config().inputWidth()) {
        throw InputException.of(
            "%s: block %d puts out %d numbers, the autoencoder %s takes %d",
            modelFolder, states.block(), states.width(), folder, sae.config().inputWidth());
      }
      double original = loss(states, (g, x) -> x);
      double rebuilt = loss(states, new SaeIntervention(sae));
      double zero = loss(states, (g, x) -> g.ops().mul(x, 0));
      print(states, original, rebuilt, zero);
    }
    return 0;
  }

  /** Mean next-token cross-entropy over the windows. */
  private double loss(TextStates states, ActivationEdit edit) {
    CausalLm model = states.model();
    Graph g = new Graph(model.parameters(), false);
    SDVariable ids = g.placeholder("ids", DataType.INT, 1, states.tokens());
    SDVariable loss =
        ActivationEdits.of(model.block(states.block()), edit)
            .over(g, () -> model.loss(g, ids, null, null));
    int windows = Math.min(most, states.examples());
    double sum = 0;
    try (Plan plan = Plan.compile(g, loss)) {
      for (int i = 0; i < windows; i++) {
        plan.run(Map.of("ids", states.windows().batch(i, 1)));
        sum += plan.output(loss).getDouble(0);
      }
    }
    return sum / windows;
  }

  private void print(TextStates states, double original, double rebuilt, double zero) {
    double recovered = ReconstructionError.lossRecovered(zero, rebuilt, original);
    PrintWriter out = spec.commandLine().getOut();
    int windows = Math.min(most, states.examples());
    if (json) {
      ObjectNode node = Jsons.object();
      node.put("windows", windows).put("tokens", states.tokens());
      node.put("original", original).put("reconstructed", rebuilt).put("zero", zero);
      node.put("recovered", recovered);
      out.println(node);
      return;
    }
    out.printf(Locale.ROOT, "windows        %d of %d tokens%n", windows, states.tokens());
    out.printf(Locale.ROOT, "loss           %.4f%n", original);
    out.printf(Locale.ROOT, "reconstructed  %.4f%n", rebuilt);
    out.printf(Locale.ROOT, "zeros          %.4f%n", zero);
    out.printf(Locale.ROOT, "recovered      %.1f %%%n", 100 * recovered);
  }
}
