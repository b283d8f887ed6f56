package io.lapidary.app;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code lapidary checkpoint ...}: looks into stored models, checks and converts them. */
@Command(
    name = "checkpoint",
    description = "Sums up, verifies and converts stored models.",
    subcommands = {
      CheckpointInfoCommand.class,
      CheckpointVerifyCommand.class,
      CheckpointConvertCommand.class
    })
final class CheckpointCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(
        spec.commandLine(), "name what to do with a checkpoint, for example: info");
  }
}
