package io.lapidary.app;

import io.lapidary.AtomicFiles;
import io.lapidary.InputException;
import io.lapidary.Seeds;
import io.lapidary.data.DataHome;
import io.lapidary.engine.Runtime;
import io.lapidary.io.ConfigFiles;
import io.lapidary.io.Jsons;
import io.lapidary.search.ParameterRange;
import io.lapidary.search.Search;
import io.lapidary.search.SearchConfig;
import io.lapidary.search.SearchStoppedException;
import io.lapidary.search.TrialRecord;
import io.lapidary.train.TrainResult;
import io.lapidary.train.TrainingTask;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code lapidary search FILE}: trains with many settings and keeps the best ones. */
@Command(
    name = "search",
    description = {
      "Trains a training file again and again with other values, chosen by Arbiter, and writes the",
      "best ones as best.yaml, which train takes. Failed trials are noted and passed over."
    },
    footer = {
      "",
      "Examples:",
      "  lapidary search experiments/emoji-classifier/search.yaml",
      "  lapidary search experiments/emoji-classifier/search.yaml --resume",
      "  lapidary search experiments/emoji-classifier/search.yaml --set trials=3 --out tryout"
    })
final class SearchCommand implements Callable<Integer> {
  private static final int SHOWN = 10;

  @Parameters(
      paramLabel = "FILE",
      description = "A YAML file with the keys train, parameters, score and trials.")
  private Path file;

  @Option(
      names = "--set",
      paramLabel = "KEY=VALUE",
      description = "Changes a value of the search file, e.g. trials=5.")
  private Map<String, String> overrides = new LinkedHashMap<>();

  @Option(names = "--resume", description = "Keep the trials of --out that have ended.")
  private boolean resume;

  @Option(
      names = "--out",
      paramLabel = "DIR",
      description =
          "Folder of the trials; checkpoints/.runs/search-FOLDER-FILE in the home folder when left"
              + " out.")
  private Path out;

  @Option(names = "--json", description = "Print an array of all trials, best first.")
  private boolean json;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    if (!Files.isRegularFile(file)) {
      throw new InputException(file + ": no such file; name a search file");
    }
    SearchConfig config = ConfigFiles.load(file, overrides, SearchConfig.class);
    Path training = file.resolveSibling(config.train());
    if (!Files.isRegularFile(training)) {
      throw InputException.of("%s: train: no such file: %s", file, training);
    }
    checkKeys(config, training);
    Path folder = folder();
    Outputs.writable(folder);
    Runtime.check();
    PrintWriter output = spec.commandLine().getOut();
    Search search =
        new Search(
            config, folder, (n, values) -> trial(config, training, folder, n, values), this::show);
    if (!resume && !search.records().isEmpty()) {
      throw InputException.of(
          "%s: holds %d trials; --resume goes on with them, --out takes another folder",
          folder, search.records().size());
    }
    List<TrialRecord> trials = search.run();
    if (json) {
      output.println(Jsons.toText(trials));
    } else {
      print(config, trials, output);
    }
    TrialRecord best = trials.isEmpty() ? null : trials.get(0);
    if (best == null || best.score() == null) {
      spec.commandLine()
          .getErr()
          .println(
              "lapidary: "
                  + (best == null
                      ? "no trial was made within the time given"
                      : "all " + trials.size() + " trials failed; the first: " + best.failure()));
      return 1;
    }
    Path result = folder.resolve("best.yaml");
    writeBest(training, best, result);
    if (!json) {
      output.println("best: " + Outputs.shown(result));
    }
    return 0;
  }

  private Path folder() {
    if (out != null) {
      return out;
    }
    Path absolute = file.toAbsolutePath().normalize();
    String name = absolute.getFileName().toString().replaceFirst("\\.ya?ml$", "");
    Path parent = absolute.getParent().getFileName();
    return DataHome.find()
        .folder()
        .resolve("checkpoints/.runs")
        .resolve("search-" + (parent == null ? name : parent + "-" + name));
  }

  /** A key that the training file does not have is found before anything is trained. */
  private void checkKeys(SearchConfig config, Path training) {
    for (Map.Entry<String, ParameterRange> parameter : config.parameters().entrySet()) {
      Map<String, String> one = Map.of(parameter.getKey(), text(parameter.getValue().example()));
      RunFile top = RunFile.read(training, one);
      RunFile.config(training, one, task(top, training).configType());
    }
  }

  private TrainingTask<?> task(RunFile top, Path training) {
    if (top.task() == null) {
      throw InputException.of("%s: task is missing; name a training file under train", training);
    }
    return Lapidary.registry(spec).task(top.task());
  }

  private static String text(Object value) {
    return String.valueOf(value);
  }

  private static Map<String, String> texts(Map<String, Object> values) {
    Map<String, String> texts = new LinkedHashMap<>();
    values.forEach((key, value) -> texts.put(key, text(value)));
    return texts;
  }

  // ---- trials -------------------------------------------------------------------------------

  private double trial(
      SearchConfig config, Path training, Path folder, int number, Map<String, Object> values)
      throws IOException {
    RunFile top = RunFile.read(training, texts(values));
    Path run = folder.resolve(String.format(Locale.ROOT, "trial-%04d", number));
    AtomicFiles.deleteTree(run); // of a trial that was interrupted
    try {
      return train(config, task(top, training), top, training, texts(values), run);
    } finally {
      AtomicFiles.deleteTree(run.resolve("checkpoints"));
      AtomicFiles.deleteTree(run.resolve("model"));
    }
  }

  private <C extends Record> double train(
      SearchConfig config,
      TrainingTask<C> task,
      RunFile top,
      Path training,
      Map<String, String> values,
      Path run) {
    C settings = RunFile.config(training, values, task.configType());
    top.requireInputs(training, DataHome.find());
    TrialScore score = new TrialScore(config.score());
    TrainingTask.Outcome outcome =
        task.train(
            settings, new TrainingTask.Run(run, false, new Seeds(top.rootSeed()), List.of(score)));
    if (outcome.result().reason() == TrainResult.Reason.STOPPED) {
      throw new SearchStoppedException("stopped; go on with --resume");
    }
    return score.value(training);
  }

  private void show(TrialRecord record) {
    PrintWriter to = json ? spec.commandLine().getErr() : spec.commandLine().getOut();
    to.printf(
        Locale.ROOT,
        "trial %d, %.1f s: %s  %s%n",
        record.trial(),
        record.seconds(),
        record.score() == null ? "failed" : shortened(record.score()),
        record.score() == null ? record.failure() : describe(record.values()));
    to.flush();
  }

  private static String shortened(double score) {
    return String.format(Locale.ROOT, "%.4g", score);
  }

  private static String describe(Map<String, Object> values) {
    return values.entrySet().stream()
        .map(
            e ->
                e.getKey() + "=" + (e.getValue() instanceof Double d ? shortened(d) : e.getValue()))
        .collect(Collectors.joining(" "));
  }

  private static void print(SearchConfig config, List<TrialRecord> trials, PrintWriter output) {
    String row = "%-8s%-" + Math.max(12, config.score().metric().length() + 2) + "s%s%n";
    output.println();
    output.printf(row, "trial", config.score().metric(), "values");
    trials.stream()
        .filter(record -> record.score() != null)
        .limit(SHOWN)
        .forEach(r -> output.printf(row, r.trial(), shortened(r.score()), describe(r.values())));
    long failed = trials.stream().filter(r -> r.score() == null).count();
    output.printf("%d trials, %d failed%n", trials.size(), failed);
  }

  private void writeBest(Path training, TrialRecord best, Path to) {
    Map<String, String> values = texts(best.values());
    RunFile top = RunFile.read(training, values);
    Map<String, Object> resolved = new LinkedHashMap<>();
    resolved.put("task", top.task());
    resolved.put("seed", top.rootSeed());
    resolved.put("config", RunFile.config(training, values, task(top, training).configType()));
    ConfigFiles.write(to, resolved);
  }
}
