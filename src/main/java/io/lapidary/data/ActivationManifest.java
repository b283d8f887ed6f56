package io.lapidary.data;

import io.lapidary.Check;
import io.lapidary.InputException;
import io.lapidary.io.Jsons;
import java.nio.file.Path;
import java.util.List;

/**
 * {@code manifest.json} of an activation store.
 *
 * @param version of the format, 1
 * @param spec what the store holds when it is complete
 * @param shards files written so far, in the order of the examples
 */
public record ActivationManifest(int version, ActivationSpec spec, List<Shard> shards) {
  static final String FILE = "manifest.json";
  private static final int VERSION = 1;

  /**
   * One file.
   *
   * @param file its name in the folder
   * @param rows activations in it
   * @param sha256 of the file
   * @param squares sum of all squared values
   */
  public record Shard(String file, int rows, String sha256, double squares) {
    /** Checks the fields. */
    public Shard {
      Check.that(
          file != null && file.matches("[\\w.-]+"), "shard file '%s' is not a plain name", file);
      Check.positive("rows", rows);
      Check.present("sha256", sha256);
    }
  }

  /** Checks the fields. */
  public ActivationManifest {
    Check.that(version == VERSION, "version %d is not known here; expected %d", version, VERSION);
    Check.present("spec", spec);
    shards = List.copyOf(shards);
    Check.that(
        shards.size() <= spec.shards(),
        "%d shards are listed, %d expected",
        shards.size(),
        spec.shards());
    for (int i = 0; i < shards.size(); i++) {
      long rows = (long) spec.examplesOf(i) * spec.rowsPerExample();
      Check.that(
          shards.get(i).rows() == rows,
          "%s has %d rows, expected %d",
          shards.get(i).file(),
          shards.get(i).rows(),
          rows);
    }
  }

  static ActivationManifest of(ActivationSpec spec, List<Shard> shards) {
    return new ActivationManifest(VERSION, spec, shards);
  }

  static ActivationManifest read(Path folder) {
    return Jsons.read(folder.resolve(FILE), ActivationManifest.class);
  }

  void write(Path folder) {
    Jsons.write(folder.resolve(FILE), this);
  }

  /** Whether every shard is written. */
  public boolean complete() {
    return shards.size() == spec.shards();
  }

  /** Number of activations written so far. */
  public long rows() {
    return shards.stream().mapToLong(Shard::rows).sum();
  }

  /**
   * Root of the mean squared length of an activation, by which autoencoders divide their inputs
   * (over all rows, where the paper takes about a hundred batches).
   */
  public double normalizer() {
    return Math.sqrt(shards.stream().mapToDouble(Shard::squares).sum() / rows());
  }

  /** Requires that another run wants the same activations. */
  void requireSame(ActivationSpec wanted, Path folder) {
    var here = Jsons.toTree(spec);
    Jsons.toTree(wanted)
        .fields()
        .forEachRemaining(
            field -> {
              if (!field.getValue().equals(here.get(field.getKey()))) {
                throw InputException.of(
                    "%s: holds other activations: %s is %s, this run has %s; choose another folder",
                    folder, field.getKey(), here.get(field.getKey()), field.getValue());
              }
            });
  }
}
