package io.lapidary.app;

import io.lapidary.InputException;
import io.lapidary.data.DataHome;
import io.lapidary.engine.Runtime;
import io.lapidary.report.ClaimsTable;
import io.lapidary.report.Experiment;
import io.lapidary.report.HtmlReport;
import io.lapidary.report.Result;
import io.lapidary.report.Terminal;
import io.lapidary.report.Verdict;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code lapidary reproduce PAPER}: measures a paper's claims. */
@Command(
    name = "reproduce",
    description = {
      "Measures the claims of a paper, or of all, and writes results and a page.",
      "A claim that does not hold is reported as such and is no error; see --strict."
    },
    footer = {
      "",
      "Scales: quick (one seed, minutes), desk (three seeds), paper (real data, a GPU).",
      "A stopped run goes on with --resume.",
      "",
      "Examples:",
      "  lapidary reproduce all",
      "  lapidary reproduce clip --scale desk --seeds 5",
      "  lapidary reproduce clip --set config.train.steps=20 --out tryout"
    })
final class ReproduceCommand implements Callable<Integer> {
  private enum Scale {
    QUICK,
    DESK,
    PAPER
  }

  @Parameters(paramLabel = "PAPER", description = "Name of an experiment, or all.")
  private String paper;

  @Option(
      names = "--scale",
      paramLabel = "SCALE",
      defaultValue = "quick",
      description = "quick, desk or paper; ${DEFAULT-VALUE} when left out.")
  private Scale scale;

  @Option(
      names = "--seeds",
      paramLabel = "N",
      description = "How many seeds: the first N of the file, then the numbers after its largest.")
  private Integer seeds;

  @Option(
      names = "--set",
      paramLabel = "KEY=VALUE",
      description = "Changes a value of the file, e.g. config.train.steps=20.")
  private Map<String, String> overrides = new LinkedHashMap<>();

  @Option(
      names = "--out",
      paramLabel = "DIR",
      description = {
        "Folder for results and page. Left out: experiments and report in the home folder,",
        "or report/changed there with --set."
      })
  private Path out;

  @Option(
      names = "--resume",
      description = "Keep finished results of this very run, go on with started trainings.")
  private boolean resume;

  @Option(names = "--strict", description = "Exit with 1 when a claim fails.")
  private boolean strict;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    if (seeds != null && seeds < 1) {
      throw new InputException("--seeds must be at least 1, got " + seeds);
    }
    Registry registry = Lapidary.registry(spec);
    List<Experiment<?>> chosen =
        paper.equals("all") ? registry.experiments() : List.of(registry.experiment(paper));
    if (chosen.size() > 1 && !overrides.isEmpty()) {
      throw new InputException(
          "--set changes the file of one experiment; name the experiment instead of all");
    }
    DataHome home = DataHome.find();
    Path folder = out;
    if (folder == null) {
      folder =
          overrides.isEmpty()
              ? home.folder().resolve("experiments")
              : home.folder().resolve("report").resolve("changed");
    }
    Path page = out == null && overrides.isEmpty() ? null : folder.resolve("report.html");
    page = page == null ? ReportCommand.page(home.folder()) : page;
    Outputs.writable(page.toAbsolutePath().getParent());
    Runtime runtime = Runtime.check();
    Terminal terminal = Terminal.here();
    PrintWriter output = spec.commandLine().getOut();
    PrintWriter err = spec.commandLine().getErr();
    ClaimsTable table = new ClaimsTable(terminal);
    int failed = 0;
    boolean broken = false;
    try (StopNotice stop = new StopNotice(err, "go on with the same command and --resume")) {
      Reproduction reproduction =
          new Reproduction(
              home,
              scale.name().toLowerCase(Locale.ROOT),
              seeds,
              overrides,
              folder,
              resume,
              runtime,
              terminal,
              stop::requested);
      for (Experiment<?> experiment : chosen) {
        try {
          Reproduction.Done done = reproduction.run(experiment);
          Result result = done.result();
          output.print(table.render(result));
          output.println(
              (done.kept() ? "result, from before: " : "result: ") + Outputs.shown(done.file()));
          output.println();
          output.flush();
          failed += (int) result.count(Verdict.FAILS);
        } catch (InputException e) {
          if (chosen.size() == 1) {
            throw e;
          }
          Failures.report(e, false, err); // the others can still run
          broken = true;
        }
      }
      int shown = HtmlReport.write(folder, page);
      output.printf("report over %d %s: %s%n", shown, shown == 1 ? "result" : "results", page);
    }
    return broken ? Failures.BAD_INPUT : strict && failed > 0 ? Failures.FAILED : 0;
  }
}
