package io.lapidary.train;

import com.fasterxml.jackson.databind.JsonNode;
import io.lapidary.Check;
import io.lapidary.Seeds;
import io.lapidary.data.BatchSource;
import io.lapidary.engine.Parameters;
import io.lapidary.io.Jsons;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;

/**
 * Trains the parameters of a model on batches. Same configuration, seed, parameters and batches
 * give the same weights; a run that was stopped or killed and resumed gives those of an
 * uninterrupted one, bit for bit where the arithmetic is (one thread).
 *
 * <pre>{@code
 * TrainResult result =
 *     Trainer.builder(config, parameters, objective, batches)
 *         .features("pixels").labels("class")
 *         .runFolder(folder).resume(true)
 *         .build()
 *         .run();
 * }</pre>
 */
public final class Trainer {
  final TrainConfig config;
  final Parameters parameters;
  final Objective objective;
  final BatchSource batches;
  final InputNames inputs;
  final Path runFolder;
  final boolean resume;
  final boolean stopOnShutdown;
  final Evaluator evaluator;
  final List<TrainListener> listeners;
  final Supplier<Optimizer> optimizer;
  final Schedule schedule;
  final Seeds noise;
  final Supplier<String> form;
  final JsonNode identity;
  final AtomicBoolean stop = new AtomicBoolean();

  private Trainer(Builder b) {
    config = b.config;
    parameters = b.parameters;
    objective = b.objective;
    batches = b.batches;
    inputs = new InputNames(b.features, b.labels);
    runFolder = b.runFolder;
    resume = b.resume;
    stopOnShutdown = b.stopOnShutdown == null ? b.runFolder != null : b.stopOnShutdown;
    evaluator = b.evaluator;
    listeners = List.copyOf(b.listeners);
    optimizer = b.optimizer == null ? config.optimizer()::create : b.optimizer;
    schedule = b.schedule;
    noise = b.noise == null ? new Seeds(config.seed()).stream("noise") : b.noise;
    form = b.form;
    identity = b.identity;
    Check.that(
        evaluator != null || config.monitor() == null, "monitor needs an evaluator to watch");
  }

  /** Starts from what every run needs. */
  public static Builder builder(
      TrainConfig config, Parameters parameters, Objective objective, BatchSource batches) {
    return new Builder(config, parameters, objective, batches);
  }

  /**
   * Trains to the end, or until stopped.
   *
   * @throws DivergedException when a loss or gradient is not finite
   * @throws io.lapidary.InputException when the run folder cannot be used, or holds a run that does
   *     not fit
   */
  public TrainResult run() {
    stop.set(false);
    try (TrainLoop loop = new TrainLoop(this)) {
      return loop.run();
    }
  }

  /** Asks a run to stop after its present step and to save; from any thread. */
  public void stop() {
    stop.set(true);
  }

  /** Collects the options of a run. */
  public static final class Builder {
    private final TrainConfig config;
    private final Parameters parameters;
    private final Objective objective;
    private final BatchSource batches;
    private final List<TrainListener> listeners = new ArrayList<>();
    private List<String> features = List.of();
    private List<String> labels = List.of();
    private Path runFolder;
    private boolean resume;
    private Boolean stopOnShutdown;
    private Evaluator evaluator;
    private Supplier<Optimizer> optimizer;
    private Schedule schedule;
    private Seeds noise;
    private Supplier<String> form = () -> "";
    private JsonNode identity = Jsons.object();

    private Builder(
        TrainConfig config, Parameters parameters, Objective objective, BatchSource batches) {
      this.config = Check.present("config", config);
      this.parameters = Check.present("parameters", parameters);
      this.objective = Check.present("objective", objective);
      this.batches = Check.present("batches", batches);
    }

    /** Placeholder names of the feature arrays of a batch, in order; empty leaves one out. */
    public Builder features(String... names) {
      features = List.of(names);
      return this;
    }

    /** Placeholder names of the label arrays of a batch, in order; empty leaves one out. */
    public Builder labels(String... names) {
      labels = List.of(names);
      return this;
    }

    /** Where checkpoints and {@code metrics.jsonl} go; without it nothing is written. */
    public Builder runFolder(Path folder) {
      runFolder = folder;
      return this;
    }

    /**
     * Whether to go on from the latest checkpoint of the run folder, where there is one. Without it
     * a folder that holds checkpoints is refused.
     */
    public Builder resume(boolean on) {
      resume = on;
      return this;
    }

    /** Whether Ctrl-C saves before the process ends; on when there is a run folder. */
    public Builder stopOnShutdown(boolean on) {
      stopOnShutdown = on;
      return this;
    }

    /** Measures the model as often as the configuration says, and at the end. */
    public Builder evaluator(Evaluator value) {
      evaluator = value;
      return this;
    }

    /** Adds a listener; they hear in this order. */
    public Builder listener(TrainListener value) {
      listeners.add(Check.present("listener", value));
      return this;
    }

    /** An optimizer in place of the configured one; its peak rate and decay still count. */
    public Builder optimizer(Supplier<Optimizer> value) {
      optimizer = value;
      return this;
    }

    /** A schedule in place of the configured one. */
    public Builder schedule(Schedule value) {
      schedule = value;
      return this;
    }

    /** Root of dropout and other noise in place of the configured seed. */
    public Builder noise(Seeds value) {
      noise = value;
      return this;
    }

    /**
     * Names the form of the objective that the next step needs, asked before every step: one graph
     * is built for each name and batch shape. For parts of a loss that are known to be 0 for a
     * while; the objective looks at the same state.
     */
    public Builder form(Supplier<String> value) {
      form = Check.present("form", value);
      return this;
    }

    /**
     * What a resumed run must agree on beside the training configuration, such as the configuration
     * of model and data: a record, map or JSON tree.
     */
    public Builder identity(Object value) {
      identity = Jsons.toTree(value);
      return this;
    }

    /** Checks that the parts fit together. */
    public Trainer build() {
      Check.that(!resume || runFolder != null, "resume needs a run folder");
      return new Trainer(this);
    }
  }
}
