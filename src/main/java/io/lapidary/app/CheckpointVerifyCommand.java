package io.lapidary.app;

import com.fasterxml.jackson.databind.JsonNode;
import io.lapidary.InputException;
import io.lapidary.engine.Runtime;
import io.lapidary.io.CheckpointFolder;
import io.lapidary.io.Jsons;
import io.lapidary.io.SafetensorsFile;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code lapidary checkpoint verify DIR}: runs a model against recorded outputs. */
@Command(
    name = "verify",
    description = {
      "Runs a model on the inputs of golden.safetensors and compares the outputs.",
      "The tolerance is that of golden.json. Exits with 1 when a difference is above it."
    },
    footer = {
      "",
      "Examples:",
      "  lapidary checkpoint verify src/test/resources/golden/clip",
      "  lapidary checkpoint verify my-adapter --base my-model"
    })
final class CheckpointVerifyCommand implements Callable<Integer> {
  private static final String GOLDEN = "golden.safetensors";

  @Parameters(
      paramLabel = "DIR",
      description = "A model folder that also holds golden.safetensors and golden.json.")
  private Path folder;

  @Option(
      names = "--base",
      paramLabel = "DIR",
      description = "The model that DIR is a LoRA adapter of.")
  private Path base;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    GoldenFamily family = family();
    double tolerance = tolerance();
    if (!Files.isRegularFile(folder.resolve(GOLDEN))) {
      throw InputException.of(
          "%s: no such file; put the inputs and the expected outputs there",
          folder.resolve(GOLDEN));
    }
    Runtime.check();
    Map<String, INDArray> golden = new TreeMap<>();
    try (SafetensorsFile file = SafetensorsFile.open(folder.resolve(GOLDEN))) {
      file.names().forEach(name -> golden.put(name, file.read(name)));
    }
    if (family.inputs().stream().noneMatch(golden::containsKey)) {
      throw InputException.of(
          "%s: holds none of the inputs %s", folder.resolve(GOLDEN), sorted(family));
    }
    Map<String, INDArray> outputs;
    try {
      outputs = family.outputs(folder, golden);
    } catch (IndexOutOfBoundsException | IllegalArgumentException e) { // of another model
      throw new InputException(folder.resolve(GOLDEN) + ": " + e.getMessage(), e);
    }
    return compare(family, golden, outputs, tolerance);
  }

  private int compare(
      GoldenFamily family,
      Map<String, INDArray> golden,
      Map<String, INDArray> outputs,
      double tolerance) {
    PrintWriter out = spec.commandLine().getOut();
    int compared = 0;
    int above = 0;
    for (Map.Entry<String, INDArray> expected : golden.entrySet()) {
      String name = expected.getKey();
      if (family.inputs().contains(name)) {
        continue;
      }
      INDArray found = outputs.get(name);
      String words;
      boolean good = true;
      if (found == null) {
        words = "not compared: this family gives no such output";
      } else if (!Arrays.equals(found.shape(), expected.getValue().shape())) {
        good = false;
        words =
            "shape "
                + Arrays.toString(found.shape())
                + ", expected "
                + Arrays.toString(expected.getValue().shape());
      } else {
        double difference = difference(found, expected.getValue());
        good = difference <= tolerance; // false for NaN
        words = String.format(Locale.ROOT, "%.3g", difference) + (good ? "" : "  above tolerance");
      }
      compared += found == null ? 0 : 1;
      above += good ? 0 : 1;
      out.printf("%-32s %s%n", name.replaceAll("\\p{Cntrl}", "?"), words);
    }
    if (compared == 0) {
      throw InputException.of(
          "%s: holds no output that can be compared; this family gives %s",
          folder.resolve(GOLDEN), outputs.keySet());
    }
    out.printf(Locale.ROOT, "%d of %d tensors within %s%n", compared - above, compared, tolerance);
    return above == 0 ? 0 : Failures.FAILED;
  }

  private static double difference(INDArray found, INDArray expected) {
    if (expected.isEmpty()) {
      return 0;
    }
    try (INDArray a = found.castTo(DataType.DOUBLE);
        INDArray b = expected.castTo(DataType.DOUBLE);
        INDArray d = a.sub(b)) {
      double largest = 0;
      for (double value : d.dup('c').data().asDouble()) { // amax would hide NaN
        if (Double.isNaN(value)) {
          return Double.NaN;
        }
        largest = Math.max(largest, Math.abs(value));
      }
      return largest;
    }
  }

  private GoldenFamily family() {
    try (CheckpointFolder open = CheckpointFolder.open(folder)) {
      boolean adapter = open.layout() == CheckpointFolder.Layout.PEFT_ADAPTER;
      if (adapter != (base != null)) {
        throw InputException.of(
            adapter
                ? "%s: an adapter is verified over its model; name it with --base DIR"
                : "%s: this is no adapter, so --base does not apply",
            folder);
      }
      if (adapter) {
        return PicturePrompts.isFor(base) ? new VisionLanguageGolden(base) : new LmGolden(base);
      }
      JsonNode type = open.config().path("model_type");
      String name =
          open.layout() != CheckpointFolder.Layout.TRANSFORMERS
              ? open.layout().toString().toLowerCase(Locale.ROOT)
              : type.isTextual() ? type.textValue() : "none";
      GoldenFamily family = GoldenFamily.ALL.get(name);
      if (family == null) {
        throw InputException.of(
            "%s: models of type %s cannot be verified yet; supported: %s%s",
            folder,
            name,
            String.join(", ", GoldenFamily.ALL.keySet().stream().sorted().toList()),
            open.config().hasNonNull("auto_map")
                ? "; the code that the folder names (auto_map) is never run"
                : "");
      }
      return family;
    }
  }

  private double tolerance() {
    Path file = folder.resolve("golden.json");
    if (!Files.isRegularFile(file)) {
      throw InputException.of("%s: no such file; write for example {\"tolerance\": 0.0001}", file);
    }
    JsonNode tolerance = Jsons.readObject(file).path("tolerance");
    if (!tolerance.isNumber() || !(tolerance.asDouble() >= 0)) {
      throw InputException.of(
          "%s: tolerance must be a number of at least 0, found %s", file, tolerance);
    }
    return tolerance.asDouble();
  }

  private static String sorted(GoldenFamily family) {
    return String.join(", ", family.inputs().stream().sorted().toList());
  }
}
