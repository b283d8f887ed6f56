package io.lapidary.app;

import com.fasterxml.jackson.databind.JsonNode;
import io.lapidary.Check;
import io.lapidary.InputException;
import io.lapidary.data.DataHome;
import io.lapidary.data.Datasets;
import io.lapidary.io.ConfigFiles;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * The top of a configuration file, for {@code reproduce} and {@code train}; the group {@code
 * config} belongs to the experiment or task. A training file may extend an experiment's.
 *
 * @param task what {@code train} trains
 * @param seed root seed of a training; the first of {@code seeds} when left out, else 0
 * @param seeds root seeds of an experiment
 * @param thresholds of an experiment, by claim id
 * @param requires what must be at hand before the run starts
 * @param config read by {@link #config}
 */
record RunFile(
    String task,
    Long seed,
    List<Long> seeds,
    Map<String, Double> thresholds,
    Requires requires,
    JsonNode config) {

  RunFile {
    seeds = seeds == null ? List.of() : List.copyOf(seeds);
    if (thresholds != null) {
      thresholds.forEach((id, value) -> Check.present("thresholds." + id, value));
    }
    thresholds = thresholds == null ? Map.of() : Map.copyOf(thresholds);
    requires = requires == null ? new Requires(null, null) : requires;
  }

  /**
   * What a run needs.
   *
   * @param datasets names of the registry
   * @param paths files or folders below the home folder, such as checkpoints
   */
  record Requires(List<String> datasets, List<String> paths) {
    Requires {
      datasets = datasets == null ? List.of() : List.copyOf(datasets);
      paths = paths == null ? List.of() : List.copyOf(paths);
    }
  }

  /** Root seed of a training. */
  long rootSeed() {
    return seed != null ? seed : seeds.isEmpty() ? 0 : seeds.get(0);
  }

  /** Reads the top of a file. */
  static RunFile read(Path file, Map<String, String> overrides) {
    return ConfigFiles.load(file, overrides, RunFile.class);
  }

  /** Reads the group {@code config} of a file. */
  static <C> C config(Path file, Map<String, String> overrides, Class<C> type) {
    return ConfigFiles.loadGroup(file, overrides, "config", type);
  }

  /**
   * Requires everything under {@code requires}.
   *
   * @throws InputException naming all that is missing and how to get it
   */
  void requireInputs(Path file, DataHome home) {
    List<String> missing = new ArrayList<>();
    Datasets datasets = new Datasets(home, Datasets.known());
    for (String name : requires.datasets()) {
      if (datasets.status(name) == Datasets.Status.NOT_FETCHED) {
        missing.add(
            "the data set " + name + " (get it with: lapidary datasets fetch " + name + ")");
      }
    }
    for (String path : requires.paths()) {
      if (!Files.exists(home.folder().resolve(path))) {
        missing.add(
            home.folder().resolve(path) + " (put it there; see the README beside this file)");
      }
    }
    if (!missing.isEmpty()) {
      throw InputException.of("%s: needs %s", file, String.join(", and ", missing));
    }
  }
}
