package io.lapidary.train;

import io.lapidary.Check;
import io.lapidary.Seeds;
import java.nio.file.Path;
import java.util.List;

/**
 * Something that a configuration file can train by name: data, model and objective together.
 *
 * @param <C> the configuration, a record that checks itself
 */
public interface TrainingTask<C extends Record> {
  /** Name in the key {@code task} of a file: lower-case letters, digits and dashes. */
  String name();

  /** One sentence for the list of tasks. */
  String description();

  /** The type that the group {@code config} of a file is read into. */
  Class<C> configType();

  /**
   * Trains and saves the model.
   *
   * @throws DivergedException when a loss or gradient is not finite
   * @throws io.lapidary.InputException when data or the run folder cannot be used
   */
  Outcome train(C config, Run run);

  /**
   * What a run gets from outside.
   *
   * @param folder for checkpoints, metrics and the trained model
   * @param resume whether to go on from the latest checkpoint of the folder
   * @param seeds root of all randomness
   * @param listeners hear of every step
   */
  record Run(Path folder, boolean resume, Seeds seeds, List<TrainListener> listeners) {
    public Run {
      Check.present("folder", folder);
      Check.present("seeds", seeds);
      listeners = List.copyOf(listeners);
    }

    /** Gives a trainer the run folder, the listeners and whether to resume. */
    public Trainer.Builder apply(Trainer.Builder trainer) {
      trainer.runFolder(folder).resume(resume);
      listeners.forEach(trainer::listener);
      return trainer;
    }
  }

  /**
   * How it ended.
   *
   * @param result of the trainer
   * @param model folder of the trained model; null when training was stopped before its end
   */
  record Outcome(TrainResult result, Path model) {
    public Outcome {
      Check.present("result", result);
    }
  }
}
