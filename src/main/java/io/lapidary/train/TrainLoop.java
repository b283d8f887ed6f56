package io.lapidary.train;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.lapidary.Check;
import io.lapidary.InputException;
import io.lapidary.Seeds;
import io.lapidary.data.BatchIterator;
import io.lapidary.engine.Parameters;
import io.lapidary.io.Jsons;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.function.Consumer;
import org.nd4j.linalg.api.ndarray.INDArray;

/** One run of a {@link Trainer}: the loop and all that changes in it. */
final class TrainLoop implements AutoCloseable {
  private final Trainer trainer;
  private final TrainConfig config;
  private final Parameters parameters;
  private final ObjectNode configTree;
  private final List<TrainListener> listeners = new ArrayList<>();
  private final GraphCache graphs;
  private final GradientSum sum = new GradientSum();
  private final Optimizer optimizer;
  private final Checkpoints checkpoints;
  private final Seeds noise;
  private final long totalSteps;
  private final Schedule schedule;
  private final Stopwatch clock = new Stopwatch();

  private Path resumed;
  private boolean started;
  private Map<String, ParameterGroup> groups;
  private Ema ema;
  private Map<String, Double> losses = Map.of();
  private double lastFiniteLoss = Double.NaN;
  private long step;
  private long epoch;
  private int batch;
  private Double best;
  private Long bestStep;
  private int withoutGain;
  private TrainResult.Reason finished;
  private Path latest;

  TrainLoop(Trainer trainer) {
    this.trainer = trainer;
    config = trainer.config;
    parameters = trainer.parameters;
    configTree = (ObjectNode) Jsons.toTree(config);
    totalSteps = config.totalSteps(trainer.batches.batchesPerEpoch());
    schedule =
        trainer.schedule != null
            ? trainer.schedule
            : config.schedule().create(config.optimizer().learningRate(), totalSteps);
    noise = trainer.noise;
    graphs =
        new GraphCache(
            trainer.objective,
            parameters,
            config.lossWeights(),
            new ParameterGroups(config.groups()),
            config.recompute(),
            trainer.form);
    if (trainer.runFolder != null) {
      checkpoints = Checkpoints.open(trainer.runFolder);
      listeners.add(new MetricsFile(trainer.runFolder, config));
    } else {
      checkpoints = null;
    }
    optimizer = trainer.optimizer.get();
    listeners.addAll(trainer.listeners);
  }

  TrainResult run() {
    findCheckpoint();
    try (StopSignal signal = trainer.stopOnShutdown ? new StopSignal(trainer.stop) : null) {
      if (finished == null) {
        tell(listener -> listener.started(step, totalSteps));
        while (finished == null) {
          epoch();
        }
      } else {
        Checkpoints.load(resumed, parameters, false);
      }
      TrainResult result = result();
      tell(listener -> listener.ended(result));
      return result;
    }
  }

  private void findCheckpoint() {
    if (checkpoints == null) {
      return;
    }
    resumed = Checkpoints.latest(trainer.runFolder).orElse(null);
    if (resumed == null) {
      return;
    }
    if (!trainer.resume) {
      resumed = null;
      throw InputException.of(
          "%s: holds the checkpoints of an earlier run; resume it or choose another folder",
          trainer.runFolder);
    }
    TrainState state = Checkpoints.state(resumed);
    state.requireSame(
        configTree, trainer.identity, trainer.batches.batchesPerEpoch(), resumed.toString());
    step = state.step();
    epoch = state.epoch();
    batch = state.batch();
    best = state.best();
    bestStep = state.bestStep();
    withoutGain = state.withoutGain();
    finished = state.finished();
    latest = resumed;
    clock.startAt(state.elapsedSeconds());
  }

  private void epoch() {
    try (BatchIterator iterator = trainer.batches.epoch(epoch, batch)) {
      Check.that(iterator.hasNext(), "the batch source gave no batch for epoch %d", epoch);
      while (finished == null && iterator.hasNext()) {
        step(iterator);
        boolean epochEnds = !iterator.hasNext();
        epoch = epochEnds ? epoch + 1 : epoch;
        batch = epochEnds ? 0 : iterator.position();
        afterStep(epochEnds);
      }
    }
  }

  private void step(BatchIterator iterator) {
    long inEpoch = epoch;
    long number = step + 1;
    Map<String, INDArray> gradients = Map.of();
    Map<String, Double> sums = new LinkedHashMap<>();
    long examples = 0;
    double norm = 0;
    for (int micro = 0; micro < config.accumulate() && iterator.hasNext(); micro++) {
      Map<String, INDArray> feeds = trainer.inputs.feeds(iterator.next());
      TrainGraph graph = graphs.get(feeds);
      if (!started) {
        start(graph);
      }
      graph.run(feeds, noise.at(number).at(micro));
      Map<String, Double> values = graph.losses();
      requireFinite(values, number, graph, feeds);
      long size = InputNames.examples(feeds);
      gradients = graph.gradients();
      if (config.accumulate() > 1) {
        sum.add(gradients, size, micro == 0);
        gradients = sum.sums();
      }
      norm = GradientSum.norm(gradients);
      if (!Double.isFinite(norm)) {
        String operation = graph.firstNonFinite(feeds);
        throw new DivergedException(number, "a gradient", lastFiniteLoss, operation);
      }
      graph.applyUpdates();
      values.forEach((name, value) -> sums.merge(name, value * size, Double::sum));
      examples += size;
      lastFiniteLoss = values.get(TrainGraph.TOTAL);
    }
    double all = examples;
    sums.replaceAll((name, value) -> value / all);
    losses = sums;
    double scale = config.accumulate() > 1 ? 1 / all : 1;
    norm *= scale;
    if (config.clipNorm() > 0 && norm > config.clipNorm()) {
      scale *= config.clipNorm() / norm;
    }
    double rate = schedule.rate(step);
    optimizer.step(updates(gradients, rate), scale, number);
    step = number;
    if (ema != null) {
      ema.update(step);
    }
    clock.count(examples);
    final TrainListener.Step report =
        new TrainListener.Step(
            step, inEpoch, losses, rate, norm, clock.examplesPerSecond(), clock.seconds());
    tell(listener -> listener.stepped(report));
    if (MetricsFile.isLogged(step, config, totalSteps)) {
      clock.restartRate();
    }
  }

  private void requireFinite(
      Map<String, Double> values, long number, TrainGraph graph, Map<String, INDArray> feeds) {
    for (Map.Entry<String, Double> value : values.entrySet()) {
      if (!Double.isFinite(value.getValue())) {
        throw new DivergedException(
            number, "loss '" + value.getKey() + "'", lastFiniteLoss, graph.firstNonFinite(feeds));
      }
    }
  }

  private List<Optimizer.Update> updates(Map<String, INDArray> gradients, double rate) {
    List<Optimizer.Update> updates = new ArrayList<>();
    gradients.forEach(
        (name, gradient) -> {
          ParameterGroup group = groups.get(name);
          Double decay = group.weightDecay();
          updates.add(
              new Optimizer.Update(
                  name,
                  parameters.get(name),
                  gradient,
                  rate * group.learningRateFactor(),
                  decay == null ? config.optimizer().weightDecay() : decay));
        });
    return updates;
  }

  /** Once the first graph has made the parameters: fills them from the checkpoint. */
  private void start(TrainGraph graph) {
    groups = graph.groups();
    if (resumed != null) {
      requireSameTensors();
      Checkpoints.load(resumed, parameters, false);
      Map<String, INDArray> state = Checkpoints.read(resumed.resolve(Checkpoints.OPTIMIZER));
      optimizer.restore(state);
      state.values().forEach(INDArray::close);
    }
    if (config.emaDecay() > 0) {
      List<String> trained =
          groups.keySet().stream().filter(name -> !groups.get(name).frozen()).toList();
      ema = new Ema(config.emaDecay(), parameters, trained);
      if (resumed != null) {
        Map<String, INDArray> averages = Checkpoints.read(resumed.resolve(Checkpoints.EMA));
        ema.restore(averages);
        averages.values().forEach(INDArray::close);
      }
    }
    started = true;
    tell(listener -> listener.ready(parameters));
  }

  private void requireSameTensors() {
    Path file = resumed.resolve(Checkpoints.MODEL);
    try (io.lapidary.io.SafetensorsFile saved = io.lapidary.io.SafetensorsFile.open(file)) {
      TreeSet<String> differ = new TreeSet<>(parameters.all().keySet());
      saved
          .names()
          .forEach(
              name -> {
                if (!differ.remove(name)) {
                  differ.add(name);
                }
              });
      if (!differ.isEmpty()) {
        throw InputException.of(
            "%s: is of another model: '%s' is on one side only (%d such names)",
            file, differ.first(), differ.size());
      }
      parameters
          .all()
          .forEach(
              (name, array) -> {
                if (!Arrays.equals(saved.info(name).shape(), array.shape())) {
                  throw InputException.of(
                      "%s: tensor '%s' has shape %s, the model needs %s",
                      file,
                      name,
                      Arrays.toString(saved.info(name).shape()),
                      Arrays.toString(array.shape()));
                }
              });
    }
  }

  private void afterStep(boolean epochEnds) {
    if (step == totalSteps && config.steps() != null
        || config.epochs() != null && epoch >= config.epochs()) {
      finished = TrainResult.Reason.COMPLETE;
    }
    boolean gained = false;
    boolean due =
        config.evaluateEvery() > 0 && step % config.evaluateEvery() == 0
            || epochEnds
                && config.evaluateEveryEpochs() > 0
                && epoch % config.evaluateEveryEpochs() == 0;
    if (trainer.evaluator != null && (due || finished != null)) {
      gained = evaluate();
    }
    if (finished == null && trainer.stop.get()) {
      finished = TrainResult.Reason.STOPPED;
    }
    boolean regular = config.checkpointEvery() > 0 && step % config.checkpointEvery() == 0;
    if (checkpoints != null && (gained || regular || finished != null)) {
      save();
    }
  }

  private boolean evaluate() {
    clock.pause();
    Map<String, Double> metrics;
    try {
      if (ema != null) {
        ema.swap();
      }
      metrics = trainer.evaluator.evaluate(step, epoch);
    } finally {
      if (ema != null) {
        ema.swap();
      }
    }
    Monitor monitor = config.monitor();
    boolean gained = false;
    if (monitor != null) {
      Double value = metrics.get(monitor.metric());
      Check.that(
          value != null,
          "monitor watches '%s', but the evaluator gives %s",
          monitor.metric(),
          new TreeSet<>(metrics.keySet()));
      gained = monitor.improves(value, best);
      if (gained) {
        best = value;
        bestStep = step;
        withoutGain = 0;
      } else {
        withoutGain++;
        if (finished == null && monitor.patience() > 0 && withoutGain >= monitor.patience()) {
          finished = TrainResult.Reason.EARLY_STOP;
        }
      }
    }
    boolean isBest = gained;
    tell(listener -> listener.evaluated(step, epoch, metrics, isBest));
    clock.go();
    return gained;
  }

  private void save() {
    clock.pause();
    Map<String, Map<String, INDArray>> tensors = new LinkedHashMap<>();
    tensors.put(Checkpoints.MODEL, parameters.all());
    tensors.put(Checkpoints.OPTIMIZER, optimizer.state());
    if (ema != null) {
      tensors.put(Checkpoints.EMA, ema.averages());
    }
    TrainState state =
        new TrainState(
            TrainState.VERSION,
            step,
            epoch,
            batch,
            trainer.batches.batchesPerEpoch(),
            clock.seconds(),
            best,
            bestStep,
            withoutGain,
            finished == TrainResult.Reason.STOPPED ? null : finished,
            configTree,
            trainer.identity,
            Map.of());
    latest = checkpoints.write(state, tensors, config.keep());
    tell(listener -> listener.saved(step, latest));
    clock.go();
  }

  private TrainResult result() {
    return new TrainResult(
        finished,
        step,
        epoch,
        losses,
        best,
        bestStep,
        latest,
        checkpoints == null || bestStep == null ? null : checkpoints.path(bestStep),
        clock.seconds());
  }

  private void tell(Consumer<TrainListener> event) {
    listeners.forEach(event);
  }

  @Override
  public void close() {
    listeners.forEach(TrainListener::closed);
    graphs.close();
    sum.close();
    optimizer.close();
    if (ema != null) {
      ema.close();
    }
    if (checkpoints != null) {
      checkpoints.close();
    }
  }
}
