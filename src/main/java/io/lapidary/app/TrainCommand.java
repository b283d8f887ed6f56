package io.lapidary.app;

import io.lapidary.InputException;
import io.lapidary.Seeds;
import io.lapidary.data.DataHome;
import io.lapidary.engine.Runtime;
import io.lapidary.io.ConfigFiles;
import io.lapidary.report.Terminal;
import io.lapidary.train.TrainListener;
import io.lapidary.train.TrainResult;
import io.lapidary.train.TrainingTask;
import io.lapidary.train.TrainingUiFile;
import io.lapidary.train.TrainingUiListener;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code lapidary train FILE}: trains what a configuration file says. */
@Command(
    name = "train",
    description = {
      "Trains what a configuration file says, into a run folder:",
      "config.yaml (as resolved), metrics.jsonl, checkpoints and the trained model.",
      "Ctrl-C saves; --resume goes on from there, or after a crash from the last checkpoint."
    },
    footer = {
      "",
      "Examples:",
      "  lapidary train experiments/emoji-classifier/train.yaml",
      "  lapidary train experiments/emoji-classifier/train.yaml --resume",
      "  lapidary train experiments/emoji-classifier/train.yaml --set config.train.epochs=2 --out run",
      "  lapidary train experiments/emoji-classifier/train.yaml --ui run/training-ui.db"
    })
final class TrainCommand implements Callable<Integer> {
  @Parameters(
      paramLabel = "FILE",
      description = "A YAML file with the keys task, seed and config, or one that extends such.")
  private Path file;

  @Option(
      names = "--set",
      paramLabel = "KEY=VALUE",
      description = "Changes a value of the file, e.g. config.train.epochs=2.")
  private Map<String, String> overrides = new LinkedHashMap<>();

  @Option(names = "--resume", description = "Go on from the newest checkpoint of the run folder.")
  private boolean resume;

  @Option(
      names = "--out",
      paramLabel = "DIR",
      description =
          "The run folder; checkpoints/.runs/FOLDER-FILE in the home folder when left out.")
  private Path out;

  @Option(
      names = "--ui",
      paramLabel = "FILE",
      description = "Also keeps the run in a file for the training page of Deeplearning4j.")
  private Path ui;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    if (!Files.isRegularFile(file)) {
      throw new InputException(file + ": no such file; name a configuration file");
    }
    RunFile top = RunFile.read(file, overrides);
    Registry registry = Lapidary.registry(spec);
    if (top.task() == null) {
      throw InputException.of(
          "%s: task is missing; add 'task: NAME' with one of: %s",
          file, String.join(", ", registry.tasks().stream().map(TrainingTask::name).toList()));
    }
    return train(registry.task(top.task()), top);
  }

  private <C extends Record> int train(TrainingTask<C> task, RunFile top) {
    C config = RunFile.config(file, overrides, task.configType());
    DataHome home = DataHome.find();
    top.requireInputs(file, home);
    long seed = top.rootSeed();
    Path folder = out == null ? home.folder().resolve("checkpoints/.runs").resolve(runName()) : out;
    Outputs.writable(folder);
    Runtime.check();
    PrintWriter output = spec.commandLine().getOut();
    output.println("run folder: " + Outputs.shown(folder));
    output.flush();
    Map<String, Object> resolved = new LinkedHashMap<>();
    resolved.put("task", task.name());
    resolved.put("seed", seed);
    resolved.put("config", config);
    TrainListener keeper =
        new TrainListener() {
          @Override
          public void started(long firstStep, long totalSteps) {
            ConfigFiles.write(folder.resolve("config.yaml"), resolved);
          }
        };
    TrainingDisplay display = new TrainingDisplay(task.name(), output, Terminal.here());
    List<TrainListener> listeners = new ArrayList<>(List.of(keeper, display));
    TrainingTask.Outcome outcome;
    try (TrainingUiFile reports = ui == null ? null : TrainingUiFile.open(ui)) {
      if (reports != null) {
        String session = task.name() + " " + folder.toAbsolutePath().normalize().getFileName();
        listeners.add(new TrainingUiListener(reports.storage(), session));
      }
      outcome =
          task.train(config, new TrainingTask.Run(folder, resume, new Seeds(seed), listeners));
    }
    if (outcome.result().reason() != TrainResult.Reason.STOPPED) {
      output.println("model: " + Outputs.shown(outcome.model()));
    }
    return 0;
  }

  /** Folder and name of the file, so that {@code clip/train.yaml} and others do not meet. */
  private String runName() {
    Path absolute = file.toAbsolutePath().normalize();
    String name = absolute.getFileName().toString().replaceFirst("\\.ya?ml$", "");
    Path parent = absolute.getParent().getFileName();
    return parent == null ? name : parent + "-" + name;
  }
}
