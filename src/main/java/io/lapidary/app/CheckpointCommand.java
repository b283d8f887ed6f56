package io.lapidary.app;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code lapidary checkpoint ...}: looks into stored models. */
@Command(
    name = "checkpoint",
    description = "Looks into stored models.",
    subcommands = {CheckpointInfoCommand.class})
final class CheckpointCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(
        spec.commandLine(), "name what to do with a checkpoint, for example: info");
  }
}
