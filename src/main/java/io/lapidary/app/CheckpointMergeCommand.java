package io.lapidary.app;

import io.lapidary.InputException;
import io.lapidary.engine.Runtime;
import io.lapidary.io.CheckpointFolder;
import io.lapidary.model.LoraMerge;
import io.lapidary.model.PeftFile;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code lapidary checkpoint merge DIR OUT --adapter ADAPTER}: adds LoRA adapters to a model. */
@Command(
    name = "merge",
    description = {
      "Writes a copy of a model folder with LoRA adapters added to its weights.",
      "Types and other files stay; several adapters add up. Takes the memory of one tensor."
    },
    footer = {
      "",
      "Examples:",
      "  lapidary checkpoint merge models/llama models/llama-tuned --adapter my-adapter",
      "  lapidary checkpoint merge models/llama models/both --adapter one=0.7 --adapter two=0.3"
    })
final class CheckpointMergeCommand implements Callable<Integer> {
  private static final long SHARD = 5_000_000_000L;

  @Parameters(index = "0", paramLabel = "DIR", description = "A model folder.")
  private Path from;

  @Parameters(
      index = "1",
      paramLabel = "OUT",
      description = "The folder to write: a new or an empty one.")
  private Path to;

  @Option(
      names = "--adapter",
      required = true,
      paramLabel = "ADAPTER[=WEIGHT]",
      description = "A PEFT folder and the factor of its part (default 1); may be repeated.")
  private List<String> adapters;

  @Option(
      names = "--shard-size",
      paramLabel = "SIZE",
      converter = ByteSize.class,
      description = "Largest weights file, such as 500MB or 2GiB (default 5GB).")
  private long shardSize = SHARD;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    List<PeftFile> open = new ArrayList<>();
    try (CheckpointFolder base = CheckpointFolder.open(from)) {
      if (base.layout() != CheckpointFolder.Layout.TRANSFORMERS) {
        throw InputException.of(
            "%s: adapters are merged into folders with config.json, this is one of %s",
            from, base.layout());
      }
      LoraMerge merge = new LoraMerge(base);
      for (String adapter : adapters) {
        Weighted weighted = parse(adapter);
        PeftFile file = PeftFile.open(weighted.path);
        open.add(file);
        merge.add(file, weighted.weight);
      }
      Runtime.check();
      CheckpointCopy.write(
          to,
          draft -> {
            CheckpointCopy.smallFiles(base, draft);
            CheckpointFolder.saveSources(
                draft, base.layout(), base.config(), merge.tensors(), shardSize);
          });
      spec.commandLine()
          .getOut()
          .printf(
              "%d of %d tensors changed in %s%n",
              merge.changed(), base.names().size(), Outputs.shown(to));
    } finally {
      open.forEach(PeftFile::close);
    }
    return 0;
  }

  private record Weighted(Path path, double weight) {}

  private Weighted parse(String adapter) {
    int equals = adapter.lastIndexOf('=');
    if (equals < 0) {
      return new Weighted(Path.of(adapter), 1);
    }
    try {
      double weight = Double.parseDouble(adapter.substring(equals + 1));
      if (Double.isFinite(weight) && equals > 0) {
        return new Weighted(Path.of(adapter.substring(0, equals)), weight);
      }
    } catch (NumberFormatException e) {
      // reported below with the other values that are no weight
    }
    throw new ParameterException(
        spec.commandLine(), "--adapter: expected ADAPTER or ADAPTER=WEIGHT, found " + adapter);
  }
}
