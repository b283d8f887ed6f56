package io.lapidary.app;

import io.lapidary.InputException;
import io.lapidary.data.DataHome;
import io.lapidary.report.HtmlReport;
import io.lapidary.report.ResultFiles;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code lapidary report}: one page over all results. */
@Command(
    name = "report",
    description = "Writes one HTML page over all results: claims, charts, pictures, provenance.",
    footer = {
      "",
      "The page is one file that loads nothing from the network.",
      "",
      "Examples:",
      "  lapidary report",
      "  lapidary report --results mine --out mine.html"
    })
final class ReportCommand implements Callable<Integer> {
  @Option(
      names = "--out",
      paramLabel = "FILE",
      description = "The page; report/index.html in the home folder when left out.")
  private Path out;

  @Option(
      names = "--results",
      paramLabel = "DIR",
      description =
          "Folder with NAME/results/SCALE.json files; experiments in the home folder when left out.")
  private Path results;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    Path experiments = results == null ? DataHome.find().folder().resolve("experiments") : results;
    if (!Files.isDirectory(experiments)) {
      throw new InputException(experiments + ": no such folder; name one that holds results");
    }
    if (ResultFiles.list(experiments).isEmpty()) {
      throw InputException.of(
          "%s: holds no results; make some with: lapidary reproduce all --scale quick",
          experiments);
    }
    Path page = out == null ? page(DataHome.find().folder()) : out;
    int shown = HtmlReport.write(experiments, page);
    spec.commandLine()
        .getOut()
        .println(shown + (shown == 1 ? " result in " : " results in ") + Outputs.shown(page));
    return 0;
  }

  /** Where the page of a home folder stands. */
  static Path page(Path home) {
    return home.resolve("report").resolve("index.html");
  }
}
