package io.lapidary.app.bench;

import io.lapidary.AtomicFiles;
import io.lapidary.BuildInfo;
import io.lapidary.Check;
import io.lapidary.engine.Plan;
import io.lapidary.engine.Runtime;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.factory.Nd4j;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code lapidary bench}: how long one step takes. */
@Command(
    name = "bench",
    description = {
      "Times steps of seven workloads: a matrix product, training steps of a sparse autoencoder, a"
          + " small GPT, a ConvNet and a LLaMA-like model with LoRA, and two forward passes.",
      "Without names it runs all, and gpt_step in plain SameDiff for comparison."
    },
    footer = {
      "",
      "Examples:",
      "  lapidary bench",
      "  lapidary bench gpt_step convnet_step --json --seconds 10",
      "  lapidary bench gpt_step --stock",
      "  lapidary bench gpt_step --profile --trace gpt_step.trace.json",
      "  lapidary bench --frozen",
      "  lapidary bench --growth --json",
      "  lapidary bench --generate",
      "  lapidary bench --series"
    })
public final class BenchCommand implements Callable<Integer> {
  private static final long SEED = 0;
  private static final int PROFILE_ROUNDS = 20;

  @Parameters(
      arity = "0..*",
      paramLabel = "WORKLOAD",
      description =
          "gemm, sae_step, gpt_step, gpt_forward, vit_embed, convnet_step or lora_step; all of them"
              + " when none is named. Also sae_topk, sae_matryoshka, sae_topk_large,"
              + " sae_matryoshka_large and vit_b16_embed.")
  private List<String> names = List.of();

  @Option(names = "--json", description = "Print one JSON object per line instead of a table.")
  private boolean json;

  @Option(
      names = "--seconds",
      paramLabel = "S",
      defaultValue = "3",
      description = "Time of the counted runs of each workload (default: ${DEFAULT-VALUE}).")
  private double seconds;

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "Threads of one operation (default: as the launcher sets them).")
  private Integer threads;

  @Option(
      names = "--stock",
      description = "Also time the named workloads in plain SameDiff (gpt_step, sae_step).")
  private boolean stock;

  @Option(
      names = "--profile",
      description = "Instead of timing steps, show where the time of one step goes.")
  private boolean profile;

  @Option(
      names = "--trace",
      paramLabel = "FILE",
      description = "With --profile and one workload: also write a trace for chrome://tracing.")
  private Path trace;

  @Option(
      names = "--frozen",
      description = "Time gpt_step trained whole, by adapters only and by its head only.")
  private boolean frozen;

  @Option(
      names = "--growth",
      description =
          "Time gpt_step as its context (batch 2), width (batch 4) and batch grow, one at a time.")
  private boolean growth;

  @Option(
      names = "--generate",
      description =
          "Time a LLaMA of 48 million parameters: reading 512 tokens, and one more token with and"
              + " without cached keys and values.")
  private boolean generate;

  @Option(
      names = "--series",
      description =
          "Time MiniRocket's fit and transform of 1,000 time series of 512 values, and 60 searches"
              + " by dynamic time warping among 100.")
  private boolean series;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws IOException, InterruptedException {
    Check.that(seconds >= 0 && seconds <= 3600, "--seconds must be in [0, 3600], got %s", seconds);
    List<String> chosen = names.isEmpty() ? Catalog.names() : names;
    List<String> yardstick = yardstick();
    chosen.forEach(Catalog::workload); // a wrong name fails before anything is timed
    yardstick.forEach(Catalog::stock);
    Check.that(
        trace == null || (profile && chosen.size() == 1),
        "--trace goes with --profile and one workload");
    if (threads != null) {
      Check.that(
          threads >= 1 && threads <= 1024, "--threads must be in [1, 1024], got %d", threads);
      if (!FreshProcess.has(threads)) {
        List<String> args = spec.root().commandLine().getParseResult().originalArgs();
        return FreshProcess.run(threads, args, spec.commandLine().getOut());
      }
    }
    Runtime.check();
    String engine = "lapidary-" + BuildInfo.read().version();
    PrintWriter out = spec.commandLine().getOut();
    if (frozen) {
      frozen(engine, out);
      return 0;
    }
    if (profile) {
      profile(chosen, out);
      return 0;
    }
    if (!json) {
      out.println(Timing.headerRow());
    }
    if (generate) {
      Generation.STANDARD.run(
          seconds, SEED, (name, watch) -> print(out, Timing.of(name, watch, threads(), engine)));
      return 0;
    }
    if (series) {
      SeriesClassification.STANDARD.run(
          seconds, SEED, (name, watch) -> print(out, Timing.of(name, watch, threads(), engine)));
      return 0;
    }
    if (growth) {
      for (Map.Entry<String, Workload> entry : Catalog.growth().entrySet()) {
        Stopwatch watch = new Stopwatch(seconds, System::nanoTime);
        time(entry.getValue(), watch);
        print(out, Timing.of(entry.getKey(), watch, threads(), engine));
      }
      return 0;
    }
    for (String name : chosen) {
      Stopwatch watch = new Stopwatch(seconds, System::nanoTime);
      time(Catalog.workload(name), watch);
      print(out, Timing.of(name, watch, threads(), engine));
    }
    for (String name : yardstick) {
      Stopwatch watch = new Stopwatch(seconds, System::nanoTime);
      StockRun.time(Catalog.stock(name), SEED, watch);
      print(out, Timing.of(name, watch, threads(), "samediff-fit"));
    }
    return 0;
  }

  private void profile(List<String> chosen, PrintWriter out) {
    for (String name : chosen) {
      try (Step step = Step.compile(Catalog.workload(name).build(DataType.FLOAT, SEED))) {
        Stopwatch watch = new Stopwatch(Math.min(seconds, 1), System::nanoTime);
        while (watch.more()) {
          watch.start();
          step.run();
          watch.stop();
        }
        List<Plan.CallTime> calls = step.profile(PROFILE_ROUNDS);
        double inPlan = calls.stream().mapToDouble(Plan.CallTime::microseconds).sum() / 1e3;
        double update = step.trainedValues() == 0 ? 0 : Math.max(0, watch.medianMillis() - inPlan);
        Profile found = new Profile(name, calls, step.stats(), update);
        found.lines().forEach(out::println);
        out.println();
        if (trace != null) {
          AtomicFiles.writeText(trace, found.trace());
        }
      }
    }
  }

  private void frozen(String engine, PrintWriter out) {
    String row = "%-10s %12s %8s %11s %11s%n";
    if (!json) {
      out.printf(row, "trained", "values", "calls", "median_ms", "min_ms");
    }
    for (Gpt.Scope scope : List.of(Gpt.Scope.ALL, Gpt.Scope.ADAPTERS, Gpt.Scope.HEAD)) {
      String name = scope.name().toLowerCase(Locale.ROOT);
      Stopwatch watch = new Stopwatch(seconds, System::nanoTime);
      try (Step step = Step.compile(Catalog.gpt(scope).build(DataType.FLOAT, SEED))) {
        while (watch.more()) {
          watch.start();
          step.run();
          watch.stop();
        }
        if (json) {
          Timing timing = Timing.of("gpt_step trained=" + name, watch, threads(), engine);
          out.println(
              timing.tree().put("values", step.trainedValues()).put("calls", step.stats().calls()));
        } else {
          out.printf(
              row,
              name,
              step.trainedValues(),
              step.stats().calls(),
              String.format(Locale.ROOT, "%.3f", watch.medianMillis()),
              String.format(Locale.ROOT, "%.3f", watch.minMillis()));
        }
        out.flush();
      }
    }
  }

  private List<String> yardstick() {
    if (names.isEmpty()) {
      return stock
          ? Catalog.names().stream().filter(Catalog::hasStock).toList()
          : List.of("gpt_step");
    }
    return stock ? names : List.of();
  }

  private static void time(Workload workload, Stopwatch watch) {
    try (Step step = Step.compile(workload.build(DataType.FLOAT, SEED))) {
      while (watch.more()) {
        watch.start();
        step.run();
        watch.stop();
      }
    }
  }

  private void print(PrintWriter out, Timing timing) {
    out.println(json ? timing.json() : timing.row());
    out.flush();
  }

  private static int threads() {
    return Nd4j.getEnvironment().maxThreads();
  }
}
