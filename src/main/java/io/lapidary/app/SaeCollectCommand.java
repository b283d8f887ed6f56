package io.lapidary.app;

import io.lapidary.InputException;
import io.lapidary.Seeds;
import io.lapidary.data.ActivationSpec;
import io.lapidary.data.ActivationStore;
import io.lapidary.data.Hashes;
import io.lapidary.engine.Runtime;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code lapidary sae collect}: activations of a model over pictures or text. */
@Command(
    name = "collect",
    description = {
      "Stores what a block of a model puts out over pictures or text, in their order.",
      "Run again, an interrupted collection goes on."
    },
    footer = {
      "",
      "Examples:",
      "  lapidary sae collect checkpoints/emoji-clip --data emoji:google --layer -1 --out acts",
      "  lapidary sae collect models/gpt2 --data book.txt --layer 6 --out acts",
      "  lapidary sae collect models/dinov2 --data pictures --layer 8 --tokens random:2 --out acts"
    })
final class SaeCollectCommand implements Callable<Integer> {
  private static final int PICTURES_AT_ONCE = 64;
  private static final int TOKENS_AT_ONCE = 1 << 13;
  private static final int ROWS_PER_FILE = 1 << 16;

  @Parameters(
      index = "0",
      paramLabel = "DIR",
      description = {
        "Folder of an image encoder (clip, clip_vision_model, siglip, vit, dinov2), of a LLaVA,",
        "whose image tower is read, or of a language model."
      })
  private Path folder;

  @Option(
      names = "--data",
      required = true,
      paramLabel = "DATA",
      description =
          "A folder of pictures, or emoji:google or emoji:twitter; a text file for language models.")
  private String data;

  @Option(
      names = "--layer",
      required = true,
      paramLabel = "N",
      description = {
        "Block whose output is taken, from 0; negative from the end, -1 the last. For CLIP also",
        "projection: the projected image embeddings."
      })
  private String layer;

  @Option(
      names = "--tokens",
      paramLabel = "TOKENS",
      description = {
        "class, mean, patches, all or random:K (drawn with replacement); by default class of an",
        "image encoder, all of a language model."
      })
  private String tokens;

  @Option(
      names = "--context",
      paramLabel = "TOKENS",
      defaultValue = "128",
      description = "Tokens of a window of text; 128.")
  private int context;

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
    if (tokens != null) {
      TokenChoice.of(tokens); // a wrong one is told before anything is loaded
    }
    if (!List.of("F32", "F16").contains(dtype.toUpperCase(Locale.ROOT))) {
      throw InputException.of("--dtype must be f32 or f16, found %s", dtype);
    }
    if (fileRows < 1) {
      throw InputException.of("--file-rows must be at least 1, found %d", fileRows);
    }
    Outputs.writable(out.toAbsolutePath());
    Runtime.check();
    try (TokenStates states = TokenStates.open(folder, data, layer, context)) {
      ActivationStore store = collect(states, choice(states));
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

  private ActivationStore collect(TokenStates states, TokenChoice choice) {
    int rows = choice.rows(states.tokens(), states.classToken());
    int width = states.width();
    ActivationSpec wanted =
        new ActivationSpec(
            folder.toAbsolutePath().normalize().getFileName().toString(),
            Hashes.model(folder),
            states.layer(),
            choice.toString(),
            seed,
            states.data(),
            states.dataSha256(),
            states.examples(),
            rows,
            width,
            dtype.toUpperCase(Locale.ROOT),
            Math.max(1, fileRows / rows));
    int atOnce = Math.max(1, Math.min(PICTURES_AT_ONCE, TOKENS_AT_ONCE / states.tokens()));
    ActivationStore.Source source =
        (first, count) -> {
          INDArray all = Nd4j.createUninitialized(DataType.FLOAT, (long) count * rows, width);
          for (int at = 0; at < count; at += atOnce) {
            int here = Math.min(atOnce, count - at);
            try (INDArray some = states.of(first + at, here);
                INDArray taken =
                    choice.take(some, states.classToken(), first + at, new Seeds(seed))) {
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
        done ->
            spec.commandLine()
                .getErr()
                .printf("%d of %d %s%n", done, states.examples(), states.unit()));
  }

  /** What is taken of every example. */
  private TokenChoice choice(TokenStates states) {
    TokenChoice choice = tokens == null ? states.usual() : TokenChoice.of(tokens);
    if (choice.kind() == TokenChoice.Kind.CLASS && !states.classToken()) {
      throw InputException.of(
          "%s: has no class token; take --tokens mean, patches, all or random:K", folder);
    }
    return choice;
  }
}
