package io.lapidary.search;

import io.lapidary.AtomicFiles;
import io.lapidary.InputException;
import io.lapidary.io.Jsons;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;

/** The trials of a search, one JSON file each, written in one step when a trial has ended. */
final class TrialLog {
  private final Path folder;
  private final Map<Integer, TrialRecord> records = new TreeMap<>();

  private TrialLog(Path folder) {
    this.folder = folder;
  }

  /** Reads the trials of a folder; one that is not there has none. */
  static TrialLog open(Path folder) {
    TrialLog log = new TrialLog(folder);
    if (Files.isDirectory(folder)) {
      try (Stream<Path> files = Files.list(folder)) {
        files
            .filter(file -> file.getFileName().toString().matches("trial-\\d+\\.json"))
            .map(file -> Jsons.read(file, TrialRecord.class))
            .forEach(record -> log.records.put(record.trial(), record));
      } catch (IOException e) {
        throw new InputException(
            String.format("%s: cannot be listed (%s)", folder, AtomicFiles.reason(e)), e);
      }
    }
    return log;
  }

  synchronized void add(TrialRecord record) {
    records.put(record.trial(), record);
    Jsons.write(folder.resolve(String.format("trial-%04d.json", record.trial())), record);
  }

  /**
   * The record of a trial that ended before.
   *
   * @throws InputException when it was another one, with other values
   */
  synchronized Optional<TrialRecord> find(int trial, Map<String, Object> values) {
    TrialRecord record = records.get(trial);
    if (record == null) {
      return Optional.empty();
    }
    if (!Jsons.toTree(record.values()).equals(Jsons.toTree(values))) {
      throw InputException.of(
          "%s: trial %d was of another search (%s, now %s); give another --out",
          folder, trial, record.values(), values);
    }
    return Optional.of(record);
  }

  /** A record for a trial whose values another one has tried already, with what came out there. */
  synchronized Optional<TrialRecord> alike(int trial, Map<String, Object> values) {
    return records.values().stream()
        .filter(record -> record.values().equals(values))
        .findFirst()
        .map(r -> new TrialRecord(trial, values, r.score(), r.failure(), 0));
  }

  /** All records by number. */
  synchronized Map<Integer, TrialRecord> all() {
    return new TreeMap<>(records);
  }
}
