package io.lapidary.app;

import io.lapidary.InputException;
import io.lapidary.engine.ActivationEdits;
import io.lapidary.engine.Runtime;
import io.lapidary.io.CheckpointFolder;
import io.lapidary.io.Jsons;
import io.lapidary.io.Tokenizer;
import io.lapidary.model.GenerateOptions;
import io.lapidary.model.sae.SaeFolder;
import io.lapidary.model.sae.SaeIntervention;
import io.lapidary.model.sae.SparseAutoencoder;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code lapidary sae steer DIR}: what a vision-language model says when latents are changed. */
@Command(
    name = "steer",
    description = {
      "Asks a vision-language model about pictures: as it is, with the autoencoder's plain",
      "reconstruction in its image tower, and with latents changed there."
    },
    footer = {
      "",
      "Examples:",
      "  lapidary sae steer checkpoints/emoji-vlm --sae sae --replace 12=9 --image apple.png"
          + " --prompt Thing?",
      "  lapidary sae steer models/llava --sae sae --block 22 --ablate 7 --image cat.png"
          + " --prompt Colour?"
    })
final class SaeSteerCommand implements Callable<Integer> {
  @Parameters(index = "0", paramLabel = "DIR", description = "Folder of type llava.")
  private Path folder;

  @Option(
      names = "--sae",
      required = true,
      paramLabel = "DIR",
      description = "Folder of an autoencoder of the tower's tokens.")
  private Path autoencoder;

  @Option(
      names = "--block",
      paramLabel = "N",
      description =
          "Block of the image tower whose output is changed, from 0; the last one that the"
              + " projector reads when left out.")
  private Integer block;

  @Option(
      names = "--image",
      required = true,
      paramLabel = "FILE",
      description = "A picture; give several for several questions.")
  private List<Path> images;

  @Option(
      names = "--prompt",
      required = true,
      paramLabel = "TEXT",
      description = "The question about every picture.")
  private String prompt;

  @Option(
      names = "--replace",
      paramLabel = "LATENT=VALUE",
      description = "Set a latent to a value, whatever the picture.")
  private Map<Integer, Double> replaced = new LinkedHashMap<>();

  @Option(
      names = "--add",
      paramLabel = "LATENT=VALUE",
      description = "Raise a latent, or lower it by a negative value.")
  private Map<Integer, Double> added = new LinkedHashMap<>();

  @Option(names = "--scale", paramLabel = "LATENT=FACTOR", description = "Multiply a latent.")
  private Map<Integer, Double> scaled = new LinkedHashMap<>();

  @Option(names = "--ablate", paramLabel = "LATENT", description = "Switch a latent off.")
  private List<Integer> ablated = new ArrayList<>();

  @Option(
      names = "--ablate-all",
      description = "Switch all latents off, before the other changes are made.")
  private boolean ablateAll;

  @Option(
      names = "--keep-error",
      description = "Add what the autoencoder misses back, so that only the change counts.")
  private boolean keepError;

  @Option(
      names = "--tokens",
      paramLabel = "TOKENS",
      defaultValue = "all",
      description = "Tokens that are changed: all, first (the class token) or rest.")
  private String tokens;

  @Option(
      names = "--vision-tower",
      paramLabel = "DIR",
      description = "The image tower of a folder that only names it.")
  private Path tower;

  @Option(names = "--max-tokens", paramLabel = "N", description = "Most new tokens (default 16).")
  private int maxTokens = 16;

  @Option(names = "--json", description = "Print an array with the three answers per picture.")
  private boolean json;

  @Spec private CommandSpec spec;

  private record Answers(String image, String unsteered, String reconstruction, String steered) {}

  @Override
  public Integer call() {
    if (!PicturePrompts.isFor(folder)) {
      throw InputException.of("%s: not a vision-language model of type llava", folder);
    }
    SparseAutoencoder sae = SaeFolder.load(autoencoder);
    SaeIntervention intervention = intervention(sae);
    Runtime.check();
    try (CheckpointFolder open = CheckpointFolder.open(folder);
        Tokenizer tokenizer = Tokenizer.open(folder);
        PicturePrompts model = PicturePrompts.open(open, tower)) {
      int at = block(model);
      requireWidth(sae, model);
      try (PicturePrompts edited =
          model.with(ActivationEdits.of(model.model().towerBlock(at), intervention))) {
        print(ask(tokenizer, model, edited, intervention));
      }
    }
    return 0;
  }

  private SaeIntervention intervention(SparseAutoencoder sae) {
    SaeIntervention.Tokens chosen;
    try {
      chosen = SaeIntervention.Tokens.valueOf(tokens.toUpperCase(Locale.ROOT));
    } catch (IllegalArgumentException e) {
      throw Names.unknown("choice of --tokens", tokens, List.of("all", "first", "rest"));
    }
    if (replaced.isEmpty()
        && added.isEmpty()
        && scaled.isEmpty()
        && ablated.isEmpty()
        && !ablateAll) {
      throw new ParameterException(
          spec.commandLine(),
          "say what to change: --replace, --add, --scale, --ablate or --ablate-all");
    }
    return new SaeIntervention(sae, keepError, chosen);
  }

  private void change(SaeIntervention intervention) {
    intervention.reset();
    if (ablateAll) {
      intervention.ablateAll();
    }
    try {
      replaced.forEach(intervention::replace);
      added.forEach(intervention::add);
      scaled.forEach(intervention::scale);
      ablated.forEach(intervention::ablate);
    } catch (IllegalArgumentException e) {
      throw new InputException(autoencoder + ": " + e.getMessage(), e);
    }
  }

  private int block(PicturePrompts model) {
    int blocks = model.model().config().vision().layers();
    int at = block == null ? model.model().lastReadBlock() : block;
    if (at < 0 || at >= blocks) {
      throw InputException.of("%s: --block must be in [0, %d], found %d", folder, blocks - 1, at);
    }
    return at;
  }

  private void requireWidth(SparseAutoencoder sae, PicturePrompts model) {
    int width = model.model().config().vision().hiddenSize();
    if (sae.config().inputWidth() != width) {
      throw InputException.of(
          "%s: is for activations of width %d, the image tower of %s has %d",
          autoencoder, sae.config().inputWidth(), folder, width);
    }
  }

  private List<Answers> ask(
      Tokenizer tokenizer,
      PicturePrompts model,
      PicturePrompts edited,
      SaeIntervention intervention) {
    GenerateOptions options;
    try {
      options = GenerateOptions.greedy(maxTokens);
    } catch (IllegalArgumentException e) {
      throw new InputException(e.getMessage(), e);
    }
    change(intervention); // a wrong latent is named before anything is computed
    List<Answers> all = new ArrayList<>();
    for (Path image : images) {
      intervention.reset();
      String unsteered = answer(model, tokenizer, image, options);
      String reconstruction = answer(edited, tokenizer, image, options);
      change(intervention);
      String steered = answer(edited, tokenizer, image, options);
      all.add(new Answers(image.toString(), unsteered, reconstruction, steered));
    }
    return all;
  }

  private String answer(
      PicturePrompts model, Tokenizer tokenizer, Path image, GenerateOptions options) {
    return model
        .generate(tokenizer, List.of(prompt), List.of(image), options)
        .get(0)
        .text()
        .strip();
  }

  private void print(List<Answers> all) {
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      out.println(Jsons.toText(all));
      return;
    }
    for (Answers answers : all) {
      out.println(answers.image);
      out.println("  unsteered       " + answers.unsteered);
      out.println("  reconstruction  " + answers.reconstruction);
      out.println("  steered         " + answers.steered);
    }
  }
}
