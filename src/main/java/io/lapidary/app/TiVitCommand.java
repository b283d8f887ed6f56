package io.lapidary.app;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code lapidary tivit ...}: time series on frozen vision transformers, and their rivals. */
@Command(
    name = "tivit",
    description =
        "Classifies time series on frozen vision transformers and by the usual baselines.",
    subcommands = {
      TiVitClassifyCommand.class,
      TiVitCompareCommand.class,
      TiVitAnalyseCommand.class,
      TiVitEmbedCommand.class
    })
final class TiVitCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(
        spec.commandLine(), "name what to do with time series, for example: classify");
  }
}
