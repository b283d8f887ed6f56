package io.lapidary.data;

import io.lapidary.Check;
import java.net.URI;

/**
 * One file of a data set that is fetched.
 *
 * @param uri where it is published: http, https or file
 * @param name its name in the cache, a plain file name
 * @param bytes its length, or -1 where the publisher does not tell
 * @param sha256 its checksum; empty where none is published: it is then recorded at the first fetch
 * @param unpack whether it is an archive to unpack
 */
public record RemoteFile(URI uri, String name, long bytes, String sha256, boolean unpack) {
  /** Checks the fields. */
  public RemoteFile {
    Check.present("uri", uri);
    Check.that(
        name.matches("[A-Za-z0-9][A-Za-z0-9._-]*"), "name must be a plain name, got '%s'", name);
    Check.that(bytes >= -1, "bytes must be -1 or more, got %d", bytes);
    Check.that(
        sha256.isEmpty() || sha256.matches("[0-9a-f]{64}"),
        "sha256 must be empty or 64 hexadecimal digits, got '%s'",
        sha256);
  }
}
