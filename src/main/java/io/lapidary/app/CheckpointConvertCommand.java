package io.lapidary.app;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.lapidary.InputException;
import io.lapidary.engine.Runtime;
import io.lapidary.io.CheckpointFolder;
import io.lapidary.io.Dtype;
import io.lapidary.io.TensorSource;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code lapidary checkpoint convert DIR OUT}: stores a model in another type or other files. */
@Command(
    name = "convert",
    description = {
      "Writes a copy of a model folder with floating weights of another type, or in other files.",
      "Integers stay; tokenizer and other small files are copied. Takes the memory of one tensor."
    },
    footer = {
      "",
      "Examples:",
      "  lapidary checkpoint convert models/clip models/clip-half --dtype f16",
      "  lapidary checkpoint convert models/llama models/llama-bf16 --dtype bf16 --shard-size 500MB"
    })
final class CheckpointConvertCommand implements Callable<Integer> {
  private static final double LARGEST_HALF = 65504;
  private static final long SHARD = 5_000_000_000L;

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
      paramLabel = "TYPE",
      description = "f16, bf16 or f32; without it every tensor keeps its own.")
  private Target target;

  @Option(
      names = "--shard-size",
      paramLabel = "SIZE",
      converter = ByteSize.class,
      description = "Largest weights file, such as 500MB or 2GiB (default 5GB).")
  private Long shardSize;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    if (target == null && shardSize == null) {
      throw new ParameterException(
          spec.commandLine(), "name what to change: --dtype TYPE, --shard-size SIZE or both");
    }
    try (CheckpointFolder folder = CheckpointFolder.open(from)) {
      boolean transformers = folder.layout() == CheckpointFolder.Layout.TRANSFORMERS;
      if (!transformers && shardSize != null) {
        throw InputException.of(
            "%s: a folder in the layout %s has one weights file; leave --shard-size out",
            from, folder.layout());
      }
      long largest = !transformers ? Long.MAX_VALUE : shardSize == null ? SHARD : shardSize;
      Runtime.check();
      Map<String, TensorSource> tensors = new LinkedHashMap<>();
      folder.names().forEach(name -> tensors.put(name, source(folder, name)));
      CheckpointCopy.write(
          to,
          draft -> {
            CheckpointCopy.smallFiles(folder, draft);
            CheckpointFolder.saveSources(draft, folder.layout(), config(folder), tensors, largest);
          });
      spec.commandLine()
          .getOut()
          .printf(
              "%d tensors%s in %s%n",
              tensors.size(), target == null ? "" : " as " + target.dtype, Outputs.shown(to));
    }
    return 0;
  }

  private TensorSource source(CheckpointFolder folder, String name) {
    Dtype stored = folder.info(name).dtype();
    boolean convert = target != null && stored.floating();
    DataType as = convert ? DataType.FLOAT : stored.dataType();
    if (as == null) {
      throw InputException.of(
          "%s: tensor %s has type %s, which cannot be read", from, name, stored);
    }
    return new TensorSource(
        convert ? target.dtype : stored,
        folder.info(name).shape(),
        () -> read(folder, name, as),
        true);
  }

  private INDArray read(CheckpointFolder folder, String name, DataType as) {
    INDArray array = folder.read(name, as);
    if (target == Target.F16 && as.isFPType() && !array.isEmpty()) {
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

  private ObjectNode config(CheckpointFolder folder) {
    ObjectNode config = folder.config();
    for (String key : List.of("torch_dtype", "dtype")) {
      if (target != null && config.hasNonNull(key)) {
        config.put(key, target.torch);
      }
    }
    return config;
  }
}
