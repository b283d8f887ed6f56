package io.lapidary;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Properties;

/**
 * Which program this is, written into the jar by the build. Results carry it as provenance.
 *
 * @param version the project version, e.g. {@code 0.1.0-SNAPSHOT}
 * @param commit the full git commit, or {@code unknown} for a build outside a repository
 * @param modified whether files differed from that commit when the program was built
 */
public record BuildInfo(String version, String commit, boolean modified) {
  /** What stands for a value that the build did not know. */
  public static final String UNKNOWN = "unknown";

  /** Reads the build's own description. */
  public static BuildInfo read() {
    Properties properties = new Properties();
    try (InputStream in = BuildInfo.class.getResourceAsStream("build.properties")) {
      if (in != null) {
        properties.load(in);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return of(properties);
  }

  static BuildInfo of(Properties properties) {
    return new BuildInfo(
        value(properties, "version"),
        value(properties, "commit"),
        Boolean.parseBoolean(value(properties, "dirty")));
  }

  /** One line: version, short commit, and whether the tree was modified. */
  public String describe() {
    String shortCommit = commit.substring(0, Math.min(commit.length(), 10));
    return version + " (commit " + shortCommit + (modified ? ", modified" : "") + ")";
  }

  // Without a repository the build leaves the placeholder ${...} as it stands.
  private static String value(Properties properties, String key) {
    String value = properties.getProperty(key, "").strip();
    return value.isEmpty() || value.startsWith("${") ? UNKNOWN : value;
  }
}
