package io.lapidary.app;

import io.lapidary.Check;
import io.lapidary.InputException;
import io.lapidary.method.clip.ClipExperiment;
import io.lapidary.method.clip.EmojiClipTask;
import io.lapidary.method.sae.SaeExperiment;
import io.lapidary.method.sae.SaeTask;
import io.lapidary.method.tivit.TiVitExperiment;
import io.lapidary.report.Experiment;
import io.lapidary.train.TrainingTask;
import io.lapidary.train.task.EmojiVlmTask;
import io.lapidary.train.task.ImageClassifierTask;
import io.lapidary.train.task.MaskedAutoencoderTask;
import java.util.List;
import java.util.function.Function;

/** What commands can be asked for by name. A new method adds one line to each list it serves. */
record Registry(List<Experiment<?>> experiments, List<TrainingTask<?>> tasks) {

  Registry {
    experiments = List.copyOf(experiments);
    tasks = List.copyOf(tasks);
    Check.that(
        experiments.stream().map(Experiment::name).distinct().count() == experiments.size(),
        "two experiments have one name");
    Check.that(
        tasks.stream().map(TrainingTask::name).distinct().count() == tasks.size(),
        "two tasks have one name");
  }

  /** Everything this program has. */
  static Registry standard() {
    return new Registry(
        List.of(new ClipExperiment(), new SaeExperiment(), new TiVitExperiment()),
        List.of(
            new EmojiClipTask(),
            new ImageClassifierTask(),
            new EmojiVlmTask(),
            new MaskedAutoencoderTask(),
            new SaeTask()));
  }

  /**
   * The experiment of that name; an unknown one is an {@link InputException} with the near ones.
   */
  Experiment<?> experiment(String name) {
    return named("experiment", name, experiments, Experiment::name);
  }

  /** The task of that name; an unknown one is an {@link InputException} with the near ones. */
  TrainingTask<?> task(String name) {
    return named("task", name, tasks, TrainingTask::name);
  }

  private static <T> T named(String kind, String name, List<T> all, Function<T, String> nameOf) {
    return all.stream()
        .filter(item -> nameOf.apply(item).equals(name))
        .findFirst()
        .orElseThrow(() -> Names.unknown(kind, name, all.stream().map(nameOf).toList()));
  }
}
