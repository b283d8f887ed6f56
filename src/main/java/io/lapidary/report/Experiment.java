package io.lapidary.report;

/**
 * A paper's claims as a measurement that anyone can repeat: config and run in, result out. An
 * experiment reads no system properties and no clock; what it needs from outside comes with the
 * {@link RunContext}.
 *
 * @param <C> the configuration, a record that checks itself
 */
public interface Experiment<C extends Record> {
  /** Folder name below {@code experiments/}: lower-case letters, digits and dashes. */
  String name();

  /** The type that the {@code config} part of an experiment file is read into. */
  Class<C> configType();

  /**
   * Measures every claim. Ends with {@link RunContext#result}.
   *
   * @throws io.lapidary.InputException when data, checkpoints or thresholds are missing
   */
  Result run(C config, RunContext run);
}
