package io.lapidary.train;

import io.lapidary.AtomicFiles;
import io.lapidary.Check;
import io.lapidary.InputException;
import io.lapidary.data.Hashes;
import io.lapidary.io.Jsons;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Supplier;

/**
 * Scores of the parts of an experiment that are done, a small file each, so that a run which goes
 * on after a stop does not measure them again.
 */
public final class FinishedParts {
  private final Path folder;

  private FinishedParts(Path folder) {
    this.folder = folder;
  }

  /** Parts in a folder, which is made when the first one is done. */
  public static FinishedParts in(Path folder) {
    return new FinishedParts(Check.present("folder", folder));
  }

  /**
   * The scores of a part, measured now unless they are here.
   *
   * @param key all that decides them: settings, data, seeds, version of the program
   * @return name to score, in the order of the measurement
   * @throws InputException when the file of this part is damaged
   */
  public Map<String, Double> scores(String key, Supplier<Map<String, Double>> measurement) {
    Path file = folder.resolve(Hashes.sha256(key.getBytes(StandardCharsets.UTF_8)) + ".json");
    if (Files.isRegularFile(file)) {
      return read(file);
    }
    Map<String, Double> scores = new LinkedHashMap<>(measurement.get());
    if (scores.values().stream().allMatch(Double::isFinite)) { // others have no form in JSON
      try {
        Files.createDirectories(folder);
      } catch (IOException e) {
        throw new InputException(
            String.format("%s: cannot be made (%s)", folder, AtomicFiles.reason(e)), e);
      }
      Jsons.write(file, scores);
    }
    return scores;
  }

  private static Map<String, Double> read(Path file) {
    Map<String, Double> scores = new LinkedHashMap<>();
    Jsons.readObject(file)
        .fields()
        .forEachRemaining(
            entry -> {
              if (!entry.getValue().isNumber()) {
                throw InputException.of(
                    "%s: %s must be a number, found %s; delete the file to measure it again",
                    file, entry.getKey(), entry.getValue());
              }
              scores.put(entry.getKey(), entry.getValue().doubleValue());
            });
    return scores;
  }
}
