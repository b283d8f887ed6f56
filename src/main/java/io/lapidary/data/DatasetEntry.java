package io.lapidary.data;

import io.lapidary.Check;
import java.util.List;

/**
 * What the registry knows about a data set.
 *
 * @param name short name for the command line
 * @param description one sentence
 * @param licence licence, or what its publisher says about use
 * @param source home page
 * @param bytes size of what is shipped or fetched, or -1 where it is not known
 * @param files what to fetch; empty for a shipped set
 */
public record DatasetEntry(
    String name,
    String description,
    String licence,
    String source,
    long bytes,
    List<RemoteFile> files) {
  /** Checks the name. */
  public DatasetEntry {
    Check.that(name.matches("[a-z0-9][a-z0-9-]*"), "not a data set name: '%s'", name);
    files = List.copyOf(files);
  }

  /** Whether it comes with the program. */
  public boolean shipped() {
    return files.isEmpty();
  }
}
