package io.lapidary.train;

import io.lapidary.Check;
import java.util.List;
import java.util.Map;

/**
 * How long and how to train. Steps are optimizer steps, epochs passes over the batch source;
 * exactly one of the two ends the run.
 *
 * @param epochs passes; left out when {@code steps} is given
 * @param steps optimizer steps; left out when {@code epochs} is given
 * @param optimizer rule and peak learning rate; required
 * @param schedule shape of the learning rate; constant when left out
 * @param groups parameters with rates, decay or freezing of their own; none when left out
 * @param lossWeights factor by loss name; 1 for those not named, 0 only reports the loss
 * @param clipNorm largest norm of all gradients together; 0 (left out) does not clip
 * @param accumulate batches per optimizer step, whose gradients are averaged by examples; 1 when
 *     left out. The end of an epoch ends a step
 * @param emaDecay decay of the moving average of weights, in [0, 1); 0 (left out) keeps none
 * @param logEvery steps between metric lines; 10 when left out
 * @param evaluateEvery steps between evaluations; 0 (left out) for none by steps
 * @param evaluateEveryEpochs epochs between evaluations; 0 (left out) for none by epochs. The end
 *     of training always evaluates
 * @param checkpointEvery steps between checkpoints; 0 (left out) only at the end
 * @param keep newest checkpoints to keep, beside the best; 2 when left out
 * @param monitor metric for the best checkpoint and early stopping; none when left out
 * @param seed root of dropout noise; 0 when left out
 * @param recompute whether the blocks of a transformer are computed again for their gradients,
 *     which takes less memory and about a third more time; false when left out
 */
public record TrainConfig(
    Integer epochs,
    Long steps,
    OptimizerConfig optimizer,
    ScheduleConfig schedule,
    List<ParameterGroup> groups,
    Map<String, Double> lossWeights,
    Double clipNorm,
    Integer accumulate,
    Double emaDecay,
    Integer logEvery,
    Integer evaluateEvery,
    Integer evaluateEveryEpochs,
    Integer checkpointEvery,
    Integer keep,
    Monitor monitor,
    Long seed,
    Boolean recompute) {

  /** Fills in defaults and checks ranges. */
  public TrainConfig {
    Check.that((epochs == null) != (steps == null), "give exactly one of epochs and steps");
    Check.that(epochs == null || epochs > 0, "epochs must be above 0, got %s", epochs);
    Check.that(steps == null || steps > 0, "steps must be above 0, got %s", steps);
    Check.present("optimizer", optimizer);
    schedule = schedule == null ? ScheduleConfig.constant() : schedule;
    groups = groups == null ? List.of() : List.copyOf(groups);
    lossWeights = lossWeights == null ? Map.of() : new java.util.TreeMap<>(lossWeights);
    lossWeights.forEach(
        (name, weight) ->
            Check.that(
                weight != null && weight >= 0 && Double.isFinite(weight),
                "lossWeights.%s must be at least 0, got %s",
                name,
                weight));
    clipNorm = clipNorm == null ? 0 : clipNorm;
    accumulate = accumulate == null ? 1 : accumulate;
    emaDecay = emaDecay == null ? 0 : emaDecay;
    logEvery = logEvery == null ? 10 : logEvery;
    evaluateEvery = evaluateEvery == null ? 0 : evaluateEvery;
    evaluateEveryEpochs = evaluateEveryEpochs == null ? 0 : evaluateEveryEpochs;
    checkpointEvery = checkpointEvery == null ? 0 : checkpointEvery;
    keep = keep == null ? 2 : keep;
    seed = seed == null ? 0 : seed;
    recompute = recompute != null && recompute;
    Check.notNegative("clipNorm", clipNorm);
    Check.positive("accumulate", accumulate);
    Check.that(emaDecay >= 0 && emaDecay < 1, "emaDecay must be in [0, 1), got %s", emaDecay);
    Check.positive("logEvery", logEvery);
    Check.notNegative("evaluateEvery", evaluateEvery);
    Check.notNegative("evaluateEveryEpochs", evaluateEveryEpochs);
    Check.notNegative("checkpointEvery", checkpointEvery);
    Check.positive("keep", keep);
  }

  /** A run of so many epochs; set the rest on the builder. */
  public static Builder epochs(int epochs, OptimizerConfig optimizer) {
    return new Builder(epochs, null, optimizer);
  }

  /** A run of so many optimizer steps; set the rest on the builder. */
  public static Builder steps(long steps, OptimizerConfig optimizer) {
    return new Builder(null, steps, optimizer);
  }

  /**
   * Optimizer steps of the whole run, or −1 when the source cannot tell.
   *
   * @param batchesPerEpoch of the source, negative when unknown
   */
  public long totalSteps(int batchesPerEpoch) {
    if (steps != null) {
      return steps;
    }
    return batchesPerEpoch < 0
        ? -1
        : (long) epochs * ((batchesPerEpoch + accumulate - 1) / accumulate);
  }

  /** Sets options one by one; see {@link TrainConfig} for their meaning. */
  public static final class Builder {
    private final Integer epochs;
    private final Long steps;
    private final OptimizerConfig optimizer;
    private ScheduleConfig schedule;
    private List<ParameterGroup> groups;
    private Map<String, Double> lossWeights;
    private Double clipNorm;
    private Integer accumulate;
    private Double emaDecay;
    private Integer logEvery;
    private Integer evaluateEvery;
    private Integer evaluateEveryEpochs;
    private Integer checkpointEvery;
    private Integer keep;
    private Monitor monitor;
    private Long seed;
    private Boolean recompute;

    private Builder(Integer epochs, Long steps, OptimizerConfig optimizer) {
      this.epochs = epochs;
      this.steps = steps;
      this.optimizer = optimizer;
    }

    /** Shape of the learning rate. */
    public Builder schedule(ScheduleConfig value) {
      schedule = value;
      return this;
    }

    /** Parameter groups in order of precedence. */
    public Builder groups(ParameterGroup... value) {
      groups = List.of(value);
      return this;
    }

    /** Factor by loss name. */
    public Builder lossWeights(Map<String, Double> value) {
      lossWeights = value;
      return this;
    }

    /** Largest norm of all gradients together. */
    public Builder clipNorm(double value) {
      clipNorm = value;
      return this;
    }

    /** Batches per optimizer step. */
    public Builder accumulate(int value) {
      accumulate = value;
      return this;
    }

    /** Decay of the moving average of weights. */
    public Builder emaDecay(double value) {
      emaDecay = value;
      return this;
    }

    /** Steps between metric lines. */
    public Builder logEvery(int value) {
      logEvery = value;
      return this;
    }

    /** Steps between evaluations. */
    public Builder evaluateEvery(int value) {
      evaluateEvery = value;
      return this;
    }

    /** Epochs between evaluations. */
    public Builder evaluateEveryEpochs(int value) {
      evaluateEveryEpochs = value;
      return this;
    }

    /** Steps between checkpoints. */
    public Builder checkpointEvery(int value) {
      checkpointEvery = value;
      return this;
    }

    /** Newest checkpoints to keep. */
    public Builder keep(int value) {
      keep = value;
      return this;
    }

    /** Metric for the best checkpoint and early stopping. */
    public Builder monitor(Monitor value) {
      monitor = value;
      return this;
    }

    /** Root of dropout noise. */
    public Builder seed(long value) {
      seed = value;
      return this;
    }

    /** Whether blocks are computed again for their gradients. */
    public Builder recompute(boolean value) {
      recompute = value;
      return this;
    }

    /** Checks everything. */
    public TrainConfig build() {
      return new TrainConfig(
          epochs,
          steps,
          optimizer,
          schedule,
          groups,
          lossWeights,
          clipNorm,
          accumulate,
          emaDecay,
          logEvery,
          evaluateEvery,
          evaluateEveryEpochs,
          checkpointEvery,
          keep,
          monitor,
          seed,
          recompute);
    }
  }
}
