package io.lapidary.train;

import io.lapidary.BuildInfo;
import io.lapidary.Check;
import io.lapidary.engine.Parameters;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.bytedeco.javacpp.Pointer;
import org.deeplearning4j.core.storage.Persistable;
import org.deeplearning4j.core.storage.StatsStorage;
import org.deeplearning4j.core.storage.StatsStorageRouter;
import org.deeplearning4j.ui.model.stats.api.Histogram;
import org.deeplearning4j.ui.model.stats.api.StatsReport;
import org.deeplearning4j.ui.model.stats.api.StatsType;
import org.deeplearning4j.ui.model.stats.impl.SbeStatsInitializationReport;
import org.deeplearning4j.ui.model.stats.impl.SbeStatsReport;
import org.deeplearning4j.ui.model.storage.impl.SbeStorageMetaData;
import org.nd4j.linalg.factory.Nd4j;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sends a run to the training page of Deeplearning4j: software, hardware and parameters once, then
 * loss, learning rate, gradient norm, speed and memory of steps, and summaries of the parameters
 * now and then.
 *
 * <p>A storage that can be read ({@link StatsStorage}) keeps one point per step when a run is
 * resumed: steps taken again replace their points. A new run never mixes with an earlier one of the
 * same name: it gets the name with {@code -2}, {@code -3} and so on.
 */
public final class TrainingUiListener implements TrainListener {
  /** Type under which the training page looks for reports. */
  public static final String TYPE = "StatsListener";

  /** The one worker of a session. */
  public static final String WORKER = "trainer";

  /** Key of the scheduled rate among the learning rates of a report. */
  public static final String LEARNING_RATE = "learningRate";

  /** Key of the norm of all gradients, before clipping, among the magnitudes of gradients. */
  public static final String GRADIENT_NORM = "globalNorm";

  private static final Logger LOG = LoggerFactory.getLogger(TrainingUiListener.class);

  private final StatsStorageRouter router;
  private final String name;
  private final int reportEvery;
  private final int parametersEvery;
  private final Map<Integer, Long> earlier = new HashMap<>();

  private Parameters parameters;
  private boolean failed;
  private String session;
  private long totalSteps;
  private long lastTime;
  private double lastSeconds;
  private long lastStep;

  /** Reports every step, parameters at the first step and every hundredth. */
  public TrainingUiListener(StatsStorageRouter router, String name) {
    this(router, name, 1, 100);
  }

  /**
   * A view of one run.
   *
   * @param router takes the reports; the caller closes it after training
   * @param name of the session on the page
   * @param reportEvery steps between reports; the first and the last are always sent
   * @param parametersEvery steps between summaries of the parameters, 0 for none; they come with a
   *     report
   */
  public TrainingUiListener(
      StatsStorageRouter router, String name, int reportEvery, int parametersEvery) {
    this.router = Check.present("router", router);
    this.name = Check.present("name", name);
    Check.that(reportEvery >= 1, "reportEvery must be at least 1, got %d", reportEvery);
    Check.that(parametersEvery >= 0, "parametersEvery must be at least 0, got %d", parametersEvery);
    this.reportEvery = reportEvery;
    this.parametersEvery = parametersEvery;
  }

  /** Name of the session in the storage; null before training. */
  public String session() {
    return session;
  }

  @Override
  public void started(long firstStep, long totalSteps) {
    this.totalSteps = totalSteps;
    session = name;
    earlier.clear();
    failed = false;
    lastTime = 0;
    lastStep = 0; // elapsed seconds count over all parts of the run
    lastSeconds = 0;
    if (router instanceof StatsStorage storage) {
      session = chooseSession(storage, firstStep > 0);
      findEarlierReports(storage, firstStep);
    }
  }

  private String chooseSession(StatsStorage storage, boolean resumed) {
    String latest = name;
    String next = name;
    for (int number = 2; storage.sessionExists(next); number++) {
      latest = next;
      next = name + "-" + number;
    }
    return resumed ? latest : next;
  }

  /** Reports are stored by time: a step taken again takes the time of its first report. */
  private void findEarlierReports(StatsStorage storage, long firstStep) {
    if (!storage.sessionExists(session)) {
      return;
    }
    for (Persistable update : storage.getAllUpdatesAfter(session, TYPE, WORKER, 0)) {
      lastTime = Math.max(lastTime, update.getTimeStamp());
      if (update instanceof StatsReport report && report.getIterationCount() > firstStep) {
        earlier.put(report.getIterationCount(), report.getTimeStamp());
      }
    }
  }

  @Override
  public void ready(Parameters ready) {
    parameters = ready;
    SbeStatsInitializationReport report = new SbeStatsInitializationReport();
    long time = System.currentTimeMillis();
    report.reportIDs(session, TYPE, WORKER, time);
    reportMachine(report);
    Map<String, String> shapes = new LinkedHashMap<>();
    ready.all().forEach((key, array) -> shapes.put(key, Arrays.toString(array.shape())));
    report.reportModelInfo(
        name,
        shapes.entrySet().stream()
            .map(e -> e.getKey() + " " + e.getValue())
            .collect(Collectors.joining("\n")),
        shapes.keySet().toArray(String[]::new),
        (int) shapes.keySet().stream().map(TrainingUiListener::layer).distinct().count(),
        ready.count());
    SbeStorageMetaData types =
        new SbeStorageMetaData(
            time, session, TYPE, WORKER, SbeStatsInitializationReport.class, SbeStatsReport.class);
    send(
        () -> {
          router.putStorageMetaData(types);
          router.putStaticInfo(report);
        });
  }

  private void reportMachine(SbeStatsInitializationReport report) {
    String host =
        Objects.requireNonNullElse(
            System.getenv().getOrDefault("HOSTNAME", System.getenv("COMPUTERNAME")), "localhost");
    report.reportSoftwareInfo(
        System.getProperty("os.arch"),
        System.getProperty("os.name"),
        System.getProperty("java.vm.name"),
        System.getProperty("java.version"),
        System.getProperty("java.specification.version"),
        Nd4j.getBackend().getClass().getName(),
        parameters.type().name(),
        host,
        host + "-" + ProcessHandle.current().pid(),
        Map.of("lapidary", BuildInfo.read().version()));
    Runtime java = Runtime.getRuntime();
    report.reportHardwareInfo(
        java.availableProcessors(), 0, java.maxMemory(), Pointer.maxBytes(), null, null, host);
  }

  /** Parameters of one layer share all of their name but the last part. */
  private static String layer(String parameter) {
    int end = Math.max(parameter.lastIndexOf('.'), parameter.lastIndexOf('/'));
    return end < 0 ? parameter : parameter.substring(0, end);
  }

  @Override
  public void stepped(Step step) {
    long number = step.step();
    if (failed) {
      return;
    }
    if (number != 1 && number % reportEvery != 0 && number != totalSteps) {
      return;
    }
    final long begin = System.nanoTime();
    int iteration = Math.toIntExact(number);
    SbeStatsReport report = new SbeStatsReport();
    report.reportIDs(session, TYPE, WORKER, time(iteration));
    report.reportIterationCount(iteration);
    report.reportScore(step.losses().get(TrainGraph.TOTAL));
    report.reportLearningRates(Map.of(LEARNING_RATE, step.learningRate()));
    report.reportMeanMagnitudes(StatsType.Gradients, Map.of(GRADIENT_NORM, step.gradientNorm()));
    reportSpeed(report, step);
    Runtime java = Runtime.getRuntime();
    report.reportMemoryUse(
        java.totalMemory() - java.freeMemory(),
        java.maxMemory(),
        Pointer.totalBytes(),
        Pointer.maxBytes(),
        null,
        null);
    if (parametersEvery > 0 && (number == 1 || number % parametersEvery == 0)) {
      reportParameters(report);
    }
    report.reportStatsCollectionDurationMS((int) ((System.nanoTime() - begin) / 1_000_000));
    send(() -> router.putUpdate(report));
  }

  /** A storage that fails ends no training, nor does a file that Ctrl-C closes before the save. */
  private void send(Runnable report) {
    try {
      report.run();
    } catch (RuntimeException | IllegalAccessError e) { // the latter from a closed file
      failed = true;
      if (!processEnds()) {
        LOG.warn("the training page gets no further reports: {}", e.toString());
      }
    }
  }

  private static boolean processEnds() {
    try {
      Runtime.getRuntime().removeShutdownHook(new Thread());
      return false;
    } catch (IllegalStateException e) {
      return true;
    }
  }

  /** Two steps may fall into one millisecond, but each report needs a time of its own. */
  private long time(int iteration) {
    Long again = earlier.remove(iteration);
    if (again != null) {
      return again;
    }
    lastTime = Math.max(System.currentTimeMillis(), lastTime + 1);
    return lastTime;
  }

  private void reportSpeed(SbeStatsReport report, Step step) {
    double seconds = step.elapsedSeconds() - lastSeconds;
    long steps = step.step() - lastStep;
    report.reportPerformance(
        Math.round(step.elapsedSeconds() * 1000),
        0, // steps do not say how many examples they took
        step.step(),
        step.examplesPerSecond(),
        seconds > 0 ? steps / seconds : 0);
    lastSeconds = step.elapsedSeconds();
    lastStep = step.step();
  }

  private void reportParameters(SbeStatsReport report) {
    Map<String, Double> means = new TreeMap<>();
    Map<String, Double> deviations = new TreeMap<>();
    Map<String, Double> magnitudes = new TreeMap<>();
    Map<String, Histogram> histograms = new TreeMap<>();
    parameters
        .all()
        .forEach(
            (key, array) -> {
              ValueSummary summary = ValueSummary.of(array);
              means.put(key, summary.mean());
              deviations.put(key, summary.deviation());
              magnitudes.put(key, summary.meanMagnitude());
              histograms.put(
                  key,
                  new Histogram(
                      summary.min(), summary.max(), summary.bins().length, summary.bins()));
            });
    report.reportMean(StatsType.Parameters, means);
    report.reportStdev(StatsType.Parameters, deviations);
    report.reportMeanMagnitudes(StatsType.Parameters, magnitudes);
    report.reportHistograms(StatsType.Parameters, histograms);
  }
}
