package io.lapidary.app;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.lapidary.AtomicFiles;
import io.lapidary.InputException;
import io.lapidary.engine.Runtime;
import io.lapidary.io.CheckpointFolder;
import io.lapidary.io.Dtype;
import io.lapidary.io.Jsons;
import io.lapidary.io.Safetensors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code lapidary checkpoint convert DIR OUT --dtype TYPE}: stores a model in another type. */
@Command(
    name = "convert",
    description = {
      "Writes a copy of a model folder whose floating weights have another type.",
      "Integers stay; tokenizer and other small files are copied. Needs memory for all weights."
    },
    footer = {
      "",
      "Examples:",
      "  lapidary checkpoint convert models/clip models/clip-half --dtype f16"
    })
final class CheckpointConvertCommand implements Callable<Integer> {
  private static final double LARGEST_HALF = 65504;
  private static final long SHARD = 5_000_000_000L;
  private static final Set<String> COPIED = Set.of("json", "txt", "model", "md", "jinja");

  /** Types to convert to. */
  enum Target {
    F16(Dtype.F16, "float16"),
    BF16(Dtype.BF16, "bfloat16"),
    F32(Dtype.F32, "float32");

    private final Dtype dtype;
    private final String torch;

    Target(Dtype dtype, String torch) {
      this.dtype = dtype;
      this.torch = torch;
    }
  }

  @Parameters(index = "0", paramLabel = "DIR", description = "A model folder.")
  private Path from;

  @Parameters(
      index = "1",
      paramLabel = "OUT",
      description = "The folder to write: a new or an empty one.")
  private Path to;

  @Option(
      names = "--dtype",
      required = true,
      paramLabel = "TYPE",
      description = "f16, bf16 or f32.")
  private Target target;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    try (CheckpointFolder folder = CheckpointFolder.open(from)) {
      requireEmpty();
      Outputs.writable(to);
      Runtime.check();
      Map<String, INDArray> tensors = new LinkedHashMap<>();
      try {
        for (String name : folder.names()) {
          tensors.put(name, read(folder, name));
        }
        write(folder, tensors);
      } finally {
        tensors.values().forEach(INDArray::close);
      }
      copyOthers(folder);
      spec.commandLine()
          .getOut()
          .printf("%d tensors as %s in %s%n", tensors.size(), target.dtype, Outputs.shown(to));
    }
    return 0;
  }

  private INDArray read(CheckpointFolder folder, String name) {
    Dtype stored = folder.info(name).dtype();
    DataType as = stored.floating() ? DataType.FLOAT : stored.dataType();
    if (as == null) {
      throw InputException.of(
          "%s: tensor %s has type %s, which cannot be read", from, name, stored);
    }
    INDArray array = folder.read(name, as);
    if (target == Target.F16 && stored.floating() && !array.isEmpty()) {
      double largest = array.amaxNumber().doubleValue();
      if (Double.isFinite(largest) && largest > LARGEST_HALF) {
        array.close();
        throw InputException.of(
            "%s: tensor %s holds %s, but f16 ends at %.0f; convert to bf16",
            from, name, largest, LARGEST_HALF);
      }
    }
    return array;
  }

  private void write(CheckpointFolder folder, Map<String, INDArray> tensors) {
    ObjectNode config = folder.config();
    for (String key : List.of("torch_dtype", "dtype")) {
      if (config.hasNonNull(key)) {
        config.put(key, target.torch);
      }
    }
    CheckpointFolder.Layout layout = folder.layout();
    if (layout == CheckpointFolder.Layout.TRANSFORMERS) {
      CheckpointFolder.save(to, config, tensors, target.dtype, SHARD);
    } else {
      Safetensors.write(
          to.resolve(layout.weightsFile()), tensors, Map.of("format", "pt"), target.dtype);
      Jsons.write(to.resolve(layout.configFile()), config);
    }
  }

  /** Files beside weights and configuration; golden outputs are those of the old weights. */
  private void copyOthers(CheckpointFolder folder) {
    try (Stream<Path> files = Files.list(from)) {
      for (Path file : files.filter(Files::isRegularFile).sorted().toList()) {
        String name = file.getFileName().toString();
        String extension = name.substring(name.lastIndexOf('.') + 1);
        if (COPIED.contains(extension)
            && !name.equals(folder.layout().configFile())
            && !name.equals(folder.layout().indexFile())
            && !name.startsWith("golden.")) {
          AtomicFiles.write(to.resolve(name), temporary -> Files.copy(file, temporary));
        }
      }
    } catch (IOException e) {
      throw new InputException(
          String.format("%s: cannot be listed (%s)", from, AtomicFiles.reason(e)), e);
    }
  }

  private void requireEmpty() {
    if (!Files.exists(to)) {
      return;
    }
    if (!Files.isDirectory(to)) {
      throw new InputException(to + ": a file stands there; name a new or an empty folder");
    }
    try (Stream<Path> files = Files.list(to)) {
      if (files.findAny().isPresent()) {
        throw new InputException(to + ": holds files; name a new or an empty folder");
      }
    } catch (IOException e) {
      throw new InputException(
          String.format("%s: cannot be listed (%s)", to, AtomicFiles.reason(e)), e);
    }
  }
}
