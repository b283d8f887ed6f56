package io.lapidary.app;

import com.fasterxml.jackson.databind.JsonNode;
import io.lapidary.InputException;
import io.lapidary.io.CheckpointFolder;
import io.lapidary.io.Dtype;
import io.lapidary.io.SafetensorsFile;
import io.lapidary.io.TensorInfo;
import io.lapidary.model.LmFamily;
import io.lapidary.model.VisionLanguageModel;
import io.lapidary.model.sae.SaeFolder;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/**
 * {@code lapidary checkpoint info PATH}: checks the headers of a stored model and sums up what it
 * holds. No tensor is read, so models larger than memory are fine.
 */
@Command(
    name = "info",
    description = {
      "Checks the headers of a stored model and sums up what it holds.",
      "Reads no tensor values, so any size is fine."
    },
    footer = {
      "",
      "Examples:",
      "  lapidary checkpoint info models/clip-vit-base-patch32",
      "  lapidary checkpoint info --tensors model.safetensors"
    })
final class CheckpointInfoCommand implements Callable<Integer> {
  @Parameters(
      paramLabel = "PATH",
      description = "A model folder (Hugging Face, OpenCLIP or PEFT), or one safetensors file.")
  private Path path;

  @Option(names = "--tensors", description = "List every tensor with type and shape.")
  private boolean tensors;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    if (!Files.exists(path)) {
      throw new InputException(
          path + ": no such file or folder; name a model folder or a .safetensors file");
    }
    Optional<Path> dictionary = SaeFolder.weights(path);
    if (dictionary.isPresent()) {
      line("folder", path.toString());
      line("loads as", "SparseAutoencoder");
      print(dictionary.get());
    } else if (Files.isDirectory(path)) {
      try (CheckpointFolder folder = CheckpointFolder.open(path)) {
        line("folder", folder.folder() + " (" + folder.layout() + ")");
        text(folder.config(), "model_type").ifPresent(type -> line("model type", type));
        line("loads as", loadsAs(folder));
        boolean tokenizer = Files.isRegularFile(folder.folder().resolve("tokenizer.json"));
        line("tokenizer", tokenizer ? "tokenizer.json" : "none");
        print(folder.names().stream().map(folder::info).toList());
      }
    } else {
      print(path);
    }
    return 0;
  }

  private void print(Path weights) {
    try (SafetensorsFile file = SafetensorsFile.open(weights)) {
      line("file", file.file().toString());
      file.metadata().forEach((key, value) -> line("metadata", key + " = " + value));
      print(file.names().stream().map(file::info).toList());
    }
  }

  /** The class that reads a folder, or why none does. */
  private static String loadsAs(CheckpointFolder folder) {
    if (folder.layout() == CheckpointFolder.Layout.OPEN_CLIP) {
      return "Clip";
    }
    String type = text(folder.config(), "model_type").orElse("");
    if (VisionLanguageModel.reads(folder)) {
      return "VisionLanguageModel";
    }
    if (LmFamily.of(type).isPresent()) {
      return "CausalLm";
    }
    return switch (type) {
      case "clip" -> "Clip; its image tower as VisionEncoder";
      case "siglip" -> "VisionEncoder, the image tower";
      case "clip_vision_model", "siglip_vision_model", "vit", "dinov2" -> "VisionEncoder";
      case "bert", "mpnet" -> "TextEncoder; with a tokenizer SentenceEncoder";
      case "resnet" -> "ResNet";
      default ->
          text(folder.config(), "peft_type").isPresent()
              ? "LoraAdapter, over its base model"
              : "nothing: this model type is not supported";
    };
  }

  private void print(List<TensorInfo> infos) {
    Map<Dtype, Long> byType = new EnumMap<>(Dtype.class);
    infos.forEach(info -> byType.merge(info.dtype(), info.elements(), Long::sum));
    long bytes = infos.stream().mapToLong(info -> info.end() - info.begin()).sum();
    line("tensors", Integer.toString(infos.size()));
    line("values", grouped(infos.stream().mapToLong(TensorInfo::elements).sum()));
    line("bytes", grouped(bytes));
    line(
        "types",
        byType.entrySet().stream()
            .map(entry -> entry.getKey() + " " + grouped(entry.getValue()))
            .collect(Collectors.joining(", ")));
    if (tensors) {
      infos.forEach(info -> line(info.dtype() + " " + Arrays.toString(info.shape()), info.name()));
    }
  }

  private static Optional<String> text(JsonNode config, String key) {
    return config.path(key).isTextual()
        ? Optional.of(config.path(key).textValue())
        : Optional.empty();
  }

  private static String grouped(long number) {
    return String.format(Locale.ROOT, "%,d", number);
  }

  private void line(String name, String value) {
    PrintWriter out = spec.commandLine().getOut();
    // Names come from the file: control characters in them must not reach the terminal.
    out.printf("%-14s %s%n", name, value.replaceAll("\\p{Cntrl}", "?"));
  }
}
