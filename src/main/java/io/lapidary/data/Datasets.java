package io.lapidary.data;

import io.lapidary.AtomicFiles;
import io.lapidary.InputException;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;

/** The registry: which data sets there are, which are at hand, and how to get the others. */
public final class Datasets {
  private static final String FASHION =
      "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/";

  private final DataHome home;
  private final List<DatasetEntry> entries;

  /** Whether a data set can be used now. */
  public enum Status {
    /** Comes with the program. */
    SHIPPED,
    /** Fetched before. */
    CACHED,
    /** Needs {@link Datasets#fetch}. */
    NOT_FETCHED
  }

  /** A registry over the given entries. */
  public Datasets(DataHome home, List<DatasetEntry> entries) {
    this.home = home;
    this.entries = List.copyOf(entries);
  }

  /** The known data sets in the program's home, see {@link DataHome#find}. */
  public static Datasets open() {
    return new Datasets(DataHome.find(), known());
  }

  /** The known data sets. */
  public static List<DatasetEntry> known() {
    return List.of(
        new DatasetEntry(
            "emoji",
            "3,786 emoji with names, 32x32 RGBA, drawn by two vendors",
            "Noto Emoji images Apache-2.0, Twemoji graphics CC-BY 4.0, emoji-data MIT; see NOTICE",
            "https://github.com/iamcal/emoji-data",
            7_121_085,
            List.of()),
        new DatasetEntry(
            "cifar10",
            "60,000 colour photographs in 10 classes, 32x32 (binary version)",
            "no licence stated; cite Krizhevsky, Learning Multiple Layers of Features, 2009",
            "https://www.cs.toronto.edu/~kriz/cifar.html",
            170_052_171,
            List.of(
                new RemoteFile(
                    URI.create("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"),
                    "cifar-10-binary.tar.gz",
                    170_052_171,
                    "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
                    true))),
        new DatasetEntry(
            "fashion-mnist",
            "70,000 grey pictures of clothing in 10 classes, 28x28",
            "MIT, Zalando SE",
            "https://github.com/zalandoresearch/fashion-mnist",
            26_421_880 + 29_515 + 4_422_102 + 5_148,
            List.of(
                fashion(
                    "train-images-idx3-ubyte.gz",
                    26_421_880,
                    "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
                fashion(
                    "train-labels-idx1-ubyte.gz",
                    29_515,
                    "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
                fashion(
                    "t10k-images-idx3-ubyte.gz",
                    4_422_102,
                    "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
                fashion(
                    "t10k-labels-idx1-ubyte.gz",
                    5_148,
                    "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"))),
        new DatasetEntry(
            "ucr",
            "UCR archive 2018: 128 univariate time series classification problems (.ts files)",
            "free for research; cite Dau et al., The UCR Time Series Archive, 2019",
            "https://www.timeseriesclassification.com",
            -1,
            List.of(
                new RemoteFile(
                    URI.create(
                        "https://www.timeseriesclassification.com/aeon-toolkit/Archives/Univariate2018_ts.zip"),
                    "Univariate2018_ts.zip",
                    -1,
                    "",
                    true))));
  }

  private static RemoteFile fashion(String name, long bytes, String sha256) {
    return new RemoteFile(URI.create(FASHION + name), name, bytes, sha256, false);
  }

  /** All entries. */
  public List<DatasetEntry> list() {
    return entries;
  }

  /**
   * One entry.
   *
   * @throws InputException when the name is not known
   */
  public DatasetEntry info(String name) {
    return entries.stream()
        .filter(e -> e.name().equals(name))
        .findFirst()
        .orElseThrow(
            () ->
                InputException.of(
                    "'%s' is not a known data set; known: %s",
                    name,
                    entries.stream().map(DatasetEntry::name).collect(Collectors.joining(", "))));
  }

  /** Whether a data set is at hand. Files are not read for it. */
  public Status status(String name) {
    DatasetEntry entry = info(name);
    if (entry.shipped()) {
      return Status.SHIPPED;
    }
    boolean complete =
        entry.files().stream()
            .allMatch(
                f ->
                    f.unpack()
                        ? Files.isDirectory(unpacked(entry))
                        : Files.isRegularFile(cached(entry, f)));
    return complete ? Status.CACHED : Status.NOT_FETCHED;
  }

  /**
   * The folder that holds the data set's files.
   *
   * @throws InputException when it has not been fetched
   */
  public Path folder(String name) {
    DatasetEntry entry = info(name);
    if (entry.shipped()) {
      return home.dataset(name);
    }
    if (status(name) == Status.NOT_FETCHED) {
      throw InputException.of(
          "the data set %s is not in %s; get it with: lapidary datasets fetch %s",
          name, home.cache(), name);
    }
    return ready(entry);
  }

  /** Fetches a data set into the cache without reporting progress. */
  public Path fetch(String name) {
    return fetch(name, Fetcher.Progress.NONE);
  }

  /**
   * Fetches what is missing of a data set, checks every file's checksum and unpacks archives. A
   * shipped set is only checked. An interrupted download goes on where it stopped.
   *
   * @return the folder that holds the files
   * @throws InputException when a server cannot be reached or a checksum differs
   */
  public Path fetch(String name, Fetcher.Progress progress) {
    DatasetEntry entry = info(name);
    if (entry.shipped()) {
      DatasetManifest.read(home.dataset(name)).verifyAll(home.dataset(name));
      return home.dataset(name);
    }
    ChecksumLock lock = new ChecksumLock(home.cache().resolve("lock.json"));
    for (RemoteFile file : entry.files()) {
      Path target = cached(entry, file);
      if (file.unpack() && Files.isDirectory(unpacked(entry)) && !Files.exists(target)) {
        continue; // unpacked before; the archive was removed to save space
      }
      String key = entry.name() + "/" + file.name();
      String expected = file.sha256().isEmpty() ? lock.get(key) : file.sha256();
      String found = Fetcher.fetch(file.uri(), target, file.bytes(), expected, progress);
      if (expected.isEmpty()) {
        lock.put(key, found);
      }
      if (file.unpack() && !Files.isDirectory(unpacked(entry))) {
        Archives.unpack(target, unpacked(entry), Archives.Limits.DEFAULT);
      }
    }
    return ready(entry);
  }

  /** Removes a fetched data set from the cache; does nothing for the others. */
  public void remove(String name) {
    DatasetEntry entry = info(name);
    if (!entry.shipped()) {
      try {
        AtomicFiles.deleteTree(home.cache().resolve(entry.name()));
      } catch (IOException e) {
        throw new InputException(
            String.format(
                "%s: cannot be removed (%s)",
                home.cache().resolve(entry.name()), AtomicFiles.reason(e)),
            e);
      }
    }
  }

  private Path ready(DatasetEntry entry) {
    boolean archive = entry.files().stream().anyMatch(RemoteFile::unpack);
    return archive ? unpacked(entry) : home.cache().resolve(entry.name());
  }

  private Path cached(DatasetEntry entry, RemoteFile file) {
    return home.cache().resolve(entry.name()).resolve(file.name());
  }

  private Path unpacked(DatasetEntry entry) {
    return home.cache().resolve(entry.name()).resolve("unpacked");
  }
}
