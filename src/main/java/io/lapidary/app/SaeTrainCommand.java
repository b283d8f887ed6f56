package io.lapidary.app;

import io.lapidary.InputException;
import io.lapidary.data.ActivationRows;
import io.lapidary.engine.Runtime;
import io.lapidary.method.sae.SaeQuality;
import io.lapidary.method.sae.SaeTrainConfig;
import io.lapidary.method.sae.SaeTraining;
import io.lapidary.method.sae.SaeVariants;
import io.lapidary.model.sae.SaeFolder;
import io.lapidary.model.sae.SparseAutoencoderConfig;
import io.lapidary.model.sae.StandardSae;
import io.lapidary.report.Terminal;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code lapidary sae train}: an autoencoder of a file of activations. */
@Command(
    name = "train",
    description = "Trains a sparse autoencoder on a file of activations.",
    footer = {
      "",
      "Example:",
      "  lapidary sae train --activations clip.safetensors --variant batch_top_k --k 20 --out sae"
    })
final class SaeTrainCommand implements Callable<Integer> {
  private static final long MEASURED = 100_000; // rows on which the result is measured
  private static final long SHORT_WARMUP = 10; // shares of a run shorter than the usual rise

  @Option(
      names = "--activations",
      required = true,
      paramLabel = "PATH",
      description =
          "A folder of sae collect, or a safetensors file with tensor activations [rows, width].")
  private Path activations;

  @Option(
      names = "--variant",
      defaultValue = "batch_top_k",
      description =
          "standard, gated, jumprelu, top_k, batch_top_k or matryoshka_batch_top_k"
              + " (default: ${DEFAULT-VALUE}).")
  private String variant;

  @Option(
      names = "--k",
      defaultValue = "20",
      description = "Active latents per row (default: ${DEFAULT-VALUE}).")
  private int k;

  @Option(
      names = "--expansion",
      defaultValue = "4",
      description = "Latents per input value (default: ${DEFAULT-VALUE}).")
  private int expansion;

  @Option(names = "--latents", description = "Number of latents, in place of --expansion.")
  private Integer latents;

  @Option(
      names = "--group-fractions",
      split = ",",
      defaultValue = "0.0625,0.125,0.25,0.5625",
      description = "Shares of the Matryoshka groups, coarse first (default: ${DEFAULT-VALUE}).")
  private List<Double> fractions;

  @Option(
      names = "--penalty",
      defaultValue = "0.1",
      description = "Sparsity penalty of standard, gated, jumprelu (default: ${DEFAULT-VALUE}).")
  private double penalty;

  @Option(
      names = "--steps",
      defaultValue = "10000",
      description = "Optimizer steps (default: ${DEFAULT-VALUE}).")
  private long steps;

  @Option(
      names = "--batch",
      defaultValue = "4096",
      description = "Rows per step (default: ${DEFAULT-VALUE}).")
  private int batch;

  @Option(names = "--lr", description = "Peak learning rate; the variant's when left out.")
  private Double learningRate;

  @Option(
      names = "--warmup",
      paramLabel = "STEPS",
      description = "Steps of the linear rise of the rate (default: 1000, at most a tenth).")
  private Long warmup;

  @Option(
      names = "--decay-start",
      paramLabel = "STEP",
      description = "Step from which the rate falls linearly to 0; never when left out.")
  private Long decayStart;

  @Option(
      names = "--clip",
      paramLabel = "NORM",
      description = "Largest norm of all gradients, 0 for none; the variant's when left out.")
  private Double clip;

  @Option(
      names = "--auxk-alpha",
      paramLabel = "X",
      description = "Factor of the loss that brings dead latents back (default: 1/32).")
  private Double auxiliary;

  @Option(
      names = "--dead-after",
      paramLabel = "ROWS",
      description = "Rows after which a silent latent is dead (default: twice the data).")
  private Long deadAfter;

  @Option(
      names = "--resample-steps",
      paramLabel = "STEPS",
      description = "Standard variant: steps between resamplings of silent latents; never.")
  private Integer resample;

  @Option(
      names = "--checkpoint-every",
      paramLabel = "STEPS",
      description = "Steps between checkpoints; only at the end when left out.")
  private Integer checkpointEvery;

  @Option(names = "--seed", defaultValue = "0", description = "Seed of weights and order.")
  private long seed;

  @Option(
      names = "--out",
      required = true,
      paramLabel = "DIR",
      description = "Folder for the autoencoder and its checkpoints.")
  private Path out;

  @Option(names = "--resume", description = "Go on from the latest checkpoint of --out.")
  private boolean resume;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    PrintWriter output = spec.commandLine().getOut();
    ActivationRows rows = ActivationRows.open(activations);
    SaeTraining training = training(rows.rows(), rows.width());
    Outputs.writable(out);
    Runtime.check();
    training.listener(new TrainingDisplay("sae", output, Terminal.here()));
    SaeTraining.Outcome outcome = training.in(out, resume).run(rows);
    if (outcome.autoencoder() != null) {
      SaeFolder.save(out, outcome.autoencoder());
      output.println("autoencoder: " + Outputs.shown(out));
      SaeQuality quality = new SaeQuality(outcome.autoencoder()).measure(rows, MEASURED);
      output.printf(
          "on %d of its rows: %s%n",
          Math.min(MEASURED, rows.rows()), Outputs.listed(quality.values()));
    }
    return 0;
  }

  private SaeTraining training(long rows, int width) {
    int count = latents != null ? latents : Math.multiplyExact(width, expansion);
    try {
      SparseAutoencoderConfig model =
          new SparseAutoencoderConfig(
              width,
              count,
              new SaeVariants(k, penalty, fractions, steps, batch, rows, auxiliary, deadAfter)
                  .named(variant, count));
      if (resample != null && !(model.variant() instanceof StandardSae)) {
        throw InputException.of(
            "--resample-steps is for the standard variant; %s brings dead latents back otherwise",
            variant);
      }
      long rise = warmup != null ? warmup : Math.min(1000, steps / SHORT_WARMUP);
      return new SaeTraining(
          model,
          new SaeTrainConfig(
              steps,
              batch,
              learningRate,
              rise,
              decayStart,
              clip,
              checkpointEvery,
              resample,
              seed,
              null));
    } catch (IllegalArgumentException e) {
      throw new InputException(e.getMessage(), e);
    }
  }
}
