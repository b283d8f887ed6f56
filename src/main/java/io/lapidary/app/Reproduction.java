package io.lapidary.app;

import io.lapidary.AtomicFiles;
import io.lapidary.Check;
import io.lapidary.InputException;
import io.lapidary.data.DataHome;
import io.lapidary.engine.Runtime;
import io.lapidary.io.Jsons;
import io.lapidary.report.Claim;
import io.lapidary.report.Experiment;
import io.lapidary.report.Machines;
import io.lapidary.report.Provenance.Machine;
import io.lapidary.report.Result;
import io.lapidary.report.ResultFiles;
import io.lapidary.report.RunContext;
import io.lapidary.report.Terminal;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;

/**
 * Runs experiments at one scale. An experiment's checkpoints are in {@code .runs/NAME/SCALE} below
 * the output folder; a new run starts with that folder empty, a resumed one finds it as it was left
 * and keeps a result that these settings and this version of the program have already given.
 *
 * @param seeds how many seeds; null for those of the file
 * @param out folder of {@code NAME/results/SCALE.json}
 * @param stopping whether the process is being ended
 */
record Reproduction(
    DataHome home,
    String scale,
    Integer seeds,
    Map<String, String> overrides,
    Path out,
    boolean resume,
    Runtime runtime,
    Terminal terminal,
    BooleanSupplier stopping) {

  /**
   * A result and its file.
   *
   * @param kept whether it was there before
   */
  record Done(Result result, Path file, boolean kept) {}

  /**
   * Runs one experiment and writes its result.
   *
   * @throws InputException when its file is missing or wrong, or something it needs is missing
   */
  <C extends Record> Done run(Experiment<C> experiment) {
    String name = experiment.name();
    Path file = home.folder().resolve("experiments").resolve(name).resolve(scale + ".yaml");
    if (!Files.isRegularFile(file)) {
      throw InputException.of(
          "%s: no such file, so %s has no scale %s; choose another scale, or write the file",
          file, name, scale);
    }
    RunFile top = RunFile.read(file, overrides);
    C config = RunFile.config(file, overrides, experiment.configType());
    List<Long> roots = roots(file, top.seeds());
    top.requireInputs(file, home);
    Path target = ResultFiles.path(out, name, scale);
    Outputs.writable(target.getParent());
    Machine machine = Machines.here(runtime.threads(), device());
    if (resume && Files.exists(target)) {
      Result before = ResultFiles.read(target);
      if (same(before, config, roots, top.thresholds(), machine)) {
        return new Done(before, target, true);
      }
    }
    Path runs = out.resolve(".runs").resolve(name).resolve(scale);
    if (!resume) {
      clear(runs);
    }
    Outputs.writable(runs);
    RunContext context =
        new RunContext(
            new RunContext.Setup(name, scale, roots, top.thresholds(), runs, machine, terminal));
    Result result = experiment.run(config, context);
    if (stopping.getAsBoolean()) { // a training may have been cut short: its numbers do not count
      throw new InputException(name + ": stopped before the end, no result was written");
    }
    return new Done(result, ResultFiles.write(out, result), false);
  }

  private String device() {
    return runtime.gpus().isEmpty()
        ? runtime.backend() + ", " + runtime.nativeVariant()
        : runtime.gpus().get(0).toString();
  }

  private List<Long> roots(Path file, List<Long> listed) {
    if (listed.isEmpty()) {
      throw InputException.of("%s: seeds are missing; add for example 'seeds: [1, 2, 3]'", file);
    }
    Check.that(
        listed.stream().distinct().count() == listed.size(),
        "%s: seeds must differ, got %s",
        file,
        listed);
    if (seeds == null) {
      return listed;
    }
    List<Long> roots = new ArrayList<>(listed.subList(0, Math.min(seeds, listed.size())));
    long next = Collections.max(listed) + 1;
    while (roots.size() < seeds) {
      roots.add(next++);
    }
    return roots;
  }

  private static boolean same(
      Result before,
      Record config,
      List<Long> seeds,
      Map<String, Double> thresholds,
      Machine machine) {
    Machine then = before.provenance().machine();
    return before.seeds().equals(seeds)
        && then.lapidary().equals(machine.lapidary())
        && then.commit().equals(machine.commit())
        && Jsons.toText(before.provenance().config())
            .equals(Jsons.toText(ResultFiles.configOf(config)))
        && before.claims().stream().allMatch(claim -> sameThreshold(claim, thresholds));
  }

  private static boolean sameThreshold(Claim claim, Map<String, Double> thresholds) {
    Double now = thresholds.get(claim.id());
    return now != null && now == claim.threshold();
  }

  /** Deletes what an earlier run left; links are removed, not followed. */
  private static void clear(Path folder) {
    try {
      AtomicFiles.deleteTree(folder);
    } catch (IOException e) {
      throw new InputException(
          String.format(
              "%s: an earlier run cannot be deleted (%s); choose another folder with --out",
              folder, AtomicFiles.reason(e)),
          e);
    }
  }
}
