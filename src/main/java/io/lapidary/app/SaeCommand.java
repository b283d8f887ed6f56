package io.lapidary.app;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code lapidary sae ...}: sparse autoencoders and what their latents stand for. */
@Command(
    name = "sae",
    description =
        "Sparse autoencoders: collects activations, trains on them, scores and inspects latents.",
    subcommands = {
      SaeCollectCommand.class,
      SaeTrainCommand.class,
      SaeEncodeCommand.class,
      SaeConvertCommand.class,
      SaeLossCommand.class,
      SaeScoreCommand.class,
      SaeTopCommand.class,
      SaeSteerCommand.class
    })
final class SaeCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(
        spec.commandLine(), "name what to do with a sparse autoencoder, for example: train");
  }
}
