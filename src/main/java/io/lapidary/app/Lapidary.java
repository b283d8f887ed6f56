package io.lapidary.app;

import io.lapidary.BuildInfo;
import io.lapidary.app.bench.BenchCommand;
import java.io.OutputStreamWriter;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;

/**
 * The command line {@code lapidary}. A new command is one class that implements {@code
 * Callable<Integer>} and one entry in {@code subcommands} below.
 */
@Command(
    name = "lapidary",
    description = "Cuts, polishes and reads trained networks on the JVM.",
    subcommands = {
      DoctorCommand.class,
      DatasetsCommand.class,
      CheckpointCommand.class,
      GenerateCommand.class,
      EmbedCommand.class,
      SaeCommand.class,
      TiVitCommand.class,
      TrainCommand.class,
      SearchCommand.class,
      ReproduceCommand.class,
      ReportCommand.class,
      BenchCommand.class
    },
    mixinStandardHelpOptions = true,
    versionProvider = Lapidary.Version.class,
    scope = ScopeType.INHERIT,
    commandListHeading = "%nCommands:%n",
    optionListHeading = "%nOptions:%n",
    parameterListHeading = "%nArguments:%n",
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {
      "0:done",
      "1:a check or claim failed",
      "2:bad usage or input",
      "70:unexpected error"
    })
public final class Lapidary implements Runnable {
  @Option(
      names = "--verbose",
      scope = ScopeType.INHERIT,
      description = "Show the stack trace of an error.")
  private boolean verbose;

  @CommandLine.Spec private CommandLine.Model.CommandSpec spec;

  private final Registry registry;

  Lapidary() {
    this(Registry.standard());
  }

  Lapidary(Registry registry) {
    this.registry = registry;
  }

  /** Runs one command and ends the process with its exit code. */
  public static void main(String[] args) {
    end(args);
  }

  /** As {@code lapidary reproduce EXPERIMENT} with further options; ends the process. */
  static void reproduce(String experiment, String... options) {
    end(
        Stream.concat(Stream.of("reproduce", experiment), Stream.of(options))
            .toArray(String[]::new));
  }

  private static void end(String... args) {
    PrintWriter out = writer(System.out);
    PrintWriter err = writer(System.err);
    int code = run(out, err, args);
    out.flush();
    err.flush();
    System.exit(code);
  }

  /**
   * Runs one command inside this process.
   *
   * @return the exit code: 0 done, 1 a check or claim failed, 2 bad usage or input, 70 unexpected
   */
  public static int run(PrintWriter out, PrintWriter err, String... args) {
    return run(Registry.standard(), out, err, args);
  }

  static int run(Registry registry, PrintWriter out, PrintWriter err, String... args) {
    Lapidary lapidary = new Lapidary(registry);
    CommandLine commandLine =
        new CommandLine(lapidary)
            .setOut(out)
            .setErr(err)
            .setCaseInsensitiveEnumValuesAllowed(true)
            .setParameterExceptionHandler(
                (failure, args1) -> Failures.reportUsage(failure, lapidary.verbose, err))
            .setExecutionExceptionHandler(
                (failure, command, parsed) -> Failures.report(failure, lapidary.verbose, err));
    try {
      return commandLine.execute(args);
    } catch (Throwable failure) { // errors such as out of memory pass picocli's handlers
      return Failures.report(failure, lapidary.verbose, err);
    }
  }

  /** What the command line that {@code spec} is part of can be asked for by name. */
  static Registry registry(CommandLine.Model.CommandSpec spec) {
    return ((Lapidary) spec.root().userObject()).registry;
  }

  /** Without a command there is nothing to do. */
  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "name a command, for example: doctor");
  }

  private static PrintWriter writer(PrintStream stream) {
    return new PrintWriter(new OutputStreamWriter(stream, StandardCharsets.UTF_8), true);
  }

  /** Prints the version and the commit. */
  static final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
      return new String[] {"lapidary " + BuildInfo.read().describe()};
    }
  }
}
