package io.lapidary.app;

import io.lapidary.AtomicFiles;
import io.lapidary.InputException;
import io.lapidary.Seeds;
import io.lapidary.data.ActivationSpec;
import io.lapidary.data.ActivationStore;
import io.lapidary.data.Hashes;
import io.lapidary.engine.Runtime;
import io.lapidary.io.ImageProcessor;
import io.lapidary.model.VisionConfig;
import io.lapidary.model.VisionEncoder;
import io.lapidary.model.VisionFamily;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code lapidary sae collect}: activations of a vision encoder over a set of pictures. */
@Command(
    name = "collect",
    description = {
      "Stores what a block of a vision encoder puts out over a set of pictures, in their order.",
      "Run again, an interrupted collection goes on."
    },
    footer = {
      "",
      "Examples:",
      "  lapidary sae collect checkpoints/emoji-clip --data emoji:google --layer -1 --out acts",
      "  lapidary sae collect models/dinov2 --data pictures --layer 8 --tokens random:2 --out acts"
    })
final class SaeCollectCommand implements Callable<Integer> {
  private static final int PICTURES_AT_ONCE = 64;
  private static final int ROWS_PER_FILE = 1 << 16;

  @Parameters(
      index = "0",
      paramLabel = "DIR",
      description = "Folder of type clip, clip_vision_model, siglip, vit or dinov2.")
  private Path folder;

  @Option(
      names = "--data",
      required = true,
      paramLabel = "DATA",
      description = "A folder of pictures, or emoji:google or emoji:twitter.")
  private String data;

  @Option(
      names = "--layer",
      required = true,
      paramLabel = "N",
      description = "Block whose output is taken, from 0; negative from the end, -1 the last.")
  private int layer;

  @Option(
      names = "--tokens",
      paramLabel = "TOKENS",
      defaultValue = "class",
      description = "class, mean, patches, all or random:K (drawn with replacement); class.")
  private String tokens;

  @Option(names = "--seed", defaultValue = "0", description = "Seed of the drawn tokens; 0.")
  private long seed;

  @Option(
      names = "--dtype",
      paramLabel = "TYPE",
      defaultValue = "f32",
      description = "Type of the stored numbers: f32 or f16; f32.")
  private String dtype;

  @Option(
      names = "--out",
      required = true,
      paramLabel = "FOLDER",
      description = "Folder of the activations: safetensors files and manifest.json.")
  private Path out;

  @Option(
      names = "--file-rows",
      paramLabel = "ROWS",
      defaultValue = "" + ROWS_PER_FILE,
      description = "Activations in a file, about; 65536.")
  private int fileRows;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    TokenChoice choice = TokenChoice.of(tokens);
    if (!List.of("F32", "F16").contains(dtype.toUpperCase(Locale.ROOT))) {
      throw InputException.of("--dtype must be f32 or f16, found %s", dtype);
    }
    if (fileRows < 1) {
      throw InputException.of("--file-rows must be at least 1, found %d", fileRows);
    }
    PictureSet pictures = PictureSet.of(data);
    Outputs.writable(out.toAbsolutePath());
    Runtime.check();
    try (VisionEncoder encoder = VisionEncoder.load(folder)) {
      ActivationStore store = collect(encoder, choice, pictures);
      spec.commandLine()
          .getOut()
          .printf(
              Locale.ROOT,
              "%d activations of %d numbers in %s, root mean squared length %.4f%n",
              store.rows(),
              store.width(),
              Outputs.shown(out),
              store.manifest().normalizer());
    }
    return 0;
  }

  private ActivationStore collect(VisionEncoder encoder, TokenChoice choice, PictureSet pictures) {
    VisionConfig config = encoder.config();
    int block = block(config.layers());
    boolean classToken = config.tokens() > config.patches();
    if (choice.kind() == TokenChoice.Kind.CLASS && !classToken) {
      throw InputException.of(
          "%s: has no class token; take --tokens mean, patches, all or random:K", folder);
    }
    ImageProcessor processor = processor(config);
    int rows = choice.rows(config.tokens(), classToken);
    ActivationSpec wanted =
        new ActivationSpec(
            folder.toAbsolutePath().normalize().getFileName().toString(),
            modelSha256(),
            "block " + block,
            choice.toString(),
            seed,
            pictures.name(),
            pictures.sha256(),
            pictures.size(),
            rows,
            config.hiddenSize(),
            dtype.toUpperCase(Locale.ROOT),
            Math.max(1, fileRows / rows));
    ActivationStore.Source source =
        (first, count) -> {
          INDArray all =
              Nd4j.createUninitialized(
                  encoder.parameters().type(), (long) count * rows, config.hiddenSize());
          for (int at = 0; at < count; at += PICTURES_AT_ONCE) {
            int here = Math.min(PICTURES_AT_ONCE, count - at);
            List<BufferedImage> images =
                IntStream.range(first + at, first + at + here)
                    .mapToObj(pictures.picture())
                    .toList();
            try (INDArray pixels = processor.process(images);
                INDArray states = encoder.hiddenState(pixels, block + 1);
                INDArray taken = choice.take(states, classToken, first + at, new Seeds(seed))) {
              all.get(
                      NDArrayIndex.interval((long) at * rows, (long) (at + here) * rows),
                      NDArrayIndex.all())
                  .assign(taken);
            }
          }
          return all;
        };
    return ActivationStore.collect(
        out,
        wanted,
        source,
        done -> spec.commandLine().getErr().printf("%d of %d pictures%n", done, pictures.size()));
  }

  private int block(int layers) {
    if (layer < -layers || layer >= layers) {
      throw InputException.of(
          "%s: --layer must be in [%d, %d] for %d blocks, found %d",
          folder, -layers, layers - 1, layers, layer);
    }
    return layer < 0 ? layers + layer : layer;
  }

  private ImageProcessor processor(VisionConfig config) {
    Path file = folder.resolve("preprocessor_config.json");
    int size = config.imageSize();
    ImageProcessor processor =
        Files.exists(file)
            ? ImageProcessor.read(file)
            : config.family() == VisionFamily.CLIP
                ? ImageProcessor.clip(size)
                : ImageProcessor.siglip(size);
    if (processor.size() != size) {
      throw InputException.of(
          "%s: makes pictures of %d pixels, the model takes %d", file, processor.size(), size);
    }
    return processor;
  }

  /** Of the configuration and the weights, by name. */
  private String modelSha256() {
    try (Stream<Path> files = Files.list(folder)) {
      String list =
          files
              .filter(file -> file.toString().matches(".*(\\.safetensors|config\\.json)"))
              .sorted()
              .map(file -> file.getFileName() + " " + Hashes.sha256(file) + "\n")
              .collect(Collectors.joining());
      return Hashes.sha256(list.getBytes(StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new InputException(
          String.format("%s: cannot be listed (%s)", folder, AtomicFiles.reason(e)), e);
    }
  }
}
