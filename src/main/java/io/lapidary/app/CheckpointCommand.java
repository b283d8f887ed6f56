package io.lapidary.app;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code lapidary checkpoint ...}: looks into stored models, checks, converts and merges them. */
@Command(
    name = "checkpoint",
    description = "Sums up, verifies, converts and merges stored models.",
    subcommands = {
      CheckpointInfoCommand.class,
      CheckpointVerifyCommand.class,
      CheckpointConvertCommand.class,
      CheckpointMergeCommand.class
    })
final class CheckpointCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(
        spec.commandLine(), "name what to do with a checkpoint, for example: info");
  }
}
