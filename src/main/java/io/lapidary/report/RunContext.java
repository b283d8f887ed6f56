package io.lapidary.report;

import io.lapidary.Check;
import io.lapidary.InputException;
import io.lapidary.Seeds;
import io.lapidary.metric.MetricValue;
import io.lapidary.report.Provenance.Machine;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** What a run gets from outside, and where it notes which data it read. One per run. */
public final class RunContext {
  private final Setup setup;
  private final Clock clock;
  private final Instant startedAt;
  private final Map<String, String> data = new TreeMap<>();

  /**
   * The fixed part of a run.
   *
   * @param experiment name of the experiment
   * @param scale {@code quick}, {@code desk}, {@code paper} or a name of one's own
   * @param seeds root seeds; noisy claims are measured once per seed
   * @param thresholds claim id to threshold, fixed before the run
   * @param output folder for files the run leaves beside its result: checkpoints, metric logs
   * @param machine where the run happens
   * @param terminal where progress is shown
   */
  public record Setup(
      String experiment,
      String scale,
      List<Long> seeds,
      Map<String, Double> thresholds,
      Path output,
      Machine machine,
      Terminal terminal) {
    public Setup {
      Check.that(
          experiment != null && experiment.matches(Result.NAME),
          "experiment must be lower-case letters, digits and dashes, got '%s'",
          experiment);
      Check.that(
          scale != null && scale.matches(Result.NAME),
          "scale must be lower-case letters, digits and dashes, got '%s'",
          scale);
      seeds = List.copyOf(Check.present("seeds", seeds));
      Check.that(!seeds.isEmpty(), "a run needs at least one seed");
      Check.that(
          seeds.stream().distinct().count() == seeds.size(), "seeds must differ, got %s", seeds);
      thresholds = Map.copyOf(Check.present("thresholds", thresholds));
      Check.present("output", output);
      Check.present("machine", machine);
      Check.present("terminal", terminal);
    }
  }

  /** Starts the clock of a run. */
  public RunContext(Setup setup) {
    this(setup, Clock.systemUTC());
  }

  RunContext(Setup setup, Clock clock) {
    this.setup = Check.present("setup", setup);
    this.clock = clock;
    this.startedAt = clock.instant();
  }

  /** The fixed part of this run. */
  public Setup setup() {
    return setup;
  }

  /** One root per repetition, in the order of the result's seeds. */
  public List<Seeds> seeds() {
    return setup.seeds().stream().map(Seeds::new).toList();
  }

  /** Folder for files the run leaves beside its result. */
  public Path output() {
    return setup.output();
  }

  /** A progress display for a task of {@code total} steps (0: unknown); close it when done. */
  public Progress progress(String task, long total) {
    return Progress.open(task, total, setup.terminal());
  }

  /**
   * A claim with its threshold from the experiment file.
   *
   * @throws InputException when the file has no threshold for {@code id}
   */
  public ClaimSpec claim(
      String id, String paper, String statement, String unit, Direction direction) {
    Double threshold = setup.thresholds().get(id);
    if (threshold == null) {
      throw InputException.of(
          "experiments/%s/%s.yaml: no threshold for claim %s; add 'thresholds: {%s: …}'",
          setup.experiment(), setup.scale(), id, id);
    }
    return new ClaimSpec(id, paper, statement, unit, direction, threshold);
  }

  /** Notes a data set or checkpoint that the run read, with its checksum, for the provenance. */
  public void used(String name, String checksum) {
    data.put(Check.present("name", name), Check.present("checksum", checksum));
  }

  /**
   * The result of this run, its provenance filled in and its clock stopped.
   *
   * @param config the configuration as it was used
   */
  public Result result(
      Record config, List<Claim> claims, List<MetricValue> metrics, List<Figure> figures) {
    double seconds = Duration.between(startedAt, clock.instant()).toMillis() / 1000.0;
    return new Result(
        setup.experiment(),
        setup.scale(),
        setup.seeds(),
        claims,
        metrics,
        figures,
        new Provenance(
            startedAt, Math.max(0, seconds), setup.machine(), data, ResultFiles.configOf(config)));
  }
}
