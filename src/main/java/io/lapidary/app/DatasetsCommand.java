package io.lapidary.app;

import io.lapidary.data.DataHome;
import io.lapidary.data.DatasetEntry;
import io.lapidary.data.DatasetManifest;
import io.lapidary.data.Datasets;
import io.lapidary.data.EmojiBuilder;
import io.lapidary.data.RemoteFile;
import io.lapidary.report.Terminal;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Locale;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code lapidary datasets ...}: the data sets that experiments read. */
@Command(
    name = "datasets",
    description = "Lists, describes, fetches and builds data sets.",
    footer = {
      "",
      "Examples:",
      "  lapidary datasets list",
      "  lapidary datasets info emoji",
      "  lapidary datasets fetch fashion-mnist"
    })
final class DatasetsCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(
        spec.commandLine(), "say what to do with data sets, for example: list");
  }

  @Command(
      name = "list",
      description = "Lists the known data sets and whether they are at hand.",
      footer = {"", "Examples:", "  lapidary datasets list"})
  int list() {
    Datasets datasets = Datasets.open();
    for (DatasetEntry entry : datasets.list()) {
      out()
          .printf(
              "%-14s %-12s %10s  %s%n",
              entry.name(),
              words(datasets.status(entry.name())),
              size(entry.bytes()),
              entry.description());
    }
    return 0;
  }

  @Command(
      name = "info",
      description = "Shows source, licence, size and checksums of a data set.",
      footer = {"", "Examples:", "  lapidary datasets info cifar10"})
  int info(@Parameters(paramLabel = "NAME", description = "A name of the list.") String name) {
    Datasets datasets = open(name);
    DatasetEntry entry = datasets.info(name);
    Datasets.Status status = datasets.status(name);
    line("name", entry.name());
    line("description", entry.description());
    line("licence", entry.licence());
    line("source", entry.source());
    line("size", size(entry.bytes()));
    line("status", words(status));
    if (status != Datasets.Status.NOT_FETCHED) {
      line("folder", Outputs.shown(datasets.folder(name)));
    }
    if (entry.shipped()) {
      DatasetManifest manifest = DatasetManifest.read(datasets.folder(name));
      line("version", manifest.version());
      manifest.files().forEach(file -> file(file.path(), file.bytes(), file.sha256()));
    } else {
      for (RemoteFile file : entry.files()) {
        line("from", file.uri().toString());
        file(file.name(), file.bytes(), file.sha256());
      }
    }
    return 0;
  }

  @Command(
      name = "fetch",
      description = {
        "Fetches a data set and checks its checksums.",
        "An interrupted download goes on where it stopped; a shipped set is only checked."
      },
      footer = {"", "Examples:", "  lapidary datasets fetch fashion-mnist"})
  int fetch(@Parameters(paramLabel = "NAME", description = "A name of the list.") String name) {
    Datasets datasets = open(name);
    try (FetchDisplay display = new FetchDisplay(Terminal.here())) {
      Path folder = datasets.fetch(name, display);
      display.close();
      out().println(name + " is complete in " + Outputs.shown(folder));
    }
    return 0;
  }

  @Command(
      name = "build",
      description = "Builds a data set from the packages it is made of. There is one: emoji.",
      footer = {
        "",
        "The packages are emoji-datasource-google and emoji-datasource-twitter, in one version.",
        "",
        "Examples:",
        "  lapidary datasets build emoji --google google.tgz --twitter twitter.tgz --out emoji"
      })
  int build(
      @Parameters(paramLabel = "NAME", description = "emoji") String name,
      @Option(
              names = "--google",
              required = true,
              paramLabel = "FILE",
              description = "The Google package: its .tgz file or an unpacked folder.")
          Path google,
      @Option(
              names = "--twitter",
              required = true,
              paramLabel = "FILE",
              description = "The Twitter package of the same version.")
          Path twitter,
      @Option(
              names = "--out",
              paramLabel = "DIR",
              description = "Where to write; datasets/emoji in the home folder when left out.")
          Path out) {
    if (!name.equals("emoji")) {
      throw Names.unknown("data set that can be built", name, java.util.List.of("emoji"));
    }
    Path folder = Outputs.writable(out == null ? DataHome.find().dataset("emoji") : out);
    DatasetManifest manifest = EmojiBuilder.build(google, twitter, folder);
    manifest.files().forEach(file -> file(file.path(), file.bytes(), file.sha256()));
    out().println("emoji " + manifest.version() + " is in " + Outputs.shown(folder));
    return 0;
  }

  private static Datasets open(String name) {
    if (Datasets.known().stream().noneMatch(entry -> entry.name().equals(name))) {
      throw Names.unknown(
          "data set", name, Datasets.known().stream().map(DatasetEntry::name).toList());
    }
    return Datasets.open();
  }

  private static String words(Datasets.Status status) {
    return status.name().toLowerCase(Locale.ROOT).replace('_', ' ');
  }

  static String size(long bytes) {
    if (bytes < 0) {
      return "unknown";
    }
    return bytes < 1 << 20
        ? String.format(Locale.ROOT, "%.0f KB", bytes / 1e3)
        : String.format(Locale.ROOT, "%.1f MB", bytes / 1e6);
  }

  private void file(String name, long bytes, String sha256) {
    String sum = sha256.isEmpty() ? "noted at the first fetch" : sha256;
    line("file", name + ", " + size(bytes) + ", sha256 " + sum);
  }

  private void line(String name, String value) {
    out().printf("%-14s %s%n", name, value);
  }

  private PrintWriter out() {
    return spec.commandLine().getOut();
  }
}
