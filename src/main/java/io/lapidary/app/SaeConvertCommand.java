package io.lapidary.app;

import io.lapidary.model.sae.SaeFolder;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code lapidary sae convert}: an autoencoder in another layout. */
@Command(
    name = "convert",
    description = "Copies an autoencoder into another layout.",
    footer = {"", "Example:", "  lapidary sae convert sae sae-lens --layout saelens"})
final class SaeConvertCommand implements Callable<Integer> {
  private static final Map<String, SaeFolder.Layout> LAYOUTS =
      Map.of(
          "saelens",
          SaeFolder.Layout.SAE_LENS,
          "dictionary_learning",
          SaeFolder.Layout.DICTIONARY_LEARNING,
          "lapidary",
          SaeFolder.Layout.LAPIDARY);

  @Parameters(
      index = "0",
      paramLabel = "DIR",
      description = "Folder of the autoencoder, in any layout.")
  private Path folder;

  @Parameters(index = "1", paramLabel = "OUT", description = "Folder to write.")
  private Path out;

  @Option(
      names = "--layout",
      required = true,
      paramLabel = "NAME",
      description = "saelens, dictionary_learning or lapidary.")
  private String layout;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    SaeFolder.Layout wanted = LAYOUTS.get(layout.toLowerCase(Locale.ROOT));
    if (wanted == null) {
      throw Names.unknown("layout", layout, List.of("saelens", "dictionary_learning", "lapidary"));
    }
    Outputs.writable(out.toAbsolutePath().getParent());
    SaeFolder.save(out, SaeFolder.load(folder), wanted);
    spec.commandLine().getOut().println("autoencoder: " + Outputs.shown(out));
    return 0;
  }
}
